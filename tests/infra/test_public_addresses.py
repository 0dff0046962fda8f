"""Which addresses count as public: the registries' own examples, and properties over all addresses."""

import ipaddress
from ipaddress import IPv4Address, IPv6Address, IPv6Network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.infra.public_addresses import SPECIAL_V4, is_public, parse

V4 = st.ip_addresses(v=4)
V6 = st.ip_addresses(v=6)
SPECIAL = st.sampled_from(SPECIAL_V4).flatmap(lambda network: st.ip_addresses(network=network))


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.8.8.8", "169.254.169.254", "172.16.0.1",
        "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.168.1.1", "198.18.0.1", "198.51.100.7", "203.0.113.9",
        "224.0.0.1", "239.1.2.3", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.1.2.3", "64:ff9b::10.0.0.1", "64:ff9b:1::1",
        "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "2002:a00:1::1", "3fff::1", "5f00::1", "fc00::1",
        "fd12:3456::1", "fe80::1", "fe80::1%2", "fec0::1", "ff02::1", "4000::1",
    ],
)  # fmt: skip
def test_private_reserved_or_local_address_is_not_public(text: str) -> None:
    assert not is_public(parse(text))


@pytest.mark.parametrize(
    "text",
    ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "11.0.0.1", "2606:4700::1111", "2a00:1450:4001::1",
     "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"],
)  # fmt: skip
def test_address_that_everybody_can_reach_is_public(text: str) -> None:
    assert is_public(parse(text))


@given(V4)
@example(IPv4Address("192.88.99.1"))
def test_nothing_is_public_that_pythons_own_register_calls_private(address: IPv4Address) -> None:
    if not address.is_global or address.is_multicast:
        assert not is_public(address)


@given(V6)
def test_no_ipv6_address_is_public_that_pythons_own_register_calls_private(address: IPv6Address) -> None:
    carries = any(address in IPv6Network(net) for net in ("::ffff:0:0/96", "64:ff9b::/96", "2002::/16"))
    if not carries and (not address.is_global or address.is_multicast):
        assert not is_public(address)


@given(SPECIAL)
def test_no_wrapping_makes_a_private_address_public(inner: IPv4Address) -> None:
    number = int(inner)
    assert not is_public(inner)
    for wrapped in (
        IPv6Address(0xFFFF << 32 | number),
        IPv6Address(number),
        IPv6Address(int(ipaddress.IPv6Address("64:ff9b::")) | number),
        IPv6Address(0x2002 << 112 | number << 80 | 1),
    ):
        assert not is_public(wrapped)


@given(V4)
def test_a_wrapped_address_is_as_public_as_what_it_carries(inner: IPv4Address) -> None:
    number = int(inner)
    for wrapped in (0xFFFF << 32 | number, int(IPv6Address("64:ff9b::")) | number, 0x2002 << 112 | number << 80):
        assert is_public(IPv6Address(wrapped)) == is_public(inner)
