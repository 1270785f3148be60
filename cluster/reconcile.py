"""Desired against actual: what is to be done next. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from cluster.places import Cell, Decoder, Seat
from cluster.shape import Placed


@dataclass(frozen=True, slots=True)
class Wanted:
    """A stream that is to be run, in a shape, not before ``not_before`` (monotonic seconds).

    ``apart``: in a process of its own.
    """

    stream: str
    shape: Placed
    not_before: float = 0.0
    apart: bool = False


@dataclass(frozen=True, slots=True)
class AddCell:
    """Ask for a cell."""

    shape: Placed
    number: int


@dataclass(frozen=True, slots=True)
class RemoveCell:
    """Give back a cell that nobody sits in."""

    cell: str


@dataclass(frozen=True, slots=True)
class Begin:
    """Start a stream, in the decoder of its seat or in a new one."""

    seat: Seat


@dataclass(frozen=True, slots=True)
class End:
    """End a stream that is not wanted any more, or that another decoder has."""

    seat: Seat


@dataclass(frozen=True, slots=True)
class Leave:
    """End a decoder whose streams have seats elsewhere."""

    decoder: Decoder


Step = AddCell | RemoveCell | Begin | End | Leave


def mend(
    wanted: Sequence[Wanted], seats: Sequence[Seat], cells: Sequence[Cell], now: float, idle: Collection[str] = (),
    stuck: Collection[str] = (), *, together: int = 1, shut: Collection[Decoder] = (), leaving: Collection[str] = (),
) -> list[Step]:  # fmt: skip
    """The steps from what there is towards what is wanted.

    Streams fill cells of their shape, and decoders in them, in the order in which they are wanted. Those that find no
    seat make one more cell of their shape be asked for; the next look seats them. A stream of two keeps the first.

    Args:
        wanted: Streams that are to be run, each once.
        seats: Streams that are under way, and where.
        cells: Cells that there are.
        now: Monotonic seconds.
        idle: Cells that may be given back if nobody sits in them.
        stuck: Cells in which nothing begins: nobody more is seated there. They are given back once nobody sits in them,
            and asked for anew if they are needed.
        together: Streams that may be in one decoder, but for those that are ``apart``.
        shut: Decoders that there are, in which nobody sits and nobody may be put.
        leaving: Cells on nodes that are to go. A decoder goes on there until all of its streams have seats elsewhere.
    """
    needed = {one.stream for one in wanted}
    sitting: dict[str, Seat] = {}
    steps: list[Step] = []
    for seat in seats:
        if seat.stream in needed and seat.stream not in sitting:
            sitting[seat.stream] = seat
        else:
            steps.append(End(seat))
    rooms = {cell.name: _Room(cell, seats, together, shut) for cell in cells}
    hall = _Hall([cell for cell in cells if cell.name not in {*stuck, *leaving}], rooms)
    for one in wanted:
        if one.stream not in sitting and (taken := hall.take(one)) and one.not_before <= now:
            steps.append(Begin(taken))
    steps += _moves(wanted, sitting, hall, leaving)
    for shape in sorted(hall.short):
        numbers = {cell.number for cell in cells if cell.shape == shape}
        steps.append(AddCell(shape, next(n for n in range(len(numbers) + 1) if n not in numbers)))
    empty = {cell.name for cell in cells if rooms[cell.name].empty}
    return steps + [RemoveCell(name) for name in sorted(empty & {*idle, *leaving, *stuck})]


def _moves(
    wanted: Sequence[Wanted], sitting: Mapping[str, Seat], hall: _Hall, leaving: Collection[str]
) -> list[Step]:  # fmt: skip
    """The steps that empty cells which are to go, a decoder at a time."""
    decoders: dict[Decoder, list[Wanted]] = {}
    for one in wanted:
        if one.stream in sitting and sitting[one.stream].cell in leaving:
            decoders.setdefault(sitting[one.stream].decoder, []).append(one)
    steps: list[Step] = []
    for decoder, streams in decoders.items():
        taken = [seat for one in streams if (seat := hall.take(one))]
        if len(taken) == len(streams):
            steps += [Leave(decoder), *map(Begin, taken)]
    return steps


class _Hall:
    """The cells that streams may be seated in, in their order. ``short``: shapes of which there are too few."""

    def __init__(self, cells: Sequence[Cell], rooms: Mapping[str, _Room]) -> None:
        self._cells, self._rooms = cells, rooms
        self.short: set[Placed] = set()

    def take(self, one: Wanted) -> Seat | None:
        """A seat for a stream; None: there is none yet."""
        fitting = (cell for cell in self._cells if cell.shape == one.shape and self._rooms[cell.name].left > 0)
        cell = next(fitting, None)
        if cell is None:
            self.short.add(one.shape)
            return None
        taken = self._rooms[cell.name].take(one)
        return taken if cell.placed else None


class _Room:
    """What is free in a cell. It never has more streams than slots, so one that sits apart finds a slot, too."""

    def __init__(self, cell: Cell, seats: Sequence[Seat], together: int, shut: Collection[Decoder]) -> None:
        self._cell, self._together = cell, together
        self._slots: dict[int, list[bool]] = {decoder.slot: [] for decoder in shut if decoder.cell == cell.name}
        for seat in seats:
            if seat.cell == cell.name:
                self._slots.setdefault(seat.slot, []).append(seat.apart)

    @property
    def empty(self) -> bool:
        """Whether there is nobody."""
        return not self._slots

    @property
    def left(self) -> int:
        """How many streams more there is room for."""
        return self._cell.slots - sum(max(len(streams), 1) for streams in self._slots.values())

    def take(self, one: Wanted) -> Seat:
        """A seat for a stream: beside others if it may, else in the first slot that is free."""
        beside = (slot for slot, streams in sorted(self._slots.items())
                  if not one.apart and 0 < len(streams) < self._together and not any(streams))  # fmt: skip
        slot = next(beside, -1)
        if slot < 0:
            slot = next(slot for slot in range(self._cell.slots) if slot not in self._slots)
        self._slots.setdefault(slot, []).append(one.apart)
        return Seat(self._cell.name, slot, one.stream, one.apart)
