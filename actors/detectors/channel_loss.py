"""Channel loss: one channel of a track is silent while others sound."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from actors import spans
from actors.incident import Event, Severity, Thresholds
from actors.measure import Rows
from actors.measure.sound import hops, weighting
from actors.media import AudioFormat, Table
from actors.spans import Moment, Span


class ChannelLossThresholds(Thresholds):
    """When a channel counts as lost."""

    threshold_db: float = Field(
        -60.0, ge=-120, lt=0, title="level in dBFS below which every sample of a hop of 10 ms is silence",
        description="Origin: as in silence.",
    )  # fmt: skip
    minimum_seconds: float = Field(
        2.0, ge=0.1, le=3600, title="seconds that a front left or right channel must be silent",
        description="Also the length from which silence of all channels ends an incident. Origin: as in silence.",
    )  # fmt: skip
    unheard_seconds: float = Field(
        10.0, ge=0.1, le=3600, title="the same for a front channel that has not sounded since the start",
        description="Origin: our choice; music may begin on one side.",
    )  # fmt: skip
    surround_seconds: float = Field(
        60.0, ge=0.1, le=3600, title="the same for any other channel that has sounded",
        description="Origin: our choice; centre and surround channels of good mixes rest for long. One that has never "
        "sounded is taken as unused, and the low-frequency channel is never judged.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Channel:
    """What is remembered of one channel. ``heard``: ticks on the timeline where it first sounded, or None."""

    span: Span = field(default_factory=Span)
    heard: int | None = None


@dataclass(frozen=True, slots=True)
class Channels:
    """What is remembered of a track of one format."""

    format: str = ""
    channels: tuple[Channel, ...] = ()


class ChannelLoss:
    """Finds lost channels, to 10 ms; each is an incident of its own, whose part and peak are the channel's number.

    Time in which no channel sounds says nothing: a loss goes on across it, unless it is long enough to be a silence.
    """

    name = "channel_loss"
    version = 1
    table: Table = "audio"
    metrics: tuple[str, ...] = ("hop_samples", "peaks")
    severity: Severity = "warning"

    def __init__(self, settings: ChannelLossThresholds | None = None) -> None:
        self.settings = settings or ChannelLossThresholds()

    def start(self) -> Channels:
        """Nothing heard yet."""
        return Channels()

    def judge(self, state: Channels, rows: Rows) -> tuple[Channels, list[Event]]:
        """Follow each channel, hop by hop."""
        events: list[Event] = []
        format = AudioFormat.parse(rows.format)
        if state.format != rows.format:
            events = self.finish(state, rows)
            state = Channels(rows.format, (Channel(),) * format.channels)
        fine, peaks = hops.expand(rows)
        sounds = peaks >= 10 ** (self.settings.threshold_db / 20)
        names = weighting.channel_names(format)
        judged = np.array([not name.startswith("LFE") for name in names])
        sounding = np.count_nonzero(sounds[:, judged], axis=1)
        channels = list(state.channels)
        for number in np.flatnonzero(judged).tolist():
            own = sounds[:, number]
            front = len(names) == 2 or names[number] in {"FL", "FR"}
            channels[number], moments = self._follow(channels[number], fine, own, sounding > own, number, front)
            events += [self._event(rows, moment, channels[number], number) for moment in moments]
        return replace(state, channels=tuple(channels)), sorted(events, key=lambda event: event.at)

    def finish(self, state: Channels, rows: Rows) -> list[Event]:
        """Close losses that last to the end."""
        return [
            self._event(rows, moment, channel, number)
            for number, channel in enumerate(state.channels) for moment in spans.close(channel.span)
        ]  # fmt: skip

    def unknown(self, format_text: str) -> str | None:
        """A single channel has no others to be judged by."""
        return None if AudioFormat.parse(format_text).channels > 1 else "the track has one channel"

    def _follow(
        self, channel: Channel, fine: Rows, own: NDArray[np.bool_], others: NDArray[np.bool_], number: int, front: bool
    ) -> tuple[Channel, list[Moment]]:
        """Follow one channel: up to where it first sounds, and from there on, by different minima."""
        first = 0
        if channel.heard is None:
            first = int(own.argmax()) if own.any() else len(own)
            if first < len(own):
                channel = replace(channel, heard=int(fine.columns["time"][first]))
        minimum = self.settings.minimum_seconds if front else self.settings.surround_seconds
        span, moments = channel.span, list[Moment]()
        for start, stop, least in ((0, first, self.settings.unheard_seconds), (first, len(own), minimum)):
            if start == stop or (stop == first and not front):
                continue
            part, sounds = fine.slice(start, stop), own[start:stop]
            held = others[start:stop] & ~sounds
            telling = hops.bridge(span, part, held, fine.base.ceil(self.settings.minimum_seconds), sounds)
            level = np.full(np.count_nonzero(telling), float(number))
            span, given = spans.follow(span, part.where(telling), held[telling], level, fine.base.ceil(least))
            moments += given
        return replace(channel, span=span), moments

    def _event(self, rows: Rows, moment: Moment, channel: Channel, number: int) -> Event:
        since_start = channel.heard is None or channel.heard > moment.span.start
        message = f"channel {number} is silent while others sound"
        cause = "silent since the start" if since_start else ""
        return spans.event(self, rows, moment, unit="channel", part=str(number), message=message, cause=cause)
