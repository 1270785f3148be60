"""What became of every packet and frame: a balance in which nothing is left over unexplained."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from actors.media import AnyBatch, AudioBatch, Batch
from actors.track_decoder import Decoded


@dataclass
class Account:
    """One track's counts. ``frames`` are pictures, or samples of sound.

    ``packets = decoded + errors + skipped + encrypted``; ``offered = analysed + recorded + dropped + in flight``, where
    ``recorded`` were analysed by an earlier run and only decoded again.
    """

    packets: int = 0
    decoded: int = 0
    errors: int = 0
    skipped: int = 0
    encrypted: int = 0
    offered: int = 0
    analysed: int = 0
    recorded: int = 0
    dropped: int = 0

    @property
    def unexplained(self) -> int:
        """What is left over once nothing is in flight: 0, or frames were lost silently."""
        return abs(self.packets - self.decoded - self.errors - self.skipped - self.encrypted) + abs(
            self.offered - self.analysed - self.recorded - self.dropped
        )


@dataclass
class Ledger:
    """The accounts of a stream's tracks."""

    accounts: dict[str, Account] = field(default_factory=dict)

    def account(self, track: str) -> Account:
        """The account of a track."""
        return self.accounts.setdefault(track, Account())

    def decoded(self, decoded: Decoded) -> None:
        """Book a packet and what came of it."""
        account = self.account(decoded.track)
        if decoded.facts is not None:
            account.packets += 1
            account.errors += bool(decoded.facts.error)
            account.encrypted += decoded.facts.encrypted
            account.skipped += decoded.skipped and not decoded.facts.encrypted
            account.decoded += not decoded.facts.error and not decoded.skipped
        account.offered += len(decoded.pictures) + sum(sound.samples.shape[1] for sound in decoded.sounds)

    def analysed(self, batch: AnyBatch) -> None:
        """Book a batch that was measured now."""
        self.account(batch.track).analysed += size(batch)

    def recorded(self, batch: AnyBatch) -> None:
        """Book a batch that an earlier run has measured."""
        self.account(batch.track).recorded += size(batch)

    def as_dict(self) -> dict[str, dict[str, int]]:
        """Counts by track, with what is unexplained."""
        return {
            track: {**asdict(account), "unexplained": account.unexplained}
            for track, account in sorted(self.accounts.items())
        }


def size(batch: AnyBatch) -> int:
    """Pictures or samples in a batch; 0 for packets, which are booked as they are decoded."""
    if isinstance(batch, Batch):
        return len(batch.frames)
    if isinstance(batch, AudioBatch):
        return sum(block.samples.shape[1] for block in batch.blocks)
    return 0
