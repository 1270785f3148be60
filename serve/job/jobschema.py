"""The JSON Schema of a job; for those too that have no server."""

from __future__ import annotations

from typing import Any

from actors.detectors import THRESHOLDS
from cluster.job import JobSpec

Schema = dict[str, Any]


def job_schema() -> Schema:
    """The JSON Schema of a job, with the names of detectors and of all that can be set."""
    schema = JobSpec.model_json_schema()
    narrow(schema["$defs"], "#/$defs/{model}")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "urn:sightline:schema:job:1", **schema}


def narrow(schemas: Schema, ref: str) -> None:
    """Name the detectors and their settings where a model says only text and mapping.

    Args:
        schemas: By the name of the model; changed.
        ref: How they refer to each other, with ``{model}`` in it.
    """
    schemas |= {kind.__name__: kind.model_json_schema(ref_template=ref) for kind in THRESHOLDS.values()}
    properties = {name: {"$ref": ref.format(model=kind.__name__)} for name, kind in THRESHOLDS.items()}
    for model in ("Defaults", "StreamSpec", "ShownStreamSpec"):
        if model in schemas:
            fields = schemas[model]["properties"]
            fields["settings"] = {
                "title": fields["settings"]["title"], "type": "object", "properties": properties,
                "additionalProperties": False,
            }  # fmt: skip
            named = fields["detectors"]["anyOf"][0]
            named["items"] = {"type": "string", "enum": list(THRESHOLDS)}
            named["minItems"] = 1
