"""Sightline for scripts and plug-ins: what is promised to stay.

>>> import sightline
>>> document = sightline.analyze(["clip.mp4"], results="./results")
>>> [incident["detector"] for incident in document["streams"][0]["incidents"]]
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from actors.incident import Detector
from actors.measure import Meter, Metric
from actors.media import Batch
from actors.models import Model

__all__ = ["Batch", "Detector", "Meter", "Metric", "Model", "analyze"]


def analyze(
    sources: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    results: str | os.PathLike[str] = "./sightline-results",
    detectors: Sequence[str] | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    include: str | None = None,
    jobs: int = 1,
    shape: str = "auto",
    device: str = "cpu",
    bucket: str | None = None,
    fresh: bool = False,
    models: Sequence[str | os.PathLike[str]] = (),
    report: str | os.PathLike[str] | None = None,
) -> dict[str, Any]:
    """Analyse sources, and give the document that ``sightline analyze --json`` prints; nothing is printed.

    Streams are in the order in which they are named. The same call goes on where it was cut off.

    Args:
        sources: Files, folders, globs or URLs; one, or many.
        results: Folder or ``s3://`` URI of the result tables.
        detectors: Names; all of them if None.
        settings: Thresholds: ``{"freeze": {"minimum_seconds": 1}}``.
        include: A glob for the names of files in folders.
        jobs: Files at a time; more than one starts processes: guard the script's main part as multiprocessing asks.
        shape: Where the stages run: ``auto``, ``fused``, ``colocated``, ``spread`` or ``staged``.
        device: What decodes and measures pictures in one process: ``cpu``, ``cuda``, or ``auto`` (see docs/gpu.md).
        bucket: ``s3://`` URL of a bucket, for the shape ``staged``; ``SIGHTLINE_BUCKET`` if None.
        fresh: Start over instead of going on.
        models: Files that declare models of your own (see docs/models.md).
        report: A file for the report, one HTML page.

    Returns:
        ``{"schema": 1, "results": URI, "streams": [...]}``; a stream that failed has status ``failed`` and an error.

    Raises:
        ValueError: What is named cannot be used, or the report cannot be written or is a source.
        actors.storage.StorageError: The results cannot be written.
    """
    from cluster.analysis import analyse, in_order
    from cluster.job import Analysis
    from cluster.sources import expand
    from serve.job.modelfile import load
    from serve.terminal import output, targets

    given = [sources] if isinstance(sources, str | os.PathLike) else sources
    found = expand([os.fspath(source) for source in given], include=include)
    wanted = Analysis.model_validate({
        "detectors": None if detectors is None else tuple(detectors), "settings": settings or {}, "shape": shape,
        "device": device,
        "results": os.fspath(results), "jobs": jobs, "fresh": fresh, "bucket": bucket,
        "models": tuple(model for file in models for model in load(Path(file))),
    })  # fmt: skip
    targets.check({"report": None if report is None else Path(report)}, found)
    streams = in_order(analyse(found, wanted), found)
    if report is not None:
        _write(Path(report), streams, wanted.results)
    return output.as_document(wanted.results, streams)


def _write(report: Path, streams: Sequence[dict[str, Any]], results: str) -> None:
    from serve.report.page import page
    from serve.terminal import targets

    with targets.writing("report", report) as target:
        target.write(page(streams, results))
