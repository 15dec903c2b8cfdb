from pathlib import Path

import pytest

from connectors.broker.ports import free_ports, is_free
from connectors.broker.properties import Address, render, server_properties

NODES = tuple(Address(number, 20_000 + number, 21_000 + number) for number in (1, 2, 3))


def test_a_node_alone_keeps_one_copy_and_votes_alone():
    properties = server_properties(NODES[0], NODES[:1], Path("/data"))
    assert properties["controller.quorum.voters"] == "1@127.0.0.1:21001"
    assert properties["offsets.topic.replication.factor"] == "1"
    assert properties["min.insync.replicas"] == "1"


def test_three_nodes_keep_three_copies_of_which_two_acknowledge():
    properties = server_properties(NODES[1], NODES, Path("/data"))
    assert properties["node.id"] == "2"
    assert properties["controller.quorum.voters"].count("@") == 3
    for name in ("offsets.topic", "transaction.state.log", "share.coordinator.state.topic"):
        assert properties[f"{name}.replication.factor"] == "3"
    assert properties["transaction.state.log.min.isr"] == "2"
    assert properties["min.insync.replicas"] == "2"


def test_nothing_listens_beyond_loopback():
    properties = server_properties(NODES[0], NODES, Path("/data"))
    for listener in properties["listeners"].split(","):
        assert "://127.0.0.1:" in listener


def test_a_path_with_a_backslash_survives_the_properties_format():
    assert render({"log.dirs": "C:\\data"}) == "log.dirs=C:\\\\data\n"


def test_free_ports_differ_and_can_be_had():
    ports = free_ports(6)
    assert len(set(ports)) == 6
    assert all(map(is_free, ports))


@pytest.fixture
def taken_port():
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_that_somebody_listens_on_is_not_free(taken_port):
    assert not is_free(taken_port)
