import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from connectors.broker import artifacts, maven
from connectors.broker.artifacts import Lock
from connectors.broker.maven import Coordinate
from schemas.errors import ConfigError, FatalError, RetryableError

KAFKA = Coordinate("org.apache.kafka", "kafka_2.13", "4.3.1")
OTHER = Coordinate("org.example", "other", "1.0")


def content(jar: Coordinate) -> bytes:
    return f"the jar {jar}".encode()


def lock_of(*jars: Coordinate) -> Lock:
    return Lock({jar: hashlib.sha256(content(jar)).hexdigest() for jar in jars})


class Repository:
    """A fetcher that counts what it is asked for, and may give wrong bytes or break off."""

    def __init__(self, *, wrong=(), breaks_at=None):
        self.asked = []
        self.wrong = wrong
        self.breaks_at = breaks_at

    def __call__(self, jars, folder):
        self.asked.append(sorted(map(str, jars)))
        for jar in sorted(jars):
            if jar == self.breaks_at:
                raise ConnectionError("the line is dead")
            path = folder / jar.filename
            path.write_bytes(b"something else" if jar in self.wrong else content(jar))
            yield jar, path


def test_the_packaged_lock_pins_every_jar_and_names_no_repository():
    lock = artifacts.packaged_lock()
    assert lock.version == "4.3.1"
    assert len(lock.jars) == 46
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in lock.jars.values())
    assert "://" not in lock.render()
    assert len({jar.filename for jar in lock.jars}) == len(lock.jars)


def test_a_lock_is_read_as_it_was_written():
    lock = lock_of(OTHER, KAFKA)
    assert Lock.parse(lock.render()) == lock


@pytest.mark.parametrize("line", ["org.example:other 12", "org.example:other:1.0", "a:b:c:d 12"])
def test_a_broken_lock_line_is_shown(line):
    with pytest.raises(ConfigError, match=re.escape(line)):
        Lock.parse(f"# comment\n{line}\n")


def test_fetches_once_and_puts_the_jars_where_it_says(tmp_path):
    repository, seen = Repository(), []
    lock = lock_of(KAFKA, OTHER)
    for _start in range(2):
        paths = artifacts.fetch(
            lock, tmp_path, fetchers=(repository,), progress=lambda *now: seen.append(now)
        )
    assert [path.read_bytes() for path in paths] == [content(KAFKA), content(OTHER)]
    assert len(repository.asked) == 1
    assert seen == [(0, 2), (1, 2), (2, 2)]
    assert {path.name for path in (tmp_path / "kafka-4.3.1").iterdir()} == {
        KAFKA.filename,
        OTHER.filename,
        "verified",
    }


def test_a_jar_with_another_hash_is_deleted_and_the_error_names_the_mend(tmp_path):
    with pytest.raises(FatalError, match=r"org\.example:other:1\.0 has SHA-256") as caught:
        artifacts.fetch(lock_of(KAFKA, OTHER), tmp_path, fetchers=(Repository(wrong=[OTHER]),))
    assert "KAFKA_BOOTSTRAP_SERVERS" in str(caught.value)
    assert [path.name for path in (tmp_path / "kafka-4.3.1").iterdir()] == [KAFKA.filename]


def test_a_fetch_that_broke_off_goes_on_where_it_was(tmp_path):
    lock = lock_of(KAFKA, OTHER)
    with pytest.raises(RetryableError, match="the line is dead") as caught:
        artifacts.fetch(lock, tmp_path, fetchers=(Repository(breaks_at=OTHER),))
    assert "HTTPS_PROXY" in str(caught.value)
    assert "KAFKA_BOOTSTRAP_SERVERS" in str(caught.value)
    again = Repository()
    artifacts.fetch(lock, tmp_path, fetchers=(again,))
    assert again.asked == [[str(OTHER)]]


def test_another_way_is_tried_where_the_first_fails(tmp_path):
    second = Repository()
    paths = artifacts.fetch(
        lock_of(KAFKA), tmp_path, fetchers=(Repository(breaks_at=KAFKA), second)
    )
    assert second.asked == [[str(KAFKA)]]
    assert paths[0].read_bytes() == content(KAFKA)


def test_a_new_lock_fetches_what_changed(tmp_path):
    artifacts.fetch(lock_of(KAFKA), tmp_path, fetchers=(Repository(),))
    repository = Repository()
    artifacts.fetch(lock_of(KAFKA, OTHER), tmp_path, fetchers=(repository,))
    assert repository.asked == [[str(OTHER)]]


def test_of_several_at_the_same_time_one_fetches_and_the_others_wait(tmp_path):
    repository, lock, together = Repository(), lock_of(KAFKA, OTHER), Barrier(4)

    def start(_number: int) -> list[bytes]:
        together.wait()
        paths = artifacts.fetch(lock, tmp_path, fetchers=(repository,))
        return [path.read_bytes() for path in paths]

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(start, range(4)))
    assert results == [[content(KAFKA), content(OTHER)]] * 4
    assert len(repository.asked) == 1


def test_the_cache_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("CALLSTREAMS_CACHE", str(tmp_path))
    assert artifacts.cache_folder() == tmp_path


@pytest.mark.integration
@pytest.mark.parametrize(
    "fetcher",
    [
        maven.with_python,
        pytest.param(
            maven.with_mvn,
            marks=pytest.mark.skipif(maven.mvn_command() is None, reason="mvn is not installed"),
        ),
    ],
)
def test_both_ways_bring_the_jars_of_the_lock_and_no_others(tmp_path, fetcher):
    # caffeine asks for another jar that Kafka leaves out: a way that follows it would bring more
    names = {"jopt-simple", "log4j-slf4j-impl", "caffeine", "kafka_2.13"}
    locked = artifacts.packaged_lock()
    few = Lock({jar: digest for jar, digest in locked.jars.items() if jar.artifact in names})
    assert len(few.jars) == 4
    paths = artifacts.fetch(few, tmp_path, fetchers=(fetcher,))
    home = tmp_path / f"kafka-{locked.version}"
    assert {path.name for path in home.glob("*.jar")} == {path.name for path in paths}
    for path in paths:
        assert hashlib.sha256(Path(path).read_bytes()).hexdigest() in few.jars.values()
