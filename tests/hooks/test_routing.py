import pytest
from pydantic import ValidationError

from connectors.hooks.pipeline.routing import is_announced, receivers_of
from connectors.hooks.seen import Seen
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
    settings = HooksSettings.model_validate(
        {"receivers": [receiver(name) for name in NAMES], "routes": ROUTES}
    )
    assert receivers_of(alert(labels=labels), settings) == told


def test_without_routes_all_are_told():
    settings = HooksSettings.model_validate({"receivers": [receiver(name) for name in NAMES]})
    assert receivers_of(alert(), settings) == NAMES


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
