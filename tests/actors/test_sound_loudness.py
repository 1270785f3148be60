import pytest

from tests.actors import ebu

VALUES = 108
"""3341: 3 + 3 + 1 + 1 + 1 + 2 (5.0, 5.1) + 2 + 20 + 20 + 2 + 20 + 20 + 9 values; 3342: 4."""


@pytest.mark.parametrize("rate", [48000, 44100, pytest.param(96000, marks=pytest.mark.slow)])
def test_every_value_of_the_ebu_tables(rate, record_property):
    checks = list(ebu.table(rate))
    record_property("checks", len(checks))
    assert [check for check in checks if not check.passed] == []
    assert len(checks) == VALUES
