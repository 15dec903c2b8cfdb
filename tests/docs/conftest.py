"""The example messages of README.md, read back as what they are."""

import pytest

from tests.docs.examples import dead_letter_of, examples, raw_record_of
from tests.docs.pages import ROOT


@pytest.fixture
def raw_examples():
    found = examples(ROOT / "README.md")
    return {name: raw_record_of(each) for name, each in found.items() if name.startswith("raw.")}


@pytest.fixture
def dead_letter():
    return dead_letter_of(examples(ROOT / "README.md")["dead-letters"])
