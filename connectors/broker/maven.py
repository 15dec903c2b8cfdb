"""The door to jgo: Maven artifacts by way of `mvn` where it is installed, or pure Python."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from jgo.maven import Dependency, MavenContext, MvnResolver, PythonResolver

_AT_ONCE = 8
_TIMEOUT_SECONDS = 30


@dataclass(frozen=True, slots=True, order=True)
class Coordinate:
    """One jar: `group:artifact:version`."""

    group: str
    artifact: str
    version: str

    def __str__(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version}"

    @classmethod
    def parse(cls, text: str) -> Coordinate:
        """Read `group:artifact:version`.

        Raises:
            ValueError: the text has other than three parts.
        """
        group, artifact, version = text.split(":")
        return cls(group, artifact, version)

    @property
    def filename(self) -> str:
        """Name the jar's file."""
        return f"{self.artifact}-{self.version}.jar"


Brought = Generator[tuple[Coordinate, Path], None, None]
Fetcher = Callable[[list[Coordinate], Path], Brought]
"""Bring exactly these jars into a repository folder; gives each as it comes."""


def mvn_command() -> Path | None:
    """Find Maven's own command."""
    found = shutil.which("mvn")
    return None if found is None else Path(found)


def with_mvn(coordinates: list[Coordinate], folder: Path) -> Brought:
    """Fetch with `mvn`, which knows the user's mirrors and proxies (`settings.xml`).

    Its output is kept, not printed.

    Raises:
        RuntimeError: mvn is not there, failed, or brought another set of jars.
    """
    command = mvn_command()
    if command is None:
        raise RuntimeError("mvn is not installed")
    brought = dict(_resolve(coordinates, folder, MvnResolver(command), alone=True))
    if set(brought) != set(coordinates):
        odd = ", ".join(sorted(map(str, set(brought) ^ set(coordinates))))
        raise RuntimeError(f"mvn brought another set of jars than the lock has: {odd}")
    yield from brought.items()


def with_python(coordinates: list[Coordinate], folder: Path) -> Brought:
    """Fetch with jgo's own downloader, several jars at once.

    Raises:
        OSError: the network or the disk failed (requests' errors are OSErrors).
        RuntimeError: the repository has no such jar.
    """
    context = MavenContext(
        repo_cache=folder, local_repos=[], resolver=PythonResolver(), timeout=_TIMEOUT_SECONDS
    )

    def download(wanted: Coordinate) -> Path:
        component = context.project(wanted.group, wanted.artifact).at_version(wanted.version)
        path: Path = component.artifact().resolve()
        return path

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="fetch") as pool:
        running = {pool.submit(download, wanted): wanted for wanted in coordinates}
        try:
            for done in as_completed(running):
                yield running[done], done.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def resolve(
    roots: Iterable[Coordinate], folder: Path, command: Path | None
) -> dict[Coordinate, Path]:
    """Resolve `roots` with all that they need at run time, and bring the jars."""
    resolver = PythonResolver() if command is None else MvnResolver(command)
    return dict(_resolve(list(roots), folder, resolver, alone=False))


def _resolve(
    coordinates: list[Coordinate],
    folder: Path,
    resolver: MvnResolver | PythonResolver,
    *,
    alone: bool,
) -> Iterator[tuple[Coordinate, Path]]:
    context = MavenContext(repo_cache=folder, local_repos=[], resolver=resolver)
    # A lock is whole: what its jars ask for besides was left out by Kafka on purpose.
    exclusions = [context.project("*", "*")] if alone else []
    wanted = [
        Dependency(
            context.project(c.group, c.artifact).at_version(c.version).artifact(),
            exclusions=exclusions,
            raw=True,  # not as a bill of materials, which would let one jar move another's version
        )
        for c in coordinates
    ]
    inputs, transitive = resolver.resolve(wanted)
    for found in [*inputs, *transitive]:
        if found.classifier or found.type != "jar":
            raise RuntimeError(f"{found} is no plain jar, and the lock has no place for it")
        yield (
            Coordinate(found.groupId, found.artifactId, found.version),
            found.artifact.resolve(),
        )
