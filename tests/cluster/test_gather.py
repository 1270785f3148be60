"""What waits is done at once: each item once, with its own result or error, never two of one key together."""

import asyncio
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from cluster.gather import Gather


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=40))
def test_every_item_once_with_its_own_result_and_no_two_of_one_key_together(items):
    batches = []

    async def work(batch):
        batches.append(batch)
        await asyncio.sleep(0)
        return [ValueError(number) if wrong else (number, key) for number, (key, wrong) in batch]

    async def run():
        gather = Gather(asyncio.Lock(), work, key=lambda item: item[1][0])
        return await asyncio.gather(*map(gather.do, enumerate(items)), return_exceptions=True)

    for number, ((key, wrong), result) in enumerate(zip(items, asyncio.run(run()), strict=True)):
        assert (result.args == (number,)) if wrong else (result == (number, key))
    assert Counter(number for batch in batches for number, _ in batch) == Counter(range(len(items)))
    assert all(len({key for _, (key, _) in batch}) == len(batch) for batch in batches)
    assert len(batches) == max(Counter(key for key, _ in items).values(), default=0), "no more than are needed"


def test_what_comes_while_it_is_busy_is_one_batch_and_those_of_one_lock_take_turns():
    order = []

    async def run():
        busy, free = asyncio.Lock(), asyncio.Event()

        async def work(batch):
            order.append(sorted(batch))
            await free.wait()
            return list(batch)

        one, other = Gather(busy, work), Gather(busy, work)
        calls = [asyncio.create_task(one.do("a"))]
        await asyncio.sleep(0.01)
        calls += [asyncio.create_task(each.do(item)) for each, item in zip([one, other] * 3, "bcdefg", strict=True)]
        await asyncio.sleep(0.01)
        calls[0].cancel()
        calls[3].cancel()
        free.set()
        return await asyncio.gather(*calls, return_exceptions=True)

    found = asyncio.run(run())
    assert order[0] == ["a"]
    assert sorted(map(tuple, order[1:])) == [("b", "d", "f"), ("c", "e", "g")]
    assert [str(each) for each in found if not isinstance(each, asyncio.CancelledError)] == list("bcefg")


def test_what_work_raises_is_raised_at_everyone_and_the_next_batch_is_done():
    async def work(batch):
        if 2 in batch:
            raise OSError("gone")
        return batch

    async def run():
        gather = Gather(asyncio.Lock(), work)
        return await asyncio.gather(*map(gather.do, (1, 2, 3)), return_exceptions=True), await gather.do(4)

    errors, last = asyncio.run(run())
    assert [str(error) for error in errors] == ["gone"] * 3
    assert last == 4
