"""Ray's counters of bytes between nodes, as its metrics have them."""

from hypothesis import given
from hypothesis import strategies as st

from cluster.moved import Moved, read

TEXT = """# HELP ray_object_manager_bytes Number of bytes pushed or received by type
# TYPE ray_object_manager_bytes gauge
ray_object_manager_bytes{Component="raylet",NodeAddress="127.0.0.1",Type="PushedFromLocalPlasma",Version="2.60.0"} 6.7e+07
ray_object_manager_bytes{Component="raylet",NodeAddress="127.0.0.1",Type="PushedFromLocalDisk",Version="2.60.0"} 3.0
ray_object_manager_bytes{Component="raylet",NodeAddress="127.0.0.1",Type="Received",Version="2.60.0"} 1024.0
ray_object_manager_received_chunks{Component="raylet",Type="Total"} 9.0
ray_spill_manager_objects_bytes{Component="raylet",State="Spilled"} 12.0
ray_spill_manager_objects_bytes{Component="raylet",State="Restored"} 13.0
"""  # noqa: E501 - as Ray writes it

moves = st.builds(Moved, *[st.integers(0, 10**15)] * 3)


def test_what_a_nodes_metrics_say():
    assert read(TEXT) == Moved(received=1024, pushed=67_000_003, spilled=12)
    assert read("") == Moved()


@given(moves, moves)
def test_what_was_moved_meanwhile_is_the_difference(before, meanwhile):
    assert (before + meanwhile) - before == meanwhile
