"""What may be submitted, by the settings of the operator."""

import pytest

from cluster.allowed import Forbidden, Sources, check


def refused(source, **settings):
    with pytest.raises(Forbidden) as caught:
        check(source, Sources(**settings))
    return str(caught.value)


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    for name in ("ROOTS", "NETWORKS"):
        monkeypatch.delenv(f"SIGHTLINE_ALLOWED_{name}", raising=False)


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("93.184.216.34", "public"), ("10.0.0.1", "private"), ("100.64.0.1", "private"), ("[fd12:3456::1]", "private"),
        ("127.0.0.1", "loopback"), ("[::1]", "loopback"), ("localhost", "loopback"), ("2130706433", "loopback"),
    ],
)  # fmt: skip
def test_each_class_of_network_is_allowed_by_its_name_alone(address, allowed):
    url = f"http://{address}:81/live.m3u8"
    check(url, Sources(allowed_networks=allowed))
    others = ",".join({"public", "private", "loopback"} - {allowed})
    said = refused(url, allowed_networks=others)
    assert said == f"its server is on a {allowed} network; the operator sets SIGHTLINE_ALLOWED_NETWORKS"


@pytest.mark.parametrize("address", ["169.254.169.254", "[fe80::1]", "100.100.100.200", "[fd00:ec2::254]", "224.0.0.1"])
def test_link_local_and_metadata_addresses_are_allowed_by_nothing(address):
    said = refused(f"http://{address}/latest", allowed_networks="public,private,loopback")
    assert said.endswith("which nobody can allow")


def test_public_servers_and_no_files_are_allowed_by_default(tmp_path):
    check("http://93.184.216.34/a.ts", Sources())
    check("udp://@239.1.1.1:5000", Sources())
    assert "loopback" in refused("http://127.0.0.1/a.ts")
    assert "SIGHTLINE_ALLOWED_ROOTS" in refused(str(tmp_path / "a.ts"))


def test_files_are_allowed_in_the_folders_that_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("SIGHTLINE_ALLOWED_ROOTS", f"/none, {tmp_path}")
    (tmp_path / "out.ts").symlink_to("/etc/passwd")
    check(str(tmp_path / "a.ts"), Sources())
    check(f"file://{tmp_path}/a.ts", Sources())
    assert "outside the allowed folders" in refused(str(tmp_path / "out.ts"))
    assert "outside the allowed folders" in refused(f"{tmp_path}/../a.ts")
    assert "absolute path" in refused("a.ts")


@pytest.mark.parametrize("source", ["rtsp://93.184.216.34/a", "http://[", "http:///a.ts", f"http://{'a' * 70}.test/"])
def test_what_cannot_be_fetched_is_refused(source):
    assert refused(source, allowed_networks="public,private,loopback")
