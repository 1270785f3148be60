"""Models and kills: whatever commit does not come to pass, the same command ends with equal rows and incidents."""

from dataclasses import replace

import pytest

from actors.hop import Direct
from actors.tables import Table
from actors.verify import verify
from cluster.analysis import analyse
from cluster.job import Analysis
from tests.actors.modelled import model
from tests.equal import assert_equal
from tests.serve.defective import defective

LEAST = {"video": 200, "audio": 80, "packets": 570, "freeze": 2, "silence": 1}


class Killed(BaseException):
    """Stands for kill -9 at a commit."""


@pytest.fixture(scope="module", autouse=True)
def short_windows():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Direct, "bounds", replace(Direct.bounds, window_seconds=1, batch_seconds=0.5))
        yield


def analysed(results, *models):
    (document,) = analyse([str(defective("plain.mp4"))], Analysis(results=str(results), jobs=1, models=models))
    return document


MODELS = (model(judge={"above": 0.3, "minimum_seconds": 0.5}), model("FearsTheDark"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    results = tmp_path_factory.mktemp("whole") / "results"
    return results, analysed(results, *MODELS)


def killed_at(table, number, results):
    """The n-th commit of one table does not come to pass, and nothing after it."""
    commit, count = Table.commit, [0]

    def dying(self, adds, *given, **named):
        count[0] += self.name == table and bool(adds)
        if count[0] >= number:
            raise Killed
        commit(self, adds, *given, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Table, "commit", dying)
        with pytest.raises(Killed):
            analysed(results, *MODELS)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "number"), [("metrics", 1), ("events", 3), ("metrics", 3), ("video", 2), ("usage", 1)]
)  # fmt: skip
def test_a_kill_leaves_nothing_missing_and_nothing_twice(table, number, tmp_path, whole):
    killed_at(table, number, tmp_path / "results")
    document = analysed(tmp_path / "results", *MODELS)
    assert verify(str(tmp_path / "results")) == []
    compared = assert_equal(tmp_path / "results", whole[0], **LEAST, bright=1, detector_failed=1)
    assert 3 * 200 < compared.rows["metrics"] < 4 * 200
    assert document["incidents"] == whole[1]["incidents"]
    assert document["verdicts"] == whole[1]["verdicts"]
