"""The Prometheus and the Grafana of docker-compose.yml speak of metrics that there are."""

import json
import re
from pathlib import Path

import pytest
import yaml

from connectors.health import PORTS
from connectors.telemetry import REGISTRY
from tests.broker.test_compose import SERVICES

DEPLOY = Path(__file__).parents[2] / "deploy"
PROMETHEUS = DEPLOY / "prometheus"
ALERTS = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"][0]["rules"]
SCRAPES = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["scrape_configs"]
GRAFANA = DEPLOY / "grafana"
BOARD = json.loads((GRAFANA / "dashboards" / "callstreams.json").read_text(encoding="utf-8"))
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
QUERIES = [target["expr"] for panel in PANELS for target in panel["targets"]]
QUERIES += [each["query"]["query"] for each in BOARD["templating"]["list"] if each["name"] in (
    "vendor", "account", "window",
)]  # fmt: skip


def _kinds():
    for family in REGISTRY.collect():
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}
        for suffix in suffixes.get(family.type, [""]):
            yield family.name + suffix


METRICS = set(_kinds())


@pytest.mark.parametrize("expression", [*QUERIES, *(rule["expr"] for rule in ALERTS)])
def test_each_metric_that_is_asked_for_is_there(expression):
    named = set(re.findall(r"\b(?:callstreams|process)_\w+", expression))
    assert named - METRICS == set()


def test_each_metric_is_asked_for_by_somebody():
    text = " ".join([*QUERIES, *(rule["expr"] for rule in ALERTS)])
    families = {family.name for family in REGISTRY.collect() if "callstreams" in family.name}
    rarely = {"callstreams_batches", "callstreams_messages"}  # to look into something
    assert {name for name in families if name not in text} == rarely


def test_every_alert_says_how_loud_it_is_and_what_to_do():
    assert len({rule["alert"] for rule in ALERTS}) == len(ALERTS)
    for rule in ALERTS:
        assert rule["labels"]["severity"] in ("info", "warning", "critical")
        assert set(rule["annotations"]) == {"summary", "description"}


def test_prometheus_asks_each_service_where_it_answers():
    (scrape,) = SCRAPES
    (found,) = scrape["dns_sd_configs"]
    ours = {name for name, one in SERVICES.items() if one.get("image") == "callstreams"}
    assert set(found["names"]) == ours - {"topics", "simulators"}
    assert len(found["names"]) == len(PORTS)
    for name in found["names"]:
        told = SERVICES[name]["environment"]["CALLSTREAMS_TELEMETRY__PORT"]
        assert found["port"] == int(told)


def test_grafana_finds_its_prometheus_and_its_dashboard():
    sources = GRAFANA / "provisioning" / "datasources" / "prometheus.yml"
    (source,) = yaml.safe_load(sources.read_text())["datasources"]
    (variable,) = [each for each in BOARD["templating"]["list"] if each["type"] == "datasource"]
    assert source["uid"] == variable["current"]["value"]
    host, port = source["url"].removeprefix("http://").split(":")
    assert host in SERVICES
    assert any(published.endswith(f":{port}") for published in SERVICES[host]["ports"])
    providers = GRAFANA / "provisioning" / "dashboards" / "callstreams.yml"
    (provider,) = yaml.safe_load(providers.read_text())["providers"]
    mounts = dict(mount.split(":")[:2] for mount in SERVICES["grafana"]["volumes"])
    assert mounts["./deploy/grafana/dashboards"] == provider["options"]["path"]
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{provider['options']['path']}/callstreams.json"


def test_the_panels_have_their_places_and_say_what_they_show():
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
    taken = set()
    for panel in BOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert all(panel["description"] for panel in PANELS)


def test_promtool_accepts_rules_and_configuration(promtool):
    assert "SUCCESS" in promtool("check", "rules", PROMETHEUS / "alerts.yml")
    assert "SUCCESS" in promtool("check", "config", PROMETHEUS / "prometheus.yml")


def test_each_alert_comes_when_it_should_and_not_otherwise(promtool):
    tests = Path(__file__).parent / "alerts.test.yaml"
    tested = tests.read_text()
    assert all(tested.count(rule["alert"]) >= 2 for rule in ALERTS)
    assert "SUCCESS" in promtool("test", "rules", tests)


def test_promtool_reads_every_query_of_the_dashboard(promtool, tmp_path):
    variables = {"$__rate_interval": "5m", "$vendor": "icsoc", "$account": "main", "$window": "5m"}
    rules = []
    for number, query in enumerate(QUERIES):
        if query.startswith("label_values("):
            continue
        for name, value in variables.items():
            query = query.replace(name, value)
        rules.append({"record": f"panel:query{number}:now", "expr": query})
    file = tmp_path / "queries.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", file)
