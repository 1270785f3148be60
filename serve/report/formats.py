"""What a report can be written as."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from serve.report.told import Told

Several = Callable[[Sequence["Told"], str], Iterator[str]]
"""Writes any number of streams of a results URI."""
Single = Callable[["Told"], Iterator[str]]
"""Writes one stream."""


def _html(streams: Sequence[Told], results: str) -> Iterator[str]:
    from serve.report.stored_page import stored_page

    yield from stored_page(streams, results)


def _json(streams: Sequence[Told], results: str) -> Iterator[str]:
    from serve.terminal.output import write_json

    target = io.StringIO()
    write_json(target, results, [stream.document for stream in streams])
    yield target.getvalue()


def _csv(streams: Sequence[Told], results: str) -> Iterator[str]:
    from serve.terminal.output import write_csv

    target = io.StringIO()
    write_csv(target, [stream.document for stream in streams])
    yield target.getvalue()


def _webvtt(stream: Told) -> Iterator[str]:
    from serve.report.webvtt import webvtt

    yield from webvtt(stream)


def _edl(stream: Told) -> Iterator[str]:
    from serve.report.edl import edl

    yield from edl(stream)


def _otio(stream: Told) -> Iterator[str]:
    from serve.report.otio import otio

    yield from otio(stream)


def _qctools(stream: Told) -> Iterator[str]:
    from serve.report.qctools import qctools

    yield from qctools(stream)


def _ebu_qc(stream: Told) -> Iterator[str]:
    from serve.report.ebu_qc import ebu_qc

    yield from ebu_qc(stream)


SEVERAL: dict[str, Several] = {"html": _html, "csv": _csv, "json": _json}
SINGLE: dict[str, Single] = {
    "webvtt": _webvtt, "edl": _edl, "otio": _otio, "qctools": _qctools, "ebu-qc": _ebu_qc,
}  # fmt: skip
"""By the name that a user gives."""
