import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.hooks.pipeline import Seen, is_announced, receivers_of
from connectors.hooks.progress import Progress
from connectors.hooks.settings import HooksSettings, Route
from tests.hooks.alerts import SECRET, alert


@pytest.mark.parametrize(
    ("state", "told"),
    [("inactive", False), ("pending", False), ("firing", True), ("resolved", True)],
)
def test_only_firing_and_resolved_are_announced(state, told):
    assert is_announced(alert(state=state)) is told


NAMES = ("night", "day", "numbers")
ROUTES = (
    Route(match={"severity": "critical"}, receivers="night"),
    Route(match={"value": ["0755*", "0101234"], "severity": "*"}, receivers=["numbers", "night"]),
    Route(match={"team": ""}, receivers="day"),
)


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ({"severity": "critical", "team": "a"}, ("night",)),
        ({"severity": "info", "value": "07551", "team": "a"}, ("night", "numbers")),
        ({"severity": "info", "value": "0101234", "team": "a"}, ("night", "numbers")),
        ({"severity": "info", "value": "010", "team": "a"}, ()),
        ({"severity": "critical", "value": "07551"}, ("night", "day", "numbers")),
    ],
)
def test_routes_match_labels_by_value_list_and_glob(labels, told):
    assert receivers_of(alert(labels=labels), ROUTES, NAMES) == told


def test_without_routes_all_are_told():
    assert receivers_of(alert(), (), NAMES) == NAMES


def test_seen_forgets_the_oldest():
    seen = Seen(capacity=2)
    for each in ("a", "b", "c"):
        seen.add(each)
    assert ["a" in seen, "b" in seen, "c" in seen] == [False, True, True]


def receiver(name="one", **changes):
    return {"name": name, "url": "https://example.org/hook", "secret": SECRET, **changes}


@pytest.mark.parametrize(
    ("settings", "mend"),
    [
        ({"receivers": [receiver(), receiver()]}, "rename one"),
        ({"receivers": [receiver()], "routes": [{"receivers": "two"}]}, "there are: one"),
        ({"receivers": [receiver(secret=None)]}, "env:WEBHOOK_SECRET"),
        ({"receivers": [receiver(secret="whsec_c2hvcnQ=")]}, "openssl rand"),
        ({"receivers": [receiver(secret="whsec_***")]}, "whsec_ and base64"),
        ({"receivers": [receiver(url="ftp://example.org")]}, "https://"),
    ],
)
def test_wrong_settings_name_the_mend_and_no_secret(settings, mend):
    with pytest.raises(ValidationError) as caught:
        HooksSettings.model_validate(settings)
    assert mend in str(caught.value)
    assert "c2hvcnQ" not in str(caught.value)


def test_nothing_is_committed_before_all_its_receivers_have_it():
    progress = Progress()
    progress.begin(7, 2)
    progress.begin(8, 1)
    progress.begin(9, 0)
    assert progress.to_commit() == 7
    progress.committed(7)
    progress.finish(8)
    progress.finish(7)
    assert progress.to_commit() is None
    progress.finish(7)
    assert progress.to_commit() == 10
    progress.committed(10)
    assert progress.to_commit() is None


@given(st.lists(st.integers(0, 3), min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_a_commit_never_passes_an_open_record(deliveries, random):
    progress = Progress()
    left = dict(enumerate(deliveries))
    for offset, count in left.items():
        progress.begin(offset, count)
    todo = [offset for offset, count in left.items() for _ in range(count)]
    random.shuffle(todo)
    for offset in todo:
        reached = progress.to_commit()
        assert all(left[each] == 0 for each in range(reached or 0))
        progress.finish(offset)
        left[offset] -= 1
    assert progress.to_commit() == len(deliveries)
    assert len(progress) == 0
