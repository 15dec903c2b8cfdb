import hashlib
import json

import pytest

from connectors.vendors.icsoc.jsontext import members, parse
from connectors.vendors.icsoc.signature import as_php_writes, secret_that_signed, sign

from .conftest import SAMPLES

SECRET = "0123456789abcdef0123456789abcdef"
DATA = (
    '{"call_id":"6811535818021285888","caller":"01212345674",'
    r'"called_areaname":"\u6cb3\u5357 \u4fe1\u9633","record_file":"https:\/\/a\/b.mp3"}'
)
SEALED = (
    "gx75AbBghPFFvUP04+MnBCvHo1BR/KYibKkIUb2hBEtRxU3xeVn3E8NHgJ2/BJHCOoaBK9l/ZxY7qjrWk/r33YlLP6+"
    "YAj7N5kEI/gcpVx0QWxAjzd1VZfs2Rbnu3t0n3t0okWkYSgawF4Pw9aCWu0vzRYiv488ZTIOUwpyJoH1ZWmz81u2jYL4="
)
PLAIN_SIGN = "d44d203fc5369241a9596c5af027023d"
SEALED_SIGN = "dc000283e38e6c45989f1b0cded93f19"


def test_the_published_vectors():
    assert sign(DATA, SECRET) == PLAIN_SIGN
    assert sign(SEALED, SECRET) == SEALED_SIGN
    assert secret_that_signed(parse(DATA), PLAIN_SIGN, secrets=[SECRET]) == SECRET
    assert secret_that_signed(parse(json.dumps(SEALED)), SEALED_SIGN, secrets=[SECRET]) == SECRET


def test_slashes_that_php_escapes_in_a_string_are_not_signed():
    assert secret_that_signed(parse(as_php_writes(SEALED)), SEALED_SIGN, secrets=[SECRET])


def test_an_object_that_was_rewritten_on_its_way_is_read_as_php_writes_it():
    rewritten = json.dumps(json.loads(DATA), ensure_ascii=False, indent=2)
    assert rewritten != DATA
    assert secret_that_signed(parse(rewritten), PLAIN_SIGN, secrets=[SECRET]) == SECRET


def test_raw_bytes_come_first():
    odd = '{"a" : 1.0, "b":"/"}'
    assert secret_that_signed(parse(odd), sign(odd, "s"), secrets=["s"]) == "s"


def test_any_of_several_secrets_signs_and_is_told():
    data = parse(DATA)
    for position in range(3):
        secrets = ["a", "b"]
        secrets.insert(position, SECRET)
        assert secret_that_signed(data, PLAIN_SIGN.upper(), secrets=secrets) == SECRET
    assert secret_that_signed(data, PLAIN_SIGN, secrets=["a", "b"]) is None


@pytest.mark.parametrize(
    ("formula", "text"),
    [("data+secret", "DS"), ("secret+data", "SD"), ("secret+timestamp", "ST")],
)
def test_the_formulas(formula, text):
    parts = {"D": '"x"', "S": "secret", "T": "2021-01-01 00:00:00"}
    joined = "".join(parts[letter] for letter in text)
    expected = hashlib.md5(joined.encode()).hexdigest()
    assert sign('"x"', "secret", timestamp=parts["T"], formula=formula) == expected


def test_one_formula_does_not_verify_another_nor_off_anything():
    data = parse(DATA)
    assert secret_that_signed(data, PLAIN_SIGN, secrets=[SECRET], formula="secret+data") is None
    assert secret_that_signed(data, "", secrets=[SECRET], formula="off") is None


@pytest.mark.parametrize("claimed", ["", "é", "\ud800", PLAIN_SIGN[:-1], PLAIN_SIGN + "0"])
def test_odd_claims_are_no_signature(claimed):
    assert secret_that_signed(parse(DATA), claimed, secrets=[SECRET]) is None


@pytest.mark.parametrize("sample", ["push.json", "push-encrypted.json"])
@pytest.mark.parametrize("formula", ["data+secret", "secret+data", "secret+timestamp"])
def test_the_samples_sign_is_a_placeholder(sample, formula):
    push = members((SAMPLES / sample).read_text(encoding="utf-8"))
    assert not secret_that_signed(
        push["data"],
        push["sign"].value,
        secrets=["12345678901234567890123456789012"],
        timestamp=push["timestamp"].value,
        formula=formula,
    )
