"""A stream's pictures decoded once more, apart from its owner: the same batches, each known by its mark."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping

from actors.batches import FILE, VideoBatcher
from actors.decoder import Decoder
from actors.judging import pair
from actors.limits import Limits, guard
from actors.measure import Rows
from actors.measure.picture import PictureMeter
from actors.measuring import measure_video
from actors.media import Batch
from actors.source import Break, Packet, Source, SourceError, open_source
from actors.track_decoder import Decoded
from actors.trust import Trust
from actors.url import shown

MARKED_LINES = 64
"""One line of so many of each plane is in a batch's mark: 50 kB of a picture of 1080p."""


class Unlike(Exception):
    """A source gives something else here than to its owner, or nothing. The text says what, and has no secrets."""


def mark(batch: Batch) -> str:
    """What two batches have in common only if they are the same: all facts about frames, and a sample of their pixels.

    Returns:
        32 hexadecimal digits.
    """
    digest = hashlib.blake2b(digest_size=16)
    whole = (batch.track, batch.base, batch.format, batch.first_row, batch.window, len(batch.context))
    digest.update(repr(whole).encode())
    for frame in batch.frames:
        facts = (
            frame.stamp, frame.duration, frame.coded, frame.key, frame.corrupt, frame.clean, frame.packet_bytes,
            frame.suspect, frame.field_order,
        )  # fmt: skip
        digest.update(repr(facts).encode())
        for plane in frame.planes:
            digest.update(plane.pixels[::MARKED_LINES].tobytes())
    return digest.hexdigest()


def batches(source: Source, limits: Limits) -> Iterator[Batch]:
    """The pictures of a source that is no live one, in the batches in which its owner sends them. Sound is passed over.

    Args:
        source: Just opened.
        limits: Bounds of decoding.
    """
    decoder = Decoder(lambda context: guard(context, limits))
    lanes: dict[str, VideoBatcher] = {}
    for item in source:
        match item:
            case Break():
                yield from _placed(lanes, decoder.begin(item.tracks, discontinuous=item.reason == "discontinuity"))
                for track in item.tracks:
                    if track.kind == "video" and track.id not in lanes:
                        lanes[track.id] = VideoBatcher(track.id, decoder.base(track.id), FILE)
            case Packet():
                yield from _placed(lanes, [decoder.feed(item.track, item.packet, decode=item.track in lanes)])
    yield from _placed(lanes, decoder.flush())
    for lane in lanes.values():
        yield from lane.flush()


def _placed(lanes: Mapping[str, VideoBatcher], given: Iterable[Decoded]) -> Iterator[Batch]:
    for decoded in given:
        for picture in decoded.pictures:
            yield from lanes[decoded.track].add(picture)


class Again:
    """Opens a source once more, and measures those of its batches that are asked for, in their order.

    It decodes no further than to what is asked for, and holds one batch. While it decodes it holds none, as the owner
    does: where bytes were lost a decoder leaves in a picture what its memory held before, so that pictures depend on
    when those before them were given back.
    """

    def __init__(self, source: str, limits: Limits, trust: Trust | None, wanted: frozenset[str]) -> None:
        """Begin; the source is opened with the first call.

        Args:
            source: Its URL.
            limits: The owner's.
            trust: The owner's.
            wanted: Names of metrics.
        """
        self._url, self._limits, self._trust, self._wanted = source, limits, trust, wanted
        self._meter = PictureMeter()
        self._batches = self._opened()
        self._held: Batch | None = None
        self._why = ""

    def ready(self, recorded: Mapping[str, int]) -> None:
        """Decode up to the first batch that is not recorded yet. What fails is said when a batch is asked for.

        Args:
            recorded: The last window of each sequence of rows that is.
        """
        try:
            while (batch := self._next()) is not None and batch.window <= recorded.get(pair("video", batch.track), -1):
                del batch
        except Unlike as error:
            self._why = str(error)
        else:
            self._held = batch

    def measure(self, track: str, first_row: int, marked: str) -> Rows:
        """Measure a batch; those before it are passed over for good.

        Args:
            track: Its track.
            first_row: Its first row.
            marked: Its mark at the owner's.

        Raises:
            Unlike: The source has no such batch here, or cannot be read.
        """
        if self._why:
            raise Unlike(self._why)
        batch, self._held = self._held or self._next(), None
        while batch is not None and (batch.track, batch.first_row) != (track, first_row):
            if batch.track == track and batch.first_row > first_row:
                raise Unlike(f"picture {first_row} of {track} begins no batch there")
            del batch
            batch = self._next()
        if batch is None:
            raise Unlike(f"it ends before picture {first_row} of {track} there")
        if mark(batch) != marked:
            raise Unlike(f"its pictures from {first_row} of {track} on are others there")
        return measure_video(self._meter, batch, self._wanted)

    def _opened(self) -> Iterator[Batch]:
        with open_source(self._url, limits=self._limits, trust=self._trust) as source:
            if source.live:
                raise Unlike("it is on air")
            yield from batches(source, self._limits)

    def _next(self) -> Batch | None:
        """The next batch; None: there is none."""
        try:
            return next(self._batches, None)
        except Unlike:
            raise
        except SourceError as error:
            raise Unlike(shown(f"it cannot be read there: {error}")) from None
        except Exception as error:  # noqa: BLE001 - whatever it is, the owner has frames to send
            raise Unlike(shown(f"{type(error).__name__}: {error}")) from None
