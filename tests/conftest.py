"""Kafka for the tests: `kafka` is shared by the session, `fresh_kafka` belongs to one module.

Both are started when the first test asks for them, and a test that asks is marked `integration`.
"""

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

from connectors.broker import Broker, Installation, install
from connectors.broker.node import in_own_loop
from connectors.kafka import KafkaSettings, create_topics
from schemas import topics

# Tables are as wide for the tests as on a wide screen; the command's console reads it once.
os.environ["COLUMNS"] = "200"

# A shell lets what it runs in the background ignore Ctrl-C, and so all that this starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Speed is the benchmarks' business: a slow machine is no failure.
settings.register_profile(
    "callstreams", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("callstreams")

_NEED_KAFKA = {"installation", "kafka", "fresh_broker", "fresh_kafka"}


def pytest_collection_modifyitems(items):
    for item in items:
        if _NEED_KAFKA & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="session")
def installation() -> Installation:
    """Java and Kafka's jars, fetched on the first run."""
    return install()


@pytest.fixture(scope="session")
def kafka(request):
    """Settings of a Kafka with the catalogue's topics: KAFKA_BOOTSTRAP_SERVERS, or one of ours.

    Other tests use it too: read what you wrote, and expect more beside it.
    """
    if named := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        settings = KafkaSettings(bootstrap_servers=named)
        in_own_loop(create_topics(settings, topics.ALL))
        yield settings
        return
    with Broker(installation=request.getfixturevalue("installation")) as broker:
        in_own_loop(create_topics(broker.settings, topics.ALL))
        yield broker.settings


@pytest.fixture(scope="module")
def fresh_broker(installation):
    """A broker of this module's own, without topics; may be killed and restarted."""
    with Broker(installation=installation) as broker:
        yield broker


@pytest.fixture(scope="module")
def fresh_kafka(fresh_broker) -> KafkaSettings:
    """Settings of this module's own broker, with the catalogue's topics, empty."""
    in_own_loop(create_topics(fresh_broker.settings, topics.ALL))
    return fresh_broker.settings
