"""The supervisor's decisions, without a cluster: whatever there is, steps lead to what is wanted, and then to rest."""

from hypothesis import given
from hypothesis import strategies as st

from cluster.places import Cell, Seat, cell_name
from cluster.reconcile import AddCell, Begin, End, RemoveCell, Wanted, mend
from cluster.settings import Placement
from cluster.shape import plan

SHAPES = ("fused", "colocated", "spread")
SLOTS = 3
names = st.sampled_from([f"stream{n}" for n in range(12)])
wanted_ones = st.lists(st.builds(Wanted, names, st.sampled_from(SHAPES)), max_size=12, unique_by=lambda w: w.stream)
cells_there = st.lists(
    st.builds(Cell, st.sampled_from(SHAPES), st.integers(0, 4), st.just(SLOTS), st.booleans()),
    max_size=5, unique_by=lambda c: c.name,
)  # fmt: skip


@st.composite
def there(draw):
    """Cells, and decoders in different bundles of them; a stream may sit twice, as after a partition."""
    cells = draw(cells_there)
    bundles = [(cell.name, slot) for cell in cells for slot in range(SLOTS)]
    taken = draw(st.lists(st.sampled_from(bundles), unique=True)) if bundles else []
    return cells, [Seat(cell, slot, draw(names)) for cell, slot in taken]


def after(steps, seats, cells):
    """What there is once the steps are taken, and every cell has found its place."""
    seats, cells = list(seats), [Cell(c.shape, c.number, c.slots, True) for c in cells]
    for step in steps:
        match step:
            case AddCell(shape, number):
                cells.append(Cell(shape, number, SLOTS, True))
            case RemoveCell(name):
                assert name not in {seat.cell for seat in seats}
                cells = [cell for cell in cells if cell.name != name]
            case Begin(seat):
                assert (seat.cell, seat.slot) not in {(s.cell, s.slot) for s in seats}
                assert seat.stream not in {s.stream for s in seats}
                seats.append(seat)
            case End(seat):
                seats.remove(seat)
    return seats, cells


@given(wanted_ones, there())
def test_it_comes_to_rest_with_every_wanted_stream_seated_once(wanted, found):
    cells, seats = found
    for _ in range(12):
        settled = all(cell.placed for cell in cells)
        steps = mend(wanted, seats, cells, 0.0)
        seats, cells = after(steps, seats, cells)
        if settled and not steps:
            break
    else:
        raise AssertionError("it does not come to rest")
    assert sorted(seat.stream for seat in seats) == sorted(one.stream for one in wanted)
    shapes = {cell.name: cell.shape for cell in cells}
    begun = {seat.stream for seat in found[1]}
    assert all(shapes[seat.cell] == one.shape for one in wanted for seat in seats
               if seat.stream == one.stream and one.stream not in begun)  # fmt: skip


@given(wanted_ones, there())
def test_nothing_that_is_wanted_and_runs_is_touched(wanted, found):
    cells, seats = found
    steps = mend(wanted, seats, cells, 0.0, [cell.name for cell in cells])
    ended = [step.seat for step in steps if isinstance(step, End)]
    for one in wanted:
        sitting = [seat for seat in seats if seat.stream == one.stream]
        assert len(sitting) - sum(seat in ended for seat in sitting) == min(len(sitting), 1)
    removed = {step.cell for step in steps if isinstance(step, RemoveCell)}
    assert not removed & {step.seat.cell for step in steps if isinstance(step, Begin)}


def test_a_stream_waits_for_its_time_and_for_its_cell():
    placed, pending = Cell("fused", 0, 1, True), Cell("fused", 1, 1, False)
    assert mend([Wanted("a", "fused", 5.0)], [], [placed], 4.0) == []
    assert mend([Wanted("a", "fused", 5.0)], [], [placed], 5.0) == [Begin(Seat(placed.name, 0, "a"))]
    assert mend([Wanted("a", "fused")], [], [pending], 0.0) == []


def test_full_cells_make_one_more_be_asked_for():
    full = Cell("fused", 0, 1, True)
    wanted = [Wanted(name, "fused") for name in "abc"]
    steps = mend(wanted, [Seat(full.name, 0, "a")], [full], 0)
    assert steps == [AddCell("fused", 1)]


def test_an_idle_cell_is_given_back_only_if_it_is_empty():
    cells = [Cell("fused", 0, 1, True), Cell("fused", 1, 1, True)]
    seats = [Seat(cell_name("fused", 0), 0, "a")]
    idle = [cell.name for cell in cells]
    assert mend([Wanted("a", "fused")], seats, cells, 0.0, idle) == [RemoveCell("cell/fused/1")]


@given(
    st.sampled_from(SHAPES), st.integers(0, 99), st.integers(0, 99),
    st.from_regex(r"[a-z0-9][a-z0-9_-]{0,62}", fullmatch=True), st.integers(1, 256),
    st.integers(1, 6400).map(lambda hundredths: hundredths / 100),
)  # fmt: skip
def test_a_name_and_its_bundles_tell_everything(shape, number, slot, stream, streams, cpus):
    seat = Seat(cell_name(shape, number), slot, stream)
    assert Seat.parse(seat.name) == seat
    placement = Placement(streams_per_cell=streams, decoder_cpus=cpus)
    made = plan(shape, placement, 0.0)
    cell = Cell.parse(seat.cell, made.bundles, placement.decoder_cpus, placed=True)
    assert cell == Cell(shape, number, streams, True)
    assert Seat.parse(seat.cell) is None
    assert Cell.parse(seat.name, made.bundles, placement.decoder_cpus, placed=True) is None
