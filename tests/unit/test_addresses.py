"""Which addresses are private, in every disguise."""

import asyncio
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specrun.addresses import PrivateAddressError, is_private, resolve_public
from specrun.urls import is_loopback


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.9.1",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "224.0.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:a00:1",
        "::127.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::808:808",
        "2002:7f00:1::",
        "2002:a00:1::",
    ],
)
def test_these_are_private(address: str) -> None:
    assert is_private(address)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "8.8.8.8", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_these_are_public(address: str) -> None:
    assert not is_private(address)


@given(st.ip_addresses(v=4))
def test_an_address_carried_by_another_is_as_private_as_by_itself(address: IPv4Address) -> None:
    mapped = IPv6Address((0xFFFF << 32) | int(address))
    translated = IPv6Address((0x64FF9B << 96) | int(address))
    assert is_private(str(mapped)) == is_private(str(translated)) == is_private(str(address))


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("LOCALHOST.", True),
        ("api.localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("[::1]", True),
        ("::1", True),
        ("localhost.example.com", False),
        ("10.0.0.1", False),
        ("example.com", False),
    ],
)
def test_this_machine_is_known_by_its_names(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("127.0.0.1", "127.0.0.1 is in a private network"),
        ("2130706433", r"2130706433 \(127.0.0.1\) is in a private network"),
        ("0x7f.1", r"0x7f.1 \(127.0.0.1\) is in a private network"),
        ("0177.0.0.1", r"0177.0.0.1 \(127.0.0.1\) is in a private network"),
        ("localhost", r"localhost \(.*\) is in a private network"),
    ],
)
def test_a_host_is_judged_by_where_it_leads(host: str, message: str) -> None:
    with pytest.raises(PrivateAddressError, match=message):
        asyncio.run(resolve_public(host, 443))


def test_a_public_address_needs_no_look_up() -> None:
    assert asyncio.run(resolve_public("8.8.8.8", 443)) == ("8.8.8.8",)
