"""The jars of Kafka: which ones (`artifacts.lock`), and how they come onto this machine.

The lock names each jar by its Maven coordinates and SHA-256, and no repository: where they come
from is Maven's business, what they are is ours.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import platformdirs

from connectors.broker import maven
from connectors.broker.maven import Coordinate, Fetcher
from schemas.errors import ConfigError, FatalError, RetryableError

Progress = Callable[[int, int], None]
"""Told after each jar: how many are here, of how many."""

_KAFKA = ("org.apache.kafka", "kafka_2.13")
_INSTEAD = "or set KAFKA_BOOTSTRAP_SERVERS to a Kafka that runs"
_MARKER = "verified"


@dataclass(frozen=True)
class Lock:
    """Exactly these jars, by coordinates and SHA-256 (lower-case hex)."""

    jars: dict[Coordinate, str]

    @classmethod
    def parse(cls, text: str) -> Lock:
        """Read the lines `group:artifact:version sha256`; `#` begins a comment.

        Raises:
            ConfigError: a line is none of these, or there is no Kafka among them.
        """
        jars = {}
        for line in text.splitlines():
            if not line.strip() or line.startswith("#"):
                continue
            try:
                coordinate, digest = line.split()
                jars[Coordinate.parse(coordinate)] = digest
            except ValueError as error:
                raise ConfigError(
                    f"artifacts.lock has the line {line!r}: write it anew with "
                    "`callstreams broker lock`"
                ) from error
        return cls(jars)

    def render(self) -> str:
        """Write what `parse` reads, sorted."""
        lines = [f"{coordinate} {self.jars[coordinate]}" for coordinate in sorted(self.jars)]
        return "\n".join(["# Written by `callstreams broker lock`.", *lines, ""])

    @property
    def version(self) -> str:
        """Give Kafka's version.

        Raises:
            ConfigError: the lock has no Kafka.
        """
        for jar in self.jars:
            if (jar.group, jar.artifact) == _KAFKA:
                return jar.version
        raise ConfigError("artifacts.lock names no Kafka: write it with `callstreams broker lock`")

    @property
    def digest(self) -> str:
        """Give the SHA-256 of the whole lock."""
        return hashlib.sha256(self.render().encode()).hexdigest()


def packaged_lock() -> Lock:
    """Read the lock that comes with this package."""
    return Lock.parse(
        files("connectors.broker").joinpath("artifacts.lock").read_text(encoding="utf-8")
    )


def cache_folder() -> Path:
    """Give the folder for fetched things: CALLSTREAMS_CACHE, or the user's cache."""
    named = os.environ.get("CALLSTREAMS_CACHE")
    return Path(named) if named else platformdirs.user_cache_path("callstreams")


def silent(_done: int, _total: int) -> None:
    """Take progress and say nothing."""


def fetch(
    lock: Lock,
    cache: Path,
    *,
    fetchers: tuple[Fetcher, ...] | None = None,
    progress: Progress = silent,
) -> list[Path]:
    """Bring the jars of the lock into `cache`, once, and give their paths.

    Several processes may do so at the same time: one fetches, the others wait for it. A jar is
    put in its place only after its SHA-256 was found right, so a fetch that broke off goes on
    where it was.

    Args:
        lock: what to fetch.
        cache: the folder that `kafka-<version>` is made in.
        fetchers: ways to fetch, each tried where the one before failed; by default `mvn` if it is
            installed, then pure Python.
        progress: told after each jar.

    Raises:
        RetryableError: no way worked: mostly no network.
        FatalError: a jar is not the one that the lock names.
    """
    home = cache / f"kafka-{lock.version}"
    paths = [home / jar.filename for jar in sorted(lock.jars)]
    if _complete(home, lock):
        return paths
    home.mkdir(parents=True, exist_ok=True)
    with _one_process_at_a_time(cache / f"{home.name}.lock"):
        if not _complete(home, lock):
            _fill(home, lock, fetchers or _default_fetchers(), progress)
            # last, and in one step: its presence says that all jars were verified
            _replace_text(home / _MARKER, lock.digest)
    return paths


def _complete(home: Path, lock: Lock) -> bool:
    try:
        return (home / _MARKER).read_text(encoding="utf-8") == lock.digest
    except FileNotFoundError:
        return False


def _default_fetchers() -> tuple[Fetcher, ...]:
    by_python: tuple[Fetcher, ...] = (maven.with_python,)
    return by_python if maven.mvn_command() is None else (maven.with_mvn, *by_python)


def _fill(home: Path, lock: Lock, fetchers: tuple[Fetcher, ...], progress: Progress) -> None:
    failures = []
    for fetcher in fetchers:
        missing = [jar for jar, digest in lock.jars.items() if not _is(home / jar.filename, digest)]
        progress(len(lock.jars) - len(missing), len(lock.jars))
        if not missing:
            return
        try:
            _fetch_missing(home, lock, missing, fetcher, progress)
        except (OSError, RuntimeError) as error:
            failures.append(error)
        else:
            return
    raise RetryableError(
        f"Kafka {lock.version} could not be fetched ({_short(failures[-1])}): check the network "
        "and HTTPS_PROXY (mvn: its settings.xml), run the command again (what is already here is "
        f"kept), {_INSTEAD}"
    ) from ExceptionGroup("fetch", failures)


def _fetch_missing(
    home: Path, lock: Lock, missing: list[Coordinate], fetcher: Fetcher, progress: Progress
) -> None:
    here = len(lock.jars) - len(missing)
    with (
        tempfile.TemporaryDirectory(dir=home, prefix="fetching-") as repository,
        closing(fetcher(missing, Path(repository))) as brought,
    ):
        for jar, path in brought:
            if not _is(path, lock.jars[jar]):
                found = _sha256(path)
                path.unlink()
                raise FatalError(
                    f"{jar} has SHA-256 {found}, but artifacts.lock says {lock.jars[jar]}: it was "
                    "deleted. Run the command again; if it stays so, a mirror or proxy between "
                    f"here and Maven Central changes files: go round it, {_INSTEAD}"
                )
            path.replace(home / jar.filename)
            here += 1
            progress(here, len(lock.jars))


def _is(path: Path, digest: str) -> bool:
    return path.is_file() and _sha256(path) == digest


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _short(error: Exception) -> str:
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__


def _replace_text(path: Path, text: str) -> None:
    beside = path.with_suffix(".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


@contextmanager
def _one_process_at_a_time(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # let go when the file is closed, or its process dies
        yield
