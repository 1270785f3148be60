"""The JSON document of DESIGN.md section 7, key by key: what programs rely on."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Track = Annotated[str, Field(pattern=r"^[va]:\d+$")]
JudgedTrack = Annotated[str, Field(pattern=r"^([va]:\d+)?$", description="'' where the source gave no track")]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Loudness(Strict):
    integrated_lufs: float | None
    range_lu: float | None
    max_momentary_lufs: float | None
    max_short_term_lufs: float | None
    max_true_peak_dbtp: float | None


class Video(Strict):
    track: Track
    kind: Literal["video"]
    codec: str
    width: int
    height: int
    frames: int
    duration_seconds: float


class Audio(Strict):
    track: Track
    kind: Literal["audio"]
    codec: str
    sample_rate: int
    channels: int
    language: str | None
    duration_seconds: float
    loudness: Loudness


class Coverage(Strict):
    track: Track
    start_seconds: float
    end_seconds: float
    state: Literal["analysed", "dropped", "unreachable"]
    reason: str


class Verdict(Strict):
    detector: str
    track: JudgedTrack
    state: Literal["ok", "incident", "unknown"]
    reason: str


class Incident(Strict):
    id: Annotated[str, Field(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")]
    detector: str
    track: JudgedTrack
    start_seconds: float
    end_seconds: float | None
    severity: Literal["info", "warning", "critical"]
    peak: float | None
    unit: str
    cause: str
    explained_by: str | None
    message: str


class Usage(Strict):
    shape: Literal["fused"]
    cpu_seconds: float
    cpu_decode_seconds: float
    cpu_picture_seconds: float
    cpu_other_seconds: float
    wall_seconds: float
    media_seconds: float
    peak_memory_bytes: int
    batches: int
    copies: int
    bytes_direct: int
    bytes_object_store: int
    bytes_network: int
    bytes_bucket: int
    requests_bucket: int
    requests_put: int
    requests_get: int
    requests_list: int
    requests_delete: int
    transitions: int
    functions: int
    function_gb_seconds: float
    frames_decoded_again: int


class Stream(Strict):
    stream: Annotated[str, Field(pattern=r"^([a-z0-9][a-z0-9_-]{0,62})?$")]
    source: str
    status: Literal["completed", "partial", "failed"]
    error: str | None
    epochs: int
    tracks: list[Annotated[Video | Audio, Field(discriminator="kind")]]
    coverage: list[Coverage]
    verdicts: list[Verdict]
    incidents: list[Incident]
    usage: Usage


class Document(Strict):
    schema_: Literal[1] = Field(alias="schema")
    results: str
    streams: list[Stream]
