"""Files of calls: three forms, one reading; every error names the line and the mend."""

import csv
import json

import duckdb
import pytest

from schemas.errors import ConfigError
from schemas.tally import Tally
from streams.backtest.files import between, read_rows
from tests.backtest.traffic import COLLAPSE, START, START_MS, every

ROWS = every(7, COLLAPSE[:30], carrier="移动")
CALLS = [json.loads(each.value) for each in ROWS]


@pytest.fixture
def jsonl(tmp_path):
    path = tmp_path / "calls.jsonl"
    path.write_text("\n".join(map(json.dumps, CALLS)), encoding="utf-8")
    return path


def test_jsonl_is_what_stands_on_the_topic(jsonl):
    assert read_rows(jsonl) == ROWS


def test_csv_keeps_the_zeros_of_a_number(tmp_path):
    path = tmp_path / "calls.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, [*CALLS[0], "queue"])
        writer.writeheader()
        writer.writerows(CALLS)
    assert read_rows(path) == ROWS


def test_parquet_reads_alike(jsonl, tmp_path):
    path = tmp_path / "calls.parquet"
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'Asia/Shanghai'")
        database.execute(
            f"COPY (SELECT * REPLACE (ended_at::TIMESTAMPTZ AS ended_at) FROM read_json('{jsonl}', "
            "columns={vendor: 'VARCHAR', account: 'VARCHAR', call_id: 'VARCHAR', "
            "direction: 'VARCHAR', outcome: 'VARCHAR', display_number: 'VARCHAR', "
            f"carrier: 'VARCHAR', ended_at: 'VARCHAR'}})) TO '{path}' (FORMAT parquet)"
        )
    assert read_rows(path) == ROWS


def test_rows_are_ordered_by_their_arrival(tmp_path):
    path = tmp_path / "calls.jsonl"
    late = {**CALLS[0], "arrived_at": "2026-01-05T03:00:00Z"}
    path.write_text("\n".join(map(json.dumps, [late, CALLS[1]])), encoding="utf-8")
    first, second = read_rows(path)
    assert first.key.endswith(b"/1")
    assert second.timestamp == START_MS + 7_200_000
    assert [first.offset, second.offset] == [0, 1]


def test_calls_in_progress_are_left_out_and_tallies_go_to_their_topic(tmp_path):
    going = {name: value for name, value in CALLS[0].items() if name != "ended_at"}
    tally = Tally(vendor="7moor", account="main", series="s", read_at=START, attempts=1, answered=0)
    path = tmp_path / "calls.jsonl"
    path.write_text(json.dumps(going) + "\n\n" + tally.to_json().decode(), encoding="utf-8")
    (row,) = read_rows(path)
    assert (row.topic, row.key) == ("tallies", b"s")


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.jsonl", '{"vendor": "icsoc"}', "a.jsonl:1: account: this column is missing"),
        ("a.jsonl", "{}\n[1]", "a.jsonl:2: each line is one JSON object"),
        ("a.jsonl", "{", "a.jsonl:1: not JSON"),
        ("a.csv", "vendor,account\nicsoc,main,9\n", "more fields than the first line"),
        ("a.xlsx", "", "name it .jsonl, .csv or .parquet"),
        ("a.parquet", "no", "a.parquet"),
        ("a.jsonl", None, "cannot be read"),
        ("a.csv", "规则".encode("gbk"), "save it as UTF-8"),
    ],
)
def test_an_error_names_the_line_and_the_mend(tmp_path, name, text, told):
    path = tmp_path / name
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as caught:
        read_rows(path)
    assert told in str(caught.value)


def test_a_moment_without_its_offset_is_refused(tmp_path):
    path = tmp_path / "a.jsonl"
    bad = [{**each, "ended_at": "2026-01-05T09:00:00"} for each in CALLS]
    path.write_text("\n".join(map(json.dumps, bad)), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_rows(path)
    lines = str(caught.value).splitlines()
    assert "write the moment with its offset, such as" in lines[0]
    assert lines[5:] == ["…"]  # not thirty times the same


def test_a_stretch_of_time_is_by_arrival():
    assert between(ROWS, START_MS + 7000, START_MS + 21_000) == ROWS[1:3]
    assert between(ROWS, None, None) == ROWS
