from ipaddress import ip_address, ip_network

import pytest

from connectors.ingress.access import client_address, may_push

PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("1.2.3.4", [], "1.2.3.4"),
        ("1.2.3.4", ["9.9.9.9"], "1.2.3.4"),  # not a proxy of ours: not believed
        ("10.0.0.1", ["9.9.9.9"], "9.9.9.9"),
        ("10.0.0.1", ["6.6.6.6, 9.9.9.9"], "9.9.9.9"),  # the client wrote the first itself
        ("10.0.0.1", ["9.9.9.9, 10.0.0.2"], "9.9.9.9"),
        ("10.0.0.1", ["9.9.9.9", "10.0.0.2"], "9.9.9.9"),
        ("10.0.0.1", ["10.0.0.3"], "10.0.0.3"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("fd00::1", ["2001:db8::1"], "2001:db8::1"),
        ("::ffff:10.0.0.1", ["::ffff:9.9.9.9"], "9.9.9.9"),
    ],
)
def test_the_nearest_hop_that_is_no_proxy_is_the_client(peer, forwarded, expected):
    assert client_address(peer, forwarded, PROXIES) == ip_address(expected)


@pytest.mark.parametrize(
    ("peer", "forwarded"), [(None, []), ("unix", []), ("10.0.0.1", ["unknown"]), ("10.0.0.1", [""])]
)
def test_what_cannot_be_told_is_none(peer, forwarded):
    assert client_address(peer, forwarded, PROXIES) is None


def test_an_empty_list_allows_all_and_another_only_its_own():
    assert may_push(None, [])
    assert not may_push(None, PROXIES)
    assert may_push(ip_address("10.1.1.1"), PROXIES)
    assert not may_push(ip_address("11.1.1.1"), PROXIES)
