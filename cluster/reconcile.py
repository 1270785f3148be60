"""Desired against actual: what is to be done next. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cluster.places import Cell, Seat
from cluster.shape import Placed


@dataclass(frozen=True, slots=True)
class Wanted:
    """A stream that is to be run, in a shape, not before ``not_before`` (monotonic seconds)."""

    stream: str
    shape: Placed
    not_before: float = 0.0


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
    """Start a stream's decoder."""

    seat: Seat


@dataclass(frozen=True, slots=True)
class End:
    """End a decoder that is not wanted any more."""

    seat: Seat


Step = AddCell | RemoveCell | Begin | End


def mend(
    wanted: Sequence[Wanted], seats: Sequence[Seat], cells: Sequence[Cell], now: float, idle: Collection[str] = (),
    stuck: Collection[str] = (),
) -> list[Step]:
    """The steps from what there is towards what is wanted.

    Streams fill cells of their shape in the order in which they are wanted. Those that find no seat make one more cell
    of their shape be asked for; the next look seats them. A stream of two seats keeps the first.

    Args:
        wanted: Streams that are to be run, each once.
        seats: Decoders that there are.
        cells: Cells that there are.
        now: Monotonic seconds.
        idle: Cells that may be given back if nobody sits in them.
        stuck: Cells that have found no place for too long: they are given back if nobody sits in them, and asked for
            anew if they are needed.
    """
    needed = {one.stream for one in wanted}
    sitting: dict[str, Seat] = {}
    steps: list[Step] = []
    for seat in seats:
        if seat.stream in needed and seat.stream not in sitting:
            sitting[seat.stream] = seat
        else:
            steps.append(End(seat))
    taken_up = {seat.cell for seat in seats}
    lost = {cell.name for cell in cells if cell.name in stuck and not cell.placed} - taken_up
    free = {cell.name: [] if cell.name in lost else _free(cell, seats) for cell in cells}
    short: set[Placed] = set()
    for one in wanted:
        if one.stream in sitting:
            continue
        cell = next((cell for cell in cells if cell.shape == one.shape and free[cell.name]), None)
        if cell is None:
            short.add(one.shape)
            continue
        slot = free[cell.name].pop(0)
        if cell.placed and one.not_before <= now:
            steps.append(Begin(Seat(cell.name, slot, one.stream)))
    for shape in sorted(short):
        taken = {cell.number for cell in cells if cell.shape == shape}
        steps.append(AddCell(shape, next(n for n in range(len(taken) + 1) if n not in taken)))
    empty = {cell.name for cell in cells if len(free[cell.name]) == cell.slots}
    return steps + [RemoveCell(name) for name in sorted((empty & set(idle)) | lost)]


def _free(cell: Cell, seats: Sequence[Seat]) -> list[int]:
    taken = {seat.slot for seat in seats if seat.cell == cell.name}
    return [slot for slot in range(cell.slots) if slot not in taken]
