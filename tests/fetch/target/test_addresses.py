from ipaddress import ip_network

import pytest

from retailpulse.fetch.target.addresses import is_permitted

NOT_GLOBAL_V4 = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254",
    "169.254.169.254", "168.63.129.16", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192",
    "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.1",
    "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
]  # fmt: skip
GLOBAL_V4 = [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
    "128.0.0.0", "169.253.255.255", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255",
    "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255",
]  # fmt: skip
NOT_GLOBAL_V6 = [
    "::", "::1", "100::1", "2001::1:2:3", "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1", "3fff::1",
    "5f00::1", "4000::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "64:ff9b:1:7f00:0:100::", "64:ff9b:2::808:808",
    "::ffff:0:127.0.0.1", "::ffff:0:8.8.8.8", "fe80::5efe:8.8.8.8",
]  # fmt: skip
GLOBAL_V6 = ["2606:4700:4700::1111", "2a00:1450:4001:81b::200e", "2003::1", "2400::1"]


def embeddings(address: str) -> list[str]:
    """An IPv4 address in every IPv6 form that leads to it."""
    a, b, c, d = map(int, address.split("."))
    high, low = f"{a:02x}{b:02x}", f"{c:02x}{d:02x}"
    inverted = f"{a ^ 255:02x}{b ^ 255:02x}:{c ^ 255:02x}{d ^ 255:02x}"
    return [
        f"::ffff:{address}",
        f"::{address}",
        f"64:ff9b::{address}",
        f"64:ff9b:1::{address}",
        f"2002:{high}:{low}::1",
        f"2001:0:808:808:0:0:{inverted}",
        f"2001:0:{high}:{low}:0:0:f7f7:f7f7",
        f"2606:4700::5efe:{address}",
        f"2606:4700::200:5efe:{address}",
    ]


@pytest.mark.parametrize("address", NOT_GLOBAL_V4 + NOT_GLOBAL_V6)
def test_an_address_that_is_not_globally_routable_is_refused(address: str) -> None:
    assert not is_permitted(address, ())


@pytest.mark.parametrize("address", GLOBAL_V4 + GLOBAL_V6)
def test_a_global_address_is_permitted(address: str) -> None:
    assert is_permitted(address, ())


@pytest.mark.parametrize("inner", NOT_GLOBAL_V4)
def test_ipv4_inside_ipv6_is_refused_in_every_form(inner: str) -> None:
    assert [form for form in embeddings(inner) if is_permitted(form, ())] == []


@pytest.mark.parametrize("inner", GLOBAL_V4)
def test_ipv4_inside_ipv6_is_permitted_where_it_is_global(inner: str) -> None:
    assert [form for form in embeddings(inner) if not is_permitted(form, ())] == []


def test_the_second_address_of_a_nested_form_is_looked_at_too() -> None:
    assert not is_permitted("2002:808:808::5efe:10.0.0.1", ())


def test_an_allowed_network_is_permitted_and_nothing_beside_it() -> None:
    allowed = (ip_network("10.1.0.0/16"), ip_network("::1/128"))
    assert is_permitted("10.1.2.3", allowed)
    assert is_permitted("::ffff:10.1.2.3", allowed)
    assert is_permitted("::1", allowed)
    assert not is_permitted("10.2.0.1", allowed)
    assert not is_permitted("::ffff:10.2.0.1", allowed)
    assert not is_permitted("fe80::5efe:10.1.2.3", allowed)


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "1.2.3.4.5", "/tmp/socket"])
def test_what_is_no_address_is_refused(text: str) -> None:
    assert not is_permitted(text, (ip_network("0.0.0.0/0"), ip_network("::/0")))
