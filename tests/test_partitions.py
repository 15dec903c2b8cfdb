"""A record stands where every other Kafka client would look for it."""

from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from connectors.kafka import partition_of


@given(key=st.binary(max_size=200), partitions=st.integers(1, 50))
def test_a_keys_partition_is_the_one_that_kafkas_clients_choose(key, partitions):
    numbers = list(range(partitions))
    assert partition_of(key, partitions) == DefaultPartitioner()(key, numbers, numbers)
