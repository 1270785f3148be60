"""What work burns: stages sum to the whole, waiting costs nothing, memory is the most that was held."""

import subprocess
import sys
import threading
import time

import pytest

from actors.clock import TimeBase
from actors.coverage import Stretch
from actors.document import NO_USAGE
from actors.hop import Traffic
from actors.schema import USAGE
from actors.spending import Spending, Stage


def burn(seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def test_a_stage_counts_work_and_not_waiting():
    stage = Stage()
    with stage:
        burn(0.05)
        time.sleep(0.2)
    assert 0.05 <= stage.seconds < 0.1


def test_what_is_burnt_in_a_pause_is_not_counted():
    stage = Stage()
    with stage:
        burn(0.02)
        with stage.paused():
            burn(0.2)
        burn(0.02)
    assert 0.04 <= stage.seconds < 0.1


def test_of_an_iterable_only_what_makes_the_items_is_counted():
    def made():
        for number in range(3):
            burn(0.02)
            yield number

    stage, taken = Stage(), []
    for number in stage.each(made()):
        burn(0.1)
        taken.append(number)
    assert taken == [0, 1, 2]
    assert 0.06 <= stage.seconds < 0.1


def test_stages_sum_to_the_whole_other_threads_and_processes_included():
    spending, decoding, pictures = Spending(), Stage(), Stage()
    with decoding:
        burn(0.05)
    with pictures:
        burn(0.02)
    other = threading.Thread(target=burn, args=(0.04,))
    other.start()
    other.join()
    traffic = Traffic(batches=3, copies=3, cpu_seconds=1.5, peak_memory_bytes=10**12, requests_put=2, requests_get=5)
    spending.ran("colocated", traffic, (decoding.seconds, pictures.seconds), 7)
    usage = spending.usage()
    parts = [usage[f"cpu_{part}_seconds"] for part in ("decode", "picture", "other")]
    assert sum(parts) == pytest.approx(usage["cpu_seconds"], abs=2e-6)
    assert parts[0] >= 0.05
    assert parts[1] >= 1.52
    assert parts[2] >= 0.04
    assert usage["wall_seconds"] < 1.5 < usage["cpu_seconds"]
    assert (usage["shape"], usage["batches"], usage["requests_bucket"], usage["frames_decoded_again"]) == (
        "colocated", 3, 7, 7,
    )  # fmt: skip
    assert usage["peak_memory_bytes"] > 10**12
    assert usage.keys() == NO_USAGE.keys() == {name for name, _ in USAGE} - {"stream", "run"}


def test_media_seconds_are_those_analysed_of_the_longest_track():
    spending, base = Spending(), TimeBase(1, 10)
    spending.covered("v:0", base, [Stretch(0, 0, 0, 30, "analysed", ""), Stretch(0, 0, 30, 90, "dropped", "late")])
    spending.covered("a:0", base, [Stretch(0, 0, 0, 25, "analysed", ""), Stretch(0, 1, 25, 41, "analysed", "")])
    assert spending.usage()["media_seconds"] == 4.1


PEAKS = """
import numpy as np
from actors.spending import forget_peak, peak_bytes
forget_peak()
before = peak_bytes()
held = np.ones(80 << 20, np.uint8)
del held
risen = peak_bytes()
forget_peak()
print(risen - before, risen - peak_bytes())
"""


def test_the_peak_is_what_was_held_and_not_what_is():
    done = subprocess.run([sys.executable, "-c", PEAKS], capture_output=True, text=True, check=True)
    rise, fall = map(int, done.stdout.split())
    assert rise >= 79 << 20
    assert fall >= 0
