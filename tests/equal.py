"""Equality of results, asserted: nothing may differ, and enough must have been compared (see actors.equality)."""

from actors.equality import compare
from actors.newest import Newest


def assert_equal(results_a, results_b, *, metrics=None, **least):
    """Compare, fail on any mismatch, and hold what was compared against the least that it must have been.

    Args:
        results_a: What was disturbed.
        results_b: What was not.
        metrics: See :func:`actors.equality.compare`.
        least: At least so many rows (``video``, ``audio``, ``packets``), ``incidents``, ``stretches``, or opened
            incidents of a detector by its name.
    """
    compared = compare(str(results_a), str(results_b), metrics=metrics)
    assert not compared.mismatches, "\n".join(compared.mismatches)
    had = {**compared.opened(), **compared.rows, "incidents": compared.incidents, "stretches": compared.stretches}
    missing = {name: had.get(name, 0) for name, count in least.items() if had.get(name, 0) < count}
    assert not missing, f"too little was compared: {missing} of {least}"
    return compared


def summaries(results):
    """What each stream's newest checkpoint says at the end, by stream; None where it is not finished."""
    return Newest(str(results)).summaries()


def unexplained(results):
    """What no ledger of the newest summaries can explain, by stream and track: empty if all is well."""
    return {
        (stream, track): account["unexplained"]
        for stream, summary in summaries(results).items()
        for track, account in summary["ledger"].items()
        if account["unexplained"]
    }


def rows_of(results, table):
    """Rows of the newest run of every stream."""
    return Newest(str(results)).rows(table)
