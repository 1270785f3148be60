"""The API's document is whole: every operation explained, every status declared, every example true."""

import inspect
import json

import jsonschema_rs
import pytest

from cluster.job import JobSpec
from serve.api import examples, values
from serve.api.backend import Backend
from serve.api.covered import Coverage
from serve.api.routes.reference import DetectorShown
from tests.serve.calling import call, open_api
from tests.serve.fake_backend import FakeBackend

DOCUMENT = call(open_api()[0], "GET", "/openapi.json").json()
OPERATIONS = [
    (method, path, operation) for path, found in DOCUMENT["paths"].items() for method, operation in found.items()
]
IDS = [f"{method} {path}" for method, path, _ in OPERATIONS]


PLAIN = {"job", "stream", "status", "detector", "table", "track"}
"""Parameters that their names explain."""


def validator(schema):
    return jsonschema_rs.Draft202012Validator({**schema, "components": DOCUMENT["components"]})


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=IDS)
def test_an_operation_is_explained(method, path, operation):
    assert operation["summary"]
    assert len(operation["description"]) > 20
    assert operation["operationId"].isidentifier()
    assert operation["tags"]
    guarded = path.startswith("/v1")
    scope = {"get": "read", "post": "submit", "patch": "submit", "delete": "admin"}[method]
    assert operation["security"] == ([{"key": [scope]}] if guarded else [])
    for parameter in operation.get("parameters", ()):
        assert parameter.get("description") or parameter["name"] in PLAIN, parameter["name"]


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=IDS)
def test_every_response_is_declared_with_a_true_example(method, path, operation):
    answers = operation["responses"]
    needed = {"401", "403", "413", "422", "429", "500", "503"} if path.startswith("/v1") else {"403", "413", "500"}
    assert needed <= set(answers)
    assert ("404" in answers) == ("{" in path or path in {"/v1/measurements", "/v1/coverage"})
    for status, answer in answers.items():
        assert answer["description"]
        if status == "204":
            assert "content" not in answer
            continue
        ((media_type, content),) = answer["content"].items()
        if int(status) >= 400:
            assert media_type == "application/problem+json"
            assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
            assert content["example"]["status"] == int(status)
            assert ("Retry-After" in answer.get("headers", {})) == (status in {"429", "503"})
        if "json" in media_type:
            validator(content["schema"]).validate(content["example"])


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=IDS)
def test_every_body_has_a_true_example(method, path, operation):
    assert ("requestBody" in operation) == (method in {"post", "patch"})
    if body := operation.get("requestBody"):
        assert body["required"]
        content = body["content"]["application/json"]
        for example in content["examples"].values():
            validator(content["schema"]).validate(example["value"])


def test_examples_are_what_models_give():
    for model, example in (
        (values.Job, examples.JOB), (values.StreamState, examples.STREAM), (values.Incident, examples.INCIDENT),
        (values.FeedEvent, examples.EVENT), (values.Measurement, examples.MEASUREMENT),
        (Coverage, examples.COVERAGE), (DetectorShown, examples.DETECTOR),
    ):  # fmt: skip
        assert json.loads(model.model_validate(example).model_dump_json()) == example
    shown = values.ShownSpec.of(JobSpec.model_validate(examples.JOB_SPEC))
    assert shown.model_dump(mode="json") == examples.JOB["spec"]
    values.Change.model_validate(examples.CHANGE)
    assert "secret" not in json.dumps(examples.JOB)


def test_no_schema_is_left_over_or_missing():
    text = json.dumps(DOCUMENT)
    for name in DOCUMENT["components"]["schemas"]:
        assert f'"#/components/schemas/{name}"' in text, name
    assert "HTTPValidationError" not in text
    assert "$defs" not in text


def test_the_backend_in_memory_is_a_backend():
    operations = {name for name, _ in inspect.getmembers(Backend, inspect.isfunction) if not name.startswith("_")}
    assert len(operations) == 15
    for name in operations:
        wanted, made = (inspect.signature(getattr(kind, name)).parameters for kind in (Backend, FakeBackend))
        assert list(wanted) == list(made), name
