"""Which addresses may be reached: the cases by which servers are made to call their own networks."""

import pytest

from actors.networks import Networks, class_of

PUBLIC = ("93.184.216.34", "8.8.8.8", "2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8")
INSIDE = (
    "127.0.0.1", "127.8.9.1", "::1", "10.0.0.1", "172.16.5.4", "192.168.1.1", "100.64.0.1", "fd12:3456::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "198.18.0.1", "192.0.2.1", "203.0.113.9", "240.0.0.1",
    "192.0.0.8", "192.88.99.1", "2001:db8::1", "3fff::1", "5f00::1", "fec0::1", "100::1", "::7f00:1",
)  # fmt: skip
NEVER = (
    "169.254.169.254", "169.254.170.2", "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "fd20:ce::254", "100.100.100.200",
    "168.63.129.16", "192.0.0.192", "::ffff:169.254.169.254", "::ffff:a9fe:1", "0.0.0.0", "0.1.2.3", "::",
    "::ffff:0.0.0.0", "224.0.0.1", "239.255.255.250", "ff02::1", "ff0e::1", "255.255.255.255", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe", "64:ff9b::808:808", "64:ff9b:1::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:1::1",
)  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_reached(address):
    assert Networks().permits(address)


@pytest.mark.parametrize("address", [*INSIDE, *NEVER])
def test_others_are_not(address):
    assert not Networks().permits(address)


@pytest.mark.parametrize("address", INSIDE)
def test_what_an_operator_allows_is_reached(address):
    assert Networks.parse(["0.0.0.0/0", "::/0"]).permits(address)


@pytest.mark.parametrize("address", NEVER)
def test_no_list_opens_metadata_multicast_and_translated_addresses(address):
    assert not Networks.parse(["0.0.0.0/0", "::/0", "169.254.0.0/16"]).permits(address)


def test_an_allowed_network_opens_nothing_else():
    networks = Networks.parse(["10.1.0.0/16", "::1"])
    assert networks.permits("10.1.2.3")
    assert networks.permits("::ffff:10.1.2.3")
    assert networks.permits("::1")
    assert networks.permits("8.8.8.8")
    assert not networks.permits("10.2.0.1")
    assert not networks.permits("127.0.0.1")


@pytest.mark.parametrize("text", ["", "localhost", "10.0.0.1/8", "10.0.0.0/33"])
def test_what_is_no_network_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        Networks.parse([text])


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("93.184.216.34", "public"), ("10.0.0.1", "private"), ("100.64.0.1", "private"), ("fd12:3456::1", "private"),
        ("127.8.9.1", "loopback"), ("::1", "loopback"), ("::ffff:127.0.0.1", "loopback"),
    ],
)  # fmt: skip
def test_each_class_holds_its_own_addresses(address, name):
    assert class_of([address]) == name
    assert [one for one in ("public", "private", "loopback") if Networks.of([one]).permits(address)] == [name]


def test_of_several_addresses_the_least_public_one_counts():
    assert class_of(["93.184.216.34", "10.0.0.1"]) == "private"
    assert class_of(["127.0.0.1", "fe80::1%2"]) == "link-local"
