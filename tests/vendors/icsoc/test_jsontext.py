import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.vendors.icsoc.jsontext import MAX_DEPTH, decode, elements, members, parse

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.text(), anything, max_size=4),
    st.sampled_from([None, 0, 2, "\t"]),
    st.booleans(),
)
def test_each_member_keeps_its_own_text(value, indent, ascii_only):
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    found = members(text)
    assert {key: one.value for key, one in found.items()} == value
    assert all(one.text in text and json.loads(one.text) == one.value for one in found.values())


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"data":{"data":1},"x":0}', '{"data":1}'),
        ('{"x":{"data":"no"},"data":"yes"}', '"yes"'),
        ('{"x":"\\"data\\":7,","data" :\n [ 1, 2 ] ,"y":1}', "[ 1, 2 ]"),
        ('{"d\\u0061ta":{"a":"\\u6cb3\\/}"}}', '{"a":"\\u6cb3\\/}"}'),
        (' {"data":1.50 } ', "1.50"),
        ('{"data":{"a" : 12345678901234567890} }', '{"a" : 12345678901234567890}'),
    ],
)
def test_the_exact_span_of_the_top_level_value_is_found(body, expected):
    assert members(decode(body.encode()))["data"].text == expected


def test_elements_keep_their_own_text():
    assert [one.text for one in elements(' [ {"a": 1} ,"]", 3]')] == ['{"a": 1}', '"]"', "3"]
    assert elements("[ ]") == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "1",
        '{"a":1',
        '{"a":1}}',
        '{"a":1,}',
        '{"a" 1}',
        "{1:2}",
        '{"a":NaN}',
        '{"a":1,"a":2}',
        '{"a":1,"\\u0061":2}',
        '{"a":' + "9" * 5000 + "}",
    ],
)
def test_what_is_no_object_or_says_a_thing_twice_is_refused(text):
    with pytest.raises(ValueError):
        members(text)


@pytest.mark.parametrize("text", ["", "{}", "[1", "[1,]", "[1] 2"])
def test_what_is_no_array_is_refused(text):
    with pytest.raises(ValueError):
        elements(text)


def test_something_behind_the_value_is_refused():
    assert parse(" 5 ").value == 5
    with pytest.raises(ValueError):
        parse("5 5")


def test_depth_is_counted_outside_strings_alone():
    assert decode(("[" * MAX_DEPTH + "]" * MAX_DEPTH).encode())
    assert decode(json.dumps("[" * 1000 + '\\"{').encode())
    with pytest.raises(ValueError, match="deeper"):
        decode(b'{"a":' + b"[" * MAX_DEPTH)


@pytest.mark.parametrize("body", [b'"', b'"\\"' * 200_001, b'{"a":"x', b"\xff\xfe"])
def test_open_strings_and_other_encodings_are_refused(body):
    with pytest.raises(ValueError):
        parse(decode(body))


def test_deep_text_that_was_not_decoded_first_is_a_value_error_too():
    with pytest.raises(ValueError):
        parse("[" * 100_000)
