"""How much may be asked of the API at once: by key, and without a good one by address."""

import asyncio

import httpx
import pytest

from serve.api.application import create_app
from serve.api.auth import issue
from serve.api.settings import ApiSettings, Limits
from serve.commands.up import _settings
from serve.terminal.exits import CommandFailedError
from tests.serve.calling import Keys, call, open_api, problem
from tests.serve.fake_backend import FakeBackend

WRONG = "slk_000000000000." + "A" * 43
HERE, ELSEWHERE = "203.0.113.7", "203.0.113.8"


class Guarded:
    """An application of which three things may be asked at once, and then nothing for long."""

    def __init__(self, **limits):
        self.store = Keys()
        settings = ApiSettings(limits=Limits(**{"per_second": 0.01, "burst": 3, **limits}))
        self.app = create_app(FakeBackend(), settings, self.store)

    def ask(self, path="/v1/jobs", key=None, address=HERE, method="GET"):
        async def asked():
            transport = httpx.ASGITransport(self.app, client=(address, 1234))
            async with httpx.AsyncClient(transport=transport, base_url="http://api.example.org") as client:
                return await client.request(method, path, headers={"Authorization": f"Bearer {key}"} if key else {})

        return asyncio.run(asked())

    def told(self, count, *arguments, **named):
        """The statuses of so many requests."""
        return [self.ask(*arguments, **named).status_code for _ in range(count)]


def test_a_key_has_its_own_limit_from_wherever_it_comes():
    api = Guarded()
    one, other = issue(api.store, "read", "one"), issue(api.store, "read", "other")
    assert api.told(3, key=one) == [200, 200, 200]
    response = api.ask(key=one, address=ELSEWHERE)
    told = problem(response, 429)
    assert told["type"] == "urn:sightline:problem:too-many-requests"
    assert response.headers["retry-after"] == "100"
    assert "wait 100 s" in told["detail"]
    assert api.told(3, key=other) == [200, 200, 200]


def test_what_a_key_may_not_do_counts_too():
    api = Guarded()
    key = issue(api.store, "read", "one")
    assert api.told(4, "/v1/jobs/a", key=key, method="DELETE") == [403, 403, 403, 429]


def test_failures_are_counted_by_address_and_harm_nobody_else():
    api = Guarded()
    key = issue(api.store, "read", "one")
    assert [*api.told(2, key=WRONG), *api.told(3)] == [401, 401, 401, 429, 429]
    assert int(problem(api.ask(key=WRONG), 429) and api.ask(key=WRONG).headers["retry-after"]) == 100
    assert api.told(1, key=WRONG, address=ELSEWHERE) == [401]
    assert api.told(3, key=key) == [200, 200, 200], "a good key is served beside bad ones, as behind one proxy"
    assert api.told(1, "/readyz") == [200]


def test_an_address_of_ipv6_is_its_network():
    api = Guarded()
    assert [*api.told(2, address="2001:db8::1"), *api.told(2, address="2001:db8::ffff:2")] == [401, 401, 401, 429]
    assert api.told(1, address="2001:db8:0:1::1") == [401]
    assert [*api.told(3, address="::ffff:192.0.2.1"), *api.told(1, address="::ffff:192.0.2.2")] == [401] * 4


def test_what_anybody_may_ask_is_limited_but_for_the_sign_of_life():
    api = Guarded()
    assert api.told(4, "/openapi.json") == [200, 200, 200, 429]
    assert api.told(1, "/readyz") == [429]
    assert api.told(20, "/healthz") == [200] * 20
    assert api.told(1, "/readyz", address=ELSEWHERE) == [200]


def test_after_the_wait_it_is_served():
    api = Guarded(per_second=5.0, burst=2)
    key = issue(api.store, "read", "one")

    async def asked():
        transport, sent = httpx.ASGITransport(api.app), {"Authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://a", headers=sent) as client:
            told = [(await client.get("/v1/jobs")) for _ in range(3)]
            await asyncio.sleep(float(told[-1].headers["retry-after"]))
            return [*told, await client.get("/v1/jobs")]

    assert [response.status_code for response in asyncio.run(asked())] == [200, 200, 429, 200]


def test_open_on_loopback_there_is_no_limit(monkeypatch):
    monkeypatch.setenv("SIGHTLINE_API_REQUESTS_BURST", "1")
    app, _ = open_api()
    assert {call(app, "GET", "/v1/jobs").status_code for _ in range(20)} == {200}


def test_the_limit_is_generous_and_set_by_the_environment(monkeypatch):
    assert (Limits().per_second, Limits().burst) == (50.0, 100)
    monkeypatch.setenv("SIGHTLINE_API_REQUESTS_PER_SECOND", "2.5")
    monkeypatch.setenv("SIGHTLINE_API_REQUESTS_BURST", "7")
    assert ApiSettings().limits == Limits(per_second=2.5, burst=7)


WRONG_SETTINGS = [("PER_SECOND", "0"), ("PER_SECOND", "nan"), ("BURST", "0"), ("BURST", "x")]


@pytest.mark.parametrize(("name", "value"), WRONG_SETTINGS)
def test_up_refuses_a_setting_that_makes_no_sense(monkeypatch, name, value):
    monkeypatch.setenv(f"SIGHTLINE_API_REQUESTS_{name}", value)
    with pytest.raises(CommandFailedError, match=f"SIGHTLINE_.*{name.lower()}: Input should be"):
        _settings(open_=False)
