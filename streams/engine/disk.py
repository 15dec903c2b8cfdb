"""State that is larger than memory: what each call said, in RocksDB instead of a dict.

The ledger remembers every call for two days; all other state is as large as what is being
watched, and stays in memory. The file is scratch: it is made anew from the changelog, as a dict
would be, so a crash in the middle of a write harms nobody and no log is kept of the writes.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from rocksdict import Options, Rdict, WriteOptions

from streams.core.ledger import History, Store, Versions

T = TypeVar("T")
_PREFIX = "ledger-"
_NAME_BYTES = 8


def on_disk(folder: Path) -> Store[Any]:
    """Make a store whose versions are in folders below `folder`.

    What processes that were killed have left there is removed; those that live hold a lock.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f"{_PREFIX}*"):
        with contextlib.suppress(Exception):  # RocksDB's own, where another process holds it
            Rdict.destroy(str(left))

    def open_versions(model: type[T]) -> OnDisk[T]:
        return OnDisk(model, folder)

    return open_versions


class OnDisk(Versions[T]):
    """What each key said, by its name, in a folder of its own.

    Args:
        model: what a key says: a frozen msgspec Struct.
        folder: where the folder is made; it is removed by `close`.
    """

    def __init__(self, model: type[T], folder: Path) -> None:
        self._folder = tempfile.mkdtemp(prefix=_PREFIX, dir=folder)
        options = Options(raw_mode=True)
        options.create_if_missing(True)
        self._db = Rdict(self._folder, options)
        unlogged: Any = WriteOptions()
        unlogged.disable_wal = True
        self._db.set_write_options(unlogged)
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode: Any = msgspec.msgpack.Decoder(
            tuple[tuple[int, model], ...]  # type: ignore[valid-type]
        ).decode

    def close(self) -> None:
        """Remove the folder."""
        self._db.close()
        Rdict.destroy(self._folder)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, int) and _key(name) in self._db

    def __getitem__(self, name: int) -> History[T]:
        found: History[T] = self._decode(self._db[_key(name)])
        return found

    def __setitem__(self, name: int, said: History[T]) -> None:
        self._db[_key(name)] = self._encode(said)

    def __delitem__(self, name: int) -> None:
        del self._db[_key(name)]

    def __iter__(self) -> Iterator[int]:
        keys: Any = self._db.keys()
        return (int.from_bytes(key, "big") for key in keys)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _key(name: int) -> bytes:
    return name.to_bytes(_NAME_BYTES, "big")
