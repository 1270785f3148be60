"""The supervisor's decisions, without a cluster: whatever there is, steps lead to what is wanted, and then to rest."""

from hypothesis import given
from hypothesis import strategies as st

from cluster.places import Cell, Decoder, Seat, cell_name
from cluster.reconcile import AddCell, Begin, End, Leave, RemoveCell, Wanted, mend
from cluster.settings import Placement
from cluster.shape import plan

SHAPES = ("fused", "colocated", "spread")
SLOTS = 3
names = st.sampled_from([f"stream{n}" for n in range(12)])
wanted_ones = st.lists(
    st.builds(Wanted, names, st.sampled_from(SHAPES), apart=st.booleans()), max_size=12, unique_by=lambda w: w.stream
)
cells_there = st.lists(
    st.builds(Cell, st.sampled_from(SHAPES), st.integers(0, 4), st.just(SLOTS), st.booleans()),
    max_size=5, unique_by=lambda c: c.name,
)  # fmt: skip
togethers = st.integers(1, 4)


@st.composite
def there(draw):
    """Cells, and streams in decoders of them; a stream may sit twice, as after a partition, and be apart by now."""
    cells = draw(cells_there)
    seats = []
    for cell in cells:
        for slot in draw(st.lists(st.integers(0, SLOTS - 1), max_size=SLOTS)):
            streams = {seat.stream for seat in seats if (seat.cell, seat.slot) == (cell.name, slot)}
            stream = draw(names.filter(lambda name, streams=streams: name not in streams))
            seats.append(Seat(cell.name, slot, stream, not streams and draw(st.booleans())))
    return cells, seats


def after(steps, seats, cells, together, shut=()):
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
                beside = [s for s in seats if s.decoder == seat.decoder]
                assert seat.decoder not in shut
                assert len(beside) < together
                assert not beside or not (seat.apart or any(s.apart for s in beside))
                assert seat.stream not in {s.stream for s in seats}
                seats.append(seat)
                assert sum(s.cell == seat.cell for s in seats) <= SLOTS
            case End(seat):
                seats.remove(seat)
            case Leave(decoder):
                seats = [seat for seat in seats if seat.decoder != decoder]
    return seats, cells


@given(wanted_ones, there(), togethers)
def test_it_comes_to_rest_with_every_wanted_stream_seated_once(wanted, found, together):
    cells, seats = found
    for _ in range(12):
        settled = all(cell.placed for cell in cells)
        steps = mend(wanted, seats, cells, 0.0, together=together)
        seats, cells = after(steps, seats, cells, together)
        if settled and not steps:
            break
    else:
        raise AssertionError("it does not come to rest")
    assert sorted(seat.stream for seat in seats) == sorted(one.stream for one in wanted)
    begun = {seat.stream for seat in found[1]}
    new = [(one, seat) for one in wanted for seat in seats if seat.stream == one.stream and one.stream not in begun]
    shapes = {cell.name: cell.shape for cell in cells}
    assert all((shapes[seat.cell], seat.apart) == (one.shape, one.apart) for one, seat in new)


@given(wanted_ones, there(), togethers)
def test_nothing_that_is_wanted_and_runs_is_touched(wanted, found, together):
    cells, seats = found
    steps = mend(wanted, seats, cells, 0.0, [cell.name for cell in cells], together=together)
    ended = [step.seat for step in steps if isinstance(step, End)]
    for one in wanted:
        sitting = [seat for seat in seats if seat.stream == one.stream]
        assert len(sitting) - sum(seat in ended for seat in sitting) == min(len(sitting), 1)
    removed = {step.cell for step in steps if isinstance(step, RemoveCell)}
    assert not removed & {step.seat.cell for step in steps if isinstance(step, Begin)}


@given(wanted_ones, there(), st.sets(st.sampled_from([cell_name(shape, n) for shape in SHAPES for n in range(5)])))
def test_a_cell_in_which_nothing_begins_takes_nobody_and_is_given_back_once_nobody_sits_in_it(wanted, found, stuck):
    cells, seats = found
    steps = mend(wanted, seats, cells, 0.0, stuck=stuck)
    occupied = {seat.cell for seat in seats}
    lost = {cell.name for cell in cells if cell.name in stuck and cell.name not in occupied}
    assert {step.cell for step in steps if isinstance(step, RemoveCell)} == lost
    assert not stuck & {step.seat.cell for step in steps if isinstance(step, Begin)}
    there_now = {cell.name for cell in cells}
    assert not there_now & {cell_name(step.shape, step.number) for step in steps if isinstance(step, AddCell)}



@given(wanted_ones, there(), togethers, st.data())
def test_cells_that_are_to_go_are_left_and_given_back(wanted, found, together, data):
    cells, seats = found
    leaving = data.draw(st.sets(st.sampled_from([cell.name for cell in cells])) if cells else st.just(set()))
    for _ in range(12):
        settled = all(cell.placed for cell in cells)
        steps = mend(wanted, seats, cells, 0.0, together=together, leaving=leaving)
        begun = [step.seat for step in steps if isinstance(step, Begin)]
        left = {step.decoder for step in steps if isinstance(step, Leave)}
        ended = [step.seat for step in steps if isinstance(step, End)]
        assert not leaving & {seat.cell for seat in begun}
        for seat in seats:
            if seat.decoder in left and seat not in ended:
                assert seat.stream in {new.stream for new in begun}
        seats, cells = after(steps, seats, cells, together)
        leaving -= {step.cell for step in steps if isinstance(step, RemoveCell)}  # a new one of that name is elsewhere
        if settled and not steps:
            break
    else:
        raise AssertionError("it does not come to rest")
    assert sorted(seat.stream for seat in seats) == sorted(one.stream for one in wanted)
    assert not leaving


def test_who_sits_in_a_cell_that_is_to_go_stays_until_another_is_placed():
    old, new = Cell("fused", 0, 2, True), Cell("fused", 1, 2, False)
    seats, wanted = [Seat(old.name, 0, "a")], [Wanted("a", "fused")]
    assert mend(wanted, seats, [old], 0.0, leaving=[old.name]) == [AddCell("fused", 1)]
    assert mend(wanted, seats, [old, new], 0.0, leaving=[old.name]) == []
    new = Cell("fused", 1, 2, True)
    assert mend(wanted, seats, [old, new], 0.0, leaving=[old.name]) == [
        Leave(Decoder(old.name, 0)), Begin(Seat(new.name, 0, "a")),
    ]  # fmt: skip
    assert mend(wanted, [Seat(new.name, 0, "a")], [old, new], 0.0, leaving=[old.name]) == [RemoveCell(old.name)]


def test_the_streams_of_a_cell_without_a_place_get_another():
    pending = Cell("fused", 0, 1, False)
    steps = mend([Wanted("a", "fused")], [], [pending], 0.0, stuck=[pending.name])
    assert steps == [AddCell("fused", 1), RemoveCell("cell/fused/0")]
    assert mend([Wanted("a", "fused")], [], [], 0.0) == [AddCell("fused", 0)]
@given(wanted_ones, there(), togethers, st.sets(st.integers(0, SLOTS - 1)))
def test_a_decoder_that_is_shut_is_left_alone_with_its_cell(wanted, found, together, slots):
    cells, seats = found
    taken = {seat.decoder for seat in seats}
    shut = {Decoder(cell.name, slot) for cell in cells for slot in slots} - taken
    full = {c.name for c in cells if sum(s.cell == c.name for s in seats) + sum(d.cell == c.name for d in shut) > SLOTS}
    steps = mend(wanted, seats, cells, 0.0, [cell.name for cell in cells], together=together, shut=shut)
    after([step for step in steps if not isinstance(step, RemoveCell)], seats, cells, together, shut)
    assert not {step.seat.cell for step in steps if isinstance(step, Begin)} & full
    assert not {step.cell for step in steps if isinstance(step, RemoveCell)} & {decoder.cell for decoder in shut}


@given(st.integers(1, SLOTS), togethers)
def test_streams_fill_one_decoder_before_the_next(streams, together):
    steps = mend([Wanted(f"s{n}", "fused") for n in range(streams)], [], [Cell("fused", 0, SLOTS, True)], 0.0,
                 together=together)  # fmt: skip
    assert [step.seat.slot for step in steps] == [n // together for n in range(streams)]


def test_one_that_is_to_be_apart_has_a_decoder_of_its_own():
    cell = Cell("fused", 0, 4, True)
    seats = [Seat(cell.name, 0, "a"), Seat(cell.name, 1, "b", apart=True)]
    wanted = [Wanted("a", "fused"), Wanted("b", "fused"), Wanted("c", "fused", apart=True), Wanted("d", "fused")]
    assert mend(wanted, seats, [cell], 0.0, together=4) == [
        Begin(Seat(cell.name, 2, "c", apart=True)), Begin(Seat(cell.name, 0, "d")),
    ]  # fmt: skip


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
    st.sampled_from(SHAPES), st.integers(0, 99), st.integers(0, 99), st.integers(1, 256),
    st.integers(1, 6400).map(lambda hundredths: hundredths / 100),
)  # fmt: skip
def test_a_name_and_its_bundles_tell_everything(shape, number, slot, streams, cpus):
    decoder = Decoder(cell_name(shape, number), slot)
    assert Decoder.parse(decoder.name) == decoder
    placement = Placement(streams_per_cell=streams, decoder_cpus=cpus)
    made = plan(shape, placement, 0.0)
    cell = Cell.parse(decoder.cell, made.bundles, placement.decoder_cpus, placed=True)
    assert cell == Cell(shape, number, streams, True)
    assert Decoder.parse(decoder.cell) is None
    assert Cell.parse(decoder.name, made.bundles, placement.decoder_cpus, placed=True) is None
