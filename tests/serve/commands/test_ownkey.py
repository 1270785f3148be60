"""Who has started the API where keys are asked for has one, until it is ended."""

from serve.api.auth import FileKeys, issue, recognise
from serve.client.local_state import LocalState
from serve.commands import ownkey


def state(key):
    return LocalState(url="http://127.0.0.1:8080", results="r", pid=1, key=key)


def test_it_may_do_everything_and_is_revoked(tmp_path):
    keys = tmp_path / "keys.json"
    others = issue(FileKeys(keys), "submit", "operator")
    mine = ownkey.make(keys)
    known = recognise(FileKeys(keys), f"Bearer {mine}".encode())
    assert known is not None
    assert (known.scope, known.name) == ("admin", "sightline up")
    ownkey.forget(keys, state(mine))
    assert recognise(FileKeys(keys), f"Bearer {mine}".encode()) is None
    assert recognise(FileKeys(keys), f"Bearer {others}".encode()) is not None
    ownkey.forget(keys, state(None))
    assert len(FileKeys(keys).all()) == 1


def test_there_is_none_where_keys_cannot_be_written(tmp_path):
    keys = tmp_path / "keys.json"
    keys.mkdir()
    assert ownkey.make(keys) is None
