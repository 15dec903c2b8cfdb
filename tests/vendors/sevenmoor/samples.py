"""The samples of 7moor's documents, verbatim."""

from pathlib import Path

_FOLDER = Path(__file__).parent / "samples"


def sample(name: str) -> bytes:
    return (_FOLDER / f"{name}.json").read_bytes()
