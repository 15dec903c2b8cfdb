import json
import re
from datetime import timedelta

import pytest

from streams.board.app import STATIC
from tests.board.conftest import NOW, client_of
from tests.board.feeder import silence

NUMBER = "calls:icsoc/main/display_number/075586110003"


async def test_metrics_are_filtered_sorted_and_paged(filled):
    board, _ = filled
    async with client_of(board) as client:
        answer = await client.get(
            "/api/v1/metrics",
            params={"vendor": "7moor", "kind": "display_number", "sort": "-attempts", "limit": 3,
                    "window": "15m", "basis": "tallies", "account": "main"},
        )  # fmt: skip

    told = answer.json()
    attempts = [metric["attempts"] for metric in told["items"]]
    assert answer.status_code == 200
    assert len(attempts) == 3 < told["total"]
    assert attempts == sorted(attempts, reverse=True)
    assert {metric["vendor"] for metric in told["items"]} == {"7moor"}
    assert {metric["window"]["name"] for metric in told["items"]} == {"15m"}


async def test_a_scope_tells_its_windows_course_alerts_and_masked_calls(filled):
    board, _ = filled
    async with client_of(board) as client:
        told = (await client.get("/api/v1/scope", params={"scope": NUMBER})).json()

    assert [each["window"]["name"] for each in told["metrics"]] == ["5m", "15m", "1h", "day"]
    assert [alert["state"] for alert in told["alerts"]] == ["firing"]
    assert len(told["history"]["items"][NUMBER]) > 10
    assert told["masked"] is True
    assert len(told["calls"]) == 20
    assert all(re.fullmatch(r"139\*{4}\d{4}", call["callee"]) for call in told["calls"])


async def test_only_the_role_that_may_sees_full_numbers(filled):
    board, _ = filled
    async with client_of(board, token="t-read", unmask_token="t-full") as client:

        async def callee(token):
            answer = await client.get(
                "/api/v1/scope", params={"scope": NUMBER}, headers={"Authorization": token}
            )
            return answer.json()["calls"][0]["callee"]

        assert "*" in await callee("Bearer t-read")
        assert re.fullmatch(r"139\d{8}", await callee("Bearer t-full"))


@pytest.mark.parametrize(
    "shown", [None, b"Bearer wrong", b"Basic t-read", b"Bearer", b"Bearer \xff"]
)
async def test_without_the_token_nothing_is_told(filled, shown):
    board, _ = filled
    headers = {} if shown is None else {"Authorization": shown}
    async with client_of(board, token="t-read") as client:
        for path in ("metrics", f"scope?scope={NUMBER}", "alerts", "events", "sources"):
            answer = await client.get(f"/api/v1/{path}", headers=headers)
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert "Authorization: Bearer" in answer.json()["error"]
        for path in ("/", "/healthz", "/readyz", "/api/v1/openapi.json", "/static/js/main.js"):
            assert (await client.get(path)).status_code == 200


async def test_a_wrong_token_is_refused_even_where_none_is_needed(filled):
    board, _ = filled
    async with client_of(board) as client:
        answer = await client.get("/api/v1/alerts", headers={"Authorization": "Bearer old"})

    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("metrics?sort=worst", "sort"),
        ("metrics?limit=0", "limit"),
        ("metrics?vendor=acme", "vendor"),
        ("metrics?colour=red", "colour"),
        ("scope", "scope"),
        ("history", "scope"),
        ("alerts?state=loud", "state"),
        ("sources?q=x", "q"),
    ],
)
async def test_a_query_that_cannot_be_used_names_what_is_wrong(filled, path, names):
    board, _ = filled
    async with client_of(board) as client:
        answer = await client.get(f"/api/v1/{path}")

    assert answer.status_code == 400
    assert names in answer.json()["error"]


@pytest.mark.parametrize("path", ["scope?scope=calls:icsoc/none", "alerts/none", "nothing"])
async def test_what_is_not_there_is_404_as_json(filled, path):
    board, _ = filled
    async with client_of(board) as client:
        answer = await client.get(f"/api/v1/{path}")

    assert answer.status_code == 404
    assert answer.json()["error"]


async def test_histories_of_several_scopes_come_at_once(filled):
    board, _ = filled
    scopes = ["calls:icsoc", "tallies:7moor", "calls:none"]
    async with client_of(board) as client:
        told = (await client.get("/api/v1/history", params={"scope": scopes})).json()

    assert set(told["items"]) == {"calls:icsoc", "tallies:7moor"}
    assert told["window"] == "5m"
    assert all(point["low"] <= point["value"] <= point["high"]
               for point in told["items"]["calls:icsoc"])  # fmt: skip


async def test_an_alerts_story_has_its_course_over_the_window_that_decides(filled):
    board, _ = filled
    async with client_of(board) as client:
        told = (await client.get("/api/v1/alerts/dn-icsoc-075586110003")).json()

    assert [step["state"] for step in told["transitions"]] == ["pending", "firing"]
    assert told["history"]["window"] == told["alert"]["evidence"]["window"] == "15m"
    assert len(told["history"]["items"][NUMBER]) > 5


async def test_ready_is_said_when_the_topics_were_read(board):
    async with client_of(board) as client:
        early = await client.get("/readyz")
        board.set_ready()
        late = await client.get("/readyz")
        health = await client.get("/healthz")

    assert (early.status_code, late.status_code, health.status_code) == (503, 200, 200)


async def test_stale_counts_are_said_to_be_stale(filled):
    board, _ = filled
    async with client_of(board, clock=lambda: NOW + timedelta(hours=2)) as client:
        told = (await client.get("/api/v1/metrics", params={"kind": "vendor"})).json()

    assert all(metric["stale"] for metric in told["items"])


async def test_every_answer_is_locked_down(filled):
    board, _ = filled
    async with client_of(board) as client:
        for path in ("/", "/static/js/main.js", "/api/v1/alerts", "/nothing"):
            headers = (await client.get(path)).headers
            policy = headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert headers["X-Content-Type-Options"] == "nosniff"


def test_the_page_holds_no_inline_script_or_style_and_nothing_from_elsewhere():
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    assert not re.findall(r"<script(?![^>]*\bsrc=)", page)
    assert not re.findall(r"<style|\sstyle=|\son\w+=", page)
    for file in [STATIC / "index.html", *STATIC.glob("css/*.css"), *STATIC.glob("js/*.js")]:
        text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text, file
        assert "https://" not in text, file
        assert "innerHTML" not in text, file


# ---- the description


def matches(value, schema, components, where="answer"):
    """Hold a value against the part of JSON Schema that the description uses."""
    if "$ref" in schema:
        return matches(value, components[schema["$ref"].rsplit("/", 1)[1]], components, where)
    if "anyOf" in schema:
        failures = []
        for choice in schema["anyOf"]:
            try:
                return matches(value, choice, components, where)
            except AssertionError as failure:
                failures.append(str(failure))
        raise AssertionError(f"{where}: none of {failures}")
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool,
             "number": (int, float), "integer": int, "null": type(None)}  # fmt: skip
    kind = schema.get("type", "string")  # an enumeration of words has none
    assert isinstance(value, kinds[kind]), f"{where}: {value!r} is no {kind}"
    assert value in schema.get("enum", [value]), f"{where}: {value!r}"
    assert kind == "boolean" or not isinstance(value, bool), where
    if kind == "array":
        for place, item in enumerate(value):
            matches(item, schema["items"], components, f"{where}[{place}]")
    if kind == "object":
        known = schema.get("properties", {})
        for name in schema.get("required", ()):
            assert name in value, f"{where} lacks {name}"
        for name, item in value.items():
            its = known.get(name, schema.get("additionalProperties"))
            assert its, f"{where}.{name} is not described"
            matches(item, its, components, f"{where}.{name}")


async def test_the_answers_are_as_the_description_says(filled):
    board, centre = filled
    centre.silence(board, silence("s-1", NOW, "vendor=icsoc"))
    asked = {
        "/api/v1/metrics": "/api/v1/metrics",
        "/api/v1/scope": f"/api/v1/scope?scope={NUMBER}",
        "/api/v1/history": "/api/v1/history?scope=calls:icsoc",
        "/api/v1/alerts": "/api/v1/alerts?state=all",
        "/api/v1/alerts/{fingerprint}": "/api/v1/alerts/dn-icsoc-075586110003",
        "/api/v1/campaigns": "/api/v1/campaigns",
        "/api/v1/sources": "/api/v1/sources",
        "/api/v1/silences": "/api/v1/silences?state=all",
        "/healthz": "/healthz",
        "/readyz": "/readyz",
    }
    async with client_of(board) as client:
        document = (await client.get("/api/v1/openapi.json")).json()
        assert document["openapi"].startswith("3.1.")
        assert set(document["paths"]) == {
            *asked,
            "/api/v1/events",
            "/api/v1/silences/{id}",
        }
        components = document["components"]["schemas"]
        for path, address in asked.items():
            answer = await client.get(address)
            described = document["paths"][path]["get"]["responses"][str(answer.status_code)]
            matches(answer.json(), described["content"]["application/json"]["schema"], components)
        refused = await client.get("/api/v1/metrics?limit=0")
        matches(refused.json(), {"$ref": "#/components/schemas/Problem"}, components)


async def test_the_description_resolves_and_asks_for_the_token_that_is_configured(filled):
    board, _ = filled
    async with client_of(board, token="t-read") as client:
        document = (await client.get("/api/v1/openapi.json")).json()

    names = re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document))
    assert set(names) <= set(document["components"]["schemas"])
    told = {
        (path, method): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    secured = {path for (path, _), operation in told.items() if "security" in operation}
    assert secured == {path for path in document["paths"] if path.startswith("/api")}
    identities = [operation["operationId"] for operation in told.values()]
    assert len(set(identities)) == len(identities)


async def test_the_parameters_of_the_description_are_taken(filled):
    board, _ = filled
    async with client_of(board) as client:
        document = (await client.get("/api/v1/openapi.json")).json()
        parameters = document["paths"]["/api/v1/metrics"]["get"]["parameters"]
        (sort,) = [each for each in parameters if each["name"] == "sort"]
        for value in sort["schema"]["enum"]:
            answer = await client.get("/api/v1/metrics", params={"sort": value})
            assert answer.status_code == 200, value
