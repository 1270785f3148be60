"""What a machine makes of the API's document: requests good and bad, each answered as the document says."""

from collections import Counter

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig

from serve.api import examples
from serve.api.application import create_app
from serve.api.auth import issue
from serve.api.backend import BackendUnavailable
from serve.api.covered import Coverage
from serve.api.settings import ApiSettings, Limits
from serve.api.values import Incident, Job, StreamState
from tests.serve.calling import Keys
from tests.serve.fake_backend import FakeBackend
from tests.serve.fake_values import JPEG, MKV

EXAMPLES = 25
STORE = Keys()
CONFIG = {
    "seed": 1,
    "auth": {"openapi": {"key": {"bearer": issue(STORE, "admin", "schemathesis")}}},
    "generation": {"deterministic": True},
    # no schema can say that names of streams differ, a text is a URL, a cursor was given, a metric exists; nor how many
    # bytes a thousand streams with all settings may have together
    "checks": {
        "positive_data_acceptance": {"expected-statuses": ["2xx", "403", "404", "409", "413", "422", "429"]},
        "negative_data_rejection": {
            "expected-statuses": ["401", "403", "404", "405", "406", "409", "413", "415", "422", "429"],
        },
    },
}


class EndingBackend(FakeBackend):
    """A backend whose feed ends with its log, and that takes any number of jobs with streams of one name."""

    def _fits(self, wanted, but):
        pass

    async def _commit_comes(self):
        raise BackendUnavailable("the log ends here")


def filled():
    """A backend that has what the document's examples name."""
    backend = EndingBackend()
    job, stream = Job.model_validate(examples.JOB), StreamState.model_validate(examples.STREAM)
    backend.held[job.id], backend.states[job.id, stream.stream] = job, stream
    one = Incident.model_validate(examples.INCIDENT)
    backend.commit([("opened", one), ("updated", one), ("closed", one)])
    backend.covered[stream.stream] = [Coverage.model_validate(examples.COVERAGE)]
    backend.evidence_of = {(one.id, "jpg"): JPEG, (one.id, "mkv"): MKV}
    return backend


BACKEND = filled()
app = create_app(BACKEND, ApiSettings(limits=Limits(per_second=1e6, burst=1_000_000)), STORE)
schema = schemathesis.openapi.from_asgi("/openapi.json", app, config=SchemathesisConfig.from_dict(CONFIG))
VAST = {"method": "POST", "path": "/v1/jobs"}
"""It takes every setting of every detector, which makes thousands of requests."""
ANSWERS = Counter()
asking = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


def asked(case):
    """The status of what is answered to it, which is as the document says."""
    response = case.call_and_validate()
    ANSWERS[case.operation.label, response.status_code] += 1
    return response.status_code


@schema.exclude(**VAST).parametrize()
@asking
def test_every_operation_answers_as_its_document_says(case):
    assert asked(case) < 500


@pytest.mark.slow
@schema.include(**VAST).parametrize()
@asking
def test_so_does_the_one_that_takes_a_job(case):
    assert asked(case) < 500


def test_enough_was_asked():
    if not ANSWERS:
        pytest.skip("the whole file was not run")
    documented = {f"{method.upper()} {path}" for path, found in app.openapi()["paths"].items() for method in found}
    vast = " ".join(VAST.values())
    assert {label for label, _ in ANSWERS} | {vast} == documented
    statuses = Counter()
    for (_, status), count in ANSWERS.items():
        statuses[status] += count
    print(f"{statuses.total()} requests: {dict(sorted(statuses.items()))}")
    assert statuses.total() > 900
    assert {200, 204, 401, 404, 405, 422} <= set(statuses)
    assert any(label == vast for label, _ in ANSWERS) is (ANSWERS[vast, 201] > 5)
