"""Keys elsewhere than on the head: good as long as the head says so, and for a while without its word."""

from datetime import UTC, datetime

import pytest

from serve.api.auth import FileKeys, Key, KeyStoreError, issue, recognise


def key(number):
    return Key(prefix=f"{number:012x}", sha256="0" * 64, scope="read", name="one", created_at=datetime.now(UTC))


class Head:
    """Answers with what it is told to, at times that are set."""

    def __init__(self):
        from serve.replica.headkeys import HeadKeys

        self.now, self.says = 1000.0, []
        self.keys = HeadKeys(self.answer, lambda: self.now)

    def answer(self):
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


def away():
    from cluster.calls import AwayError

    return AwayError("the keys does not answer")


def test_nobody_is_let_in_before_the_head_has_said_who_may():
    head = Head()
    with pytest.raises(KeyStoreError, match="has not told"):
        head.keys.find(key(1).prefix)


def test_a_key_is_good_from_when_the_head_has_it_until_it_has_not():
    head = Head()
    head.says = [key(1)]
    head.keys.renew()
    assert head.keys.find(key(1).prefix) == head.says[0]
    assert head.keys.find(key(2).prefix) is None
    head.says = [key(2)]
    head.keys.renew()
    assert head.keys.find(key(1).prefix) is None
    assert head.keys.find(key(2).prefix) == head.says[0]


def test_keys_are_good_for_five_minutes_without_the_head_and_then_nobody_is_let_in():
    head = Head()
    head.says = [key(1)]
    head.keys.renew()
    head.says = away()
    head.now += 299
    head.keys.renew()
    assert head.keys.find(key(1).prefix)
    head.now += 1
    with pytest.raises(KeyStoreError, match="300 s: the keys does not answer"):
        head.keys.find(key(1).prefix)
    head.says = [key(1)]
    head.keys.renew()
    assert head.keys.find(key(1).prefix)


def test_keys_that_the_head_cannot_read_let_nobody_in():
    head = Head()
    head.says = [key(1)]
    head.keys.renew()
    head.says = KeyStoreError("keys.json: others may write it")
    head.keys.renew()
    with pytest.raises(KeyStoreError, match="others may write it"):
        head.keys.find(key(1).prefix)


def test_a_key_of_the_head_is_recognised_by_what_is_told_of_it(tmp_path):
    from serve.replica.headkeys import KeyHolder

    whole = issue(FileKeys(tmp_path / "keys.json"), "submit", "one")
    head = Head()
    head.says = KeyHolder(tmp_path / "keys.json").all()
    assert whole.partition(".")[2] not in repr(head.says)
    head.keys.renew()
    assert recognise(head.keys, f"Bearer {whole}".encode()).scope == "submit"
    assert recognise(head.keys, f"Bearer {whole[:-1]}!".encode()) is None
