"""The ledger in RocksDB says what the ledger in memory says."""

import random

import pytest

from streams.core.calls import Contribution, Dimensions
from streams.core.ledger import InMemory, Ledger, in_memory
from streams.core.step import Effects
from streams.engine.disk import OnDisk, on_disk

DAY_MS = 86_400_000
HERE = Dimensions("icsoc", "main", "0755", None, None, None, None)


def said(number):
    return Contribution(number, 2, number, 0, HERE)


def lived(store, seed):
    """Write, look up and expire at random; give what was found, and the changelog."""
    rng = random.Random(seed)
    ledger = Ledger(Contribution, 2 * 86_400, store)
    found, changelog, offset = [], [], 0
    for day in range(5):
        for _ in range(20):
            write_first = ledger.writer(0)
            for _ in range(rng.randrange(30)):
                offset += 1
                name = rng.randrange(2**64) if rng.random() < 0.5 else rng.randrange(40)
                if not write_first(name, offset, said(offset)):
                    found.append(ledger.look_up(0, name, offset))
                    ledger.write(0, name, offset, said(offset))
            effects = Effects()
            ledger.flush(0, day * DAY_MS, effects)
            changelog += effects.state
    return ledger, found, changelog


@pytest.mark.parametrize("seed", range(3))
def test_both_find_the_same_and_restore_the_same(tmp_path, seed):
    memory, found, changelog = lived(in_memory, seed)
    disk, found_on_disk, _ = lived(on_disk(tmp_path), seed)
    assert found == found_on_disk
    names = {name for name, _ in memory._page(0).versions.items()}
    assert names == set(disk._page(0).versions)
    restored = [Ledger(Contribution, 2 * 86_400, store) for store in (in_memory, on_disk(tmp_path))]
    for key, value in dict(changelog).items():
        if value is not None:
            for ledger in restored:
                ledger.restore(0, key, value)
    first, second = (dict(ledger._page(0).versions) for ledger in restored)
    assert first == second
    assert names <= first.keys()


def test_a_partition_that_goes_takes_its_folder_with_it(tmp_path):
    ledger, _, _ = lived(on_disk(tmp_path), 1)
    assert len(list(tmp_path.iterdir())) == 1
    ledger.forget(0)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_removed_and_a_living_ones_is_not(tmp_path):
    mine = OnDisk(Contribution, tmp_path)
    mine[1] = ((7, said(7)),)
    left = OnDisk(Contribution, tmp_path)
    left._db.close()  # as its process ends, and without removing the folder
    assert len(list(tmp_path.iterdir())) == 2
    on_disk(tmp_path)
    assert len(list(tmp_path.iterdir())) == 1
    assert mine[1] == ((7, said(7)),)
    assert isinstance(in_memory(Contribution), InMemory)
