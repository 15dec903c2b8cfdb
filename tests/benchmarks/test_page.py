"""Each bench keeps its figures, and leaves those of the others and the prose alone."""

import json

from benchmarks.page import keep, place


def test_prose_around_the_figures_stays():
    page = place("# Title\n\nbefore\n", "x", "one") + "\nafter\n"
    again = place(page, "x", "two")
    assert "one" not in again
    assert again.startswith("# Title\n\nbefore\n")
    assert again.endswith("\nafter\n")
    assert place(again, "x", "two") == again


def test_benches_do_not_touch_one_another(tmp_path):
    keep(tmp_path, "a", {"n": 1}, "one")
    keep(tmp_path, "b", {"n": 2}, "two")
    keep(tmp_path, "a", {"n": 3}, "three")
    assert json.loads((tmp_path / "performance.json").read_text()) == {"a": {"n": 3}, "b": {"n": 2}}
    page = (tmp_path / "performance.md").read_text()
    assert "one" not in page
    assert page.index("three") < page.index("two")
