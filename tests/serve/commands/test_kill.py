"""kill -9 at any moment: the same command goes on, and ends equal to a run that nobody disturbed."""

import random
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from actors.errors import StorageError
from actors.verify import verify
from tests.equal import assert_equal, rows_of, summaries, unexplained
from tests.serve.defective import defective
from tests.serve.killing import Commands, alive

SEED = 20261124
WINDOW_SECONDS = 1
LEAST = {
    "plain.mp4": {"video": 200, "audio": 80, "packets": 570, "black": 1, "freeze": 2, "silence": 1, "channel_loss": 1,
                  "clipping": 1, "incidents": 10, "stretches": 2},
    "flipped.ts": {"video": 190, "audio": 75, "packets": 500, "decode_errors": 1, "incidents": 2},
    "lost.ts": {"video": 150, "audio": 75, "packets": 500, "decode_errors": 1, "timestamps": 1, "silence": 1},
    "jump.ts": {"video": 200, "audio": 80, "packets": 500, "timestamps": 2, "silence": 1, "black": 1},
    "wrap.ts": {"video": 200, "audio": 80, "packets": 500, "silence": 1, "black": 1},
    "gaps.mp4": {"video": 140, "audio": 70, "packets": 430, "timestamps": 2, "freeze": 1, "stretches": 4},
}  # fmt: skip
"""What must have been compared of each clip."""


@pytest.fixture(scope="module")
def commands(tmp_path_factory):
    with Commands(WINDOW_SECONDS, tmp_path_factory.mktemp("commands"), defective("clean.mp4")) as running:
        yield running


@pytest.fixture(scope="module")
def undisturbed(commands, tmp_path_factory):
    """Results of an undisturbed run of clips, and how many seconds it took; made once for each set of arguments."""
    known = {}

    def run(*arguments):
        if arguments not in known:
            results = tmp_path_factory.mktemp("undisturbed") / "results"
            ended = commands.run("analyze", *arguments, "--results", results)
            assert ended.status == 0, ended.err
            known[arguments] = (results, ended.seconds)
        return known[arguments]

    return run


def _whole(results):
    """What a kill left behind verifies, if there is anything."""
    with suppress(StorageError):
        assert verify(str(results)) == []


SOON = ("flipped.ts",)
"""Those that are not left to the long run of the tests."""


def _recorded(results):
    """How many rows of pictures are committed, by stream and track, of streams that are not finished."""
    with suppress(StorageError):
        unfinished = {stream for stream, summary in summaries(results).items() if summary is None}
        found = rows_of(results, "video").group_by(["stream", "track"]).aggregate([([], "count_all")]).to_pylist()
        return {(row["stream"], row["track"]): row["count_all"] for row in found if row["stream"] in unfinished}
    return {}


def _finish(commands, arguments, results):
    """Run the command to its end: nothing that was committed is measured again. How many pictures that were."""
    before = _recorded(results)
    ended = commands.run("analyze", *arguments, "--results", results)
    assert ended.status == 0, ended.err
    accounts = {stream: summary["ledger"] for stream, summary in summaries(results).items()}
    for (stream, track), rows in before.items():
        account = accounts[stream][track]
        assert account["recorded"] == rows
        assert account["analysed"] == account["offered"] - rows
    return sum(before.values())


def _equal(results, expected, **least):
    assert verify(str(results)) == []
    assert unexplained(results) == {}
    assert_equal(results, expected, **least)


def _killed_until_done(commands, arguments, results, chance, seconds):
    """Kill the command again and again, at random moments, until it is done before its time; how often."""
    kills = 0
    command = ("analyze", *arguments, "--results", results)
    while (ended := commands.run(*command, kill_after=chance.uniform(0, seconds))).killed:
        kills += 1
        _whole(results)
    assert ended.status == 0, ended.err
    return kills


def _random_kills(commands, undisturbed, tmp_path, name, least_kills):
    clip = defective(name)
    expected, seconds = undisturbed(clip)
    chance, kills, round_ = random.Random(f"{SEED} {name}"), 0, 0
    while kills < least_kills:
        results = tmp_path / f"results{round_}"
        kills += _killed_until_done(commands, [clip], results, chance, 1.3 * seconds)
        _equal(results, expected, **LEAST[name])
        round_ += 1
    return kills


LATER = [pytest.param(name, marks=pytest.mark.slow) for name in LEAST if name not in SOON]


@pytest.mark.parametrize("name", [*SOON, *LATER])
def test_kills_at_random_moments(commands, undisturbed, tmp_path, name):
    _random_kills(commands, undisturbed, tmp_path, name, 5)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_two_hundred_kills(commands, undisturbed, tmp_path):
    kills = sum(_random_kills(commands, undisturbed, tmp_path / name, name, 34) for name in LEAST)
    assert kills >= 200


@pytest.mark.parametrize(
    ("after", "every"),
    [(False, 4), *(pytest.param(after, 2, marks=pytest.mark.slow) for after in (False, True))],
    ids=["before some", "before", "after"],
)
def test_kills_at_every_commit(commands, undisturbed, tmp_path, after, every):
    """The process dies at its k-th commit of a table, just before it or just after: between any two tables too."""
    clip = defective("short.mp4")
    expected, _ = undisturbed(clip)
    kills, again = 0, 0
    for number in range(1 + after, 500, every):
        results = tmp_path / f"results{number}"
        ended = commands.run("analyze", clip, "--results", results, kill_at=number, after=after)
        if not ended.killed:
            break
        kills += 1
        _whole(results)
        again += _finish(commands, [clip], results)
        _equal(results, expected, video=100, audio=40, packets=280, black=1, silence=1, incidents=4)
    assert kills * every > 24, "too few commits for a test of every one"
    assert again * every > 600, "too few rows were committed before a kill"
    assert ended.status == 0


@pytest.mark.parametrize("name", ["flipped.ts", pytest.param("jump.ts", marks=pytest.mark.slow)])
def test_a_kill_at_every_resumption(commands, undisturbed, tmp_path, name):
    """Every run dies a few commits after its start: the analysis goes on from checkpoint to checkpoint."""
    clip = defective(name)
    expected, _ = undisturbed(clip)
    results, kills = tmp_path / "results", 0
    while True:
        ended = commands.run("analyze", clip, "--results", results, kill_at=14 + kills % 4, after=kills % 2 == 0)
        if not ended.killed:
            break
        kills += 1
        assert kills < 40, "it does not get on"
    assert ended.status == 0
    assert kills >= 4
    _equal(results, expected, **LEAST[name])


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_kills_of_several_streams_and_their_workers(commands, undisturbed, tmp_path):
    """The parent is killed: its workers end, too, and the same command goes on with every stream."""
    names = ("plain.mp4", "lost.ts", "wrap.ts", "flipped.ts")
    arguments = (*map(defective, names), "--jobs", "2")
    expected, seconds = undisturbed(*arguments)
    chance, kills, workers = random.Random(SEED), 0, 0
    while kills < 4:
        results = tmp_path / f"results{kills}"
        for _ in range(2):
            after = chance.uniform(0.3, 0.9) * seconds
            ended = commands.run("analyze", *arguments, "--results", results, kill_after=after)
            kills += ended.killed
            workers += len(ended.processes)
            _gone(ended.processes)
            _whole(results)
        _finish(commands, arguments, results)
        _equal(results, expected, video=740, audio=300, freeze=2, silence=3, black=2, decode_errors=2)
    assert workers >= 2 * kills, "the command was killed before it had workers"


def _gone(processes):
    deadline = time.monotonic() + 20
    while left := alive(processes):
        assert time.monotonic() < deadline, f"processes {left} outlive the command that started them"
        time.sleep(0.02)


def test_kills_of_the_command_itself(tmp_path):
    """Unchanged, as a user runs it: from the start of Python on, with windows of a minute."""
    clip = defective("plain.mp4")
    command = [sys.executable, "-m", "serve", "analyze", str(clip), "--results"]
    began = time.monotonic()
    subprocess.run([*command, tmp_path / "expected"], check=True, capture_output=True)
    seconds = time.monotonic() - began
    chance = random.Random(SEED)
    for _ in range(4):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        running = subprocess.Popen([*command, tmp_path / "results"], **quiet)
        with suppress(subprocess.TimeoutExpired):
            running.wait(chance.uniform(0.1, 0.9) * seconds)
        running.kill()
        running.wait()
        _whole(tmp_path / "results")
    subprocess.run([*command, tmp_path / "results"], check=True, capture_output=True)
    _equal(tmp_path / "results", tmp_path / "expected", **LEAST["plain.mp4"])
