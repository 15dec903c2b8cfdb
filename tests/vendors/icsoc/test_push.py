import base64
import json

import pytest
from pydantic import ValidationError

from connectors.crypto import encrypt_aes_cfb128
from connectors.ingress.contract import PushRefused
from connectors.vendors.icsoc.cipher import decrypt, key_and_iv
from connectors.vendors.icsoc.jsontext import members
from connectors.vendors.icsoc.mapper import map_cdr
from connectors.vendors.icsoc.push import PushReceiver, PushSettings
from connectors.vendors.icsoc.signature import sign
from schemas.base import Vendor
from schemas.errors import InvalidRecord

from .conftest import NOW, SAMPLES
from .test_signature import DATA, PLAIN_SIGN, SEALED, SEALED_SIGN, SECRET


def receiver(*secrets, **settings):
    given = {"secrets": secrets or (SECRET,)} | settings
    return PushReceiver("main", "Asia/Shanghai", PushSettings.model_validate(given))


def body(data_text, signature=None, kind="1", secret=SECRET):
    data = json.loads(data_text)
    signed = sign(data if isinstance(data, str) else data_text, secret)
    return f'{{"type":{kind},"data":{data_text},"sign":"{signature or signed}"}}'.encode()


def sealed(plain, secret=SECRET):
    return json.dumps(base64.b64encode(encrypt_aes_cfb128(*key_and_iv(secret), plain)).decode())


def refused(push, by=None):
    with pytest.raises(PushRefused) as caught:
        (by or receiver()).receive(push, NOW)
    return caught.value


@pytest.mark.parametrize(
    "push", [body(DATA, PLAIN_SIGN), body(json.dumps(SEALED), SEALED_SIGN)], ids=["plain", "sealed"]
)
def test_the_published_vectors_become_one_raw_record(push):
    record = receiver().receive(push, NOW)
    assert record.data == DATA.encode()
    assert (record.vendor, record.account, record.feed) == (Vendor.ICSOC, "main", "cdr")
    assert record.subject == "6811535818021285888"
    assert record.extensions == {"form": "push", "timezone": "Asia/Shanghai"}
    assert record.observed_at == NOW


def test_the_documents_plain_push_signed_keeps_its_bytes():
    text = (SAMPLES / "push.json").read_text(encoding="utf-8")
    data = members(text)["data"].text
    push = text.replace("1c9cc7470803e5605b88a4132cad021a", sign(data, SECRET))
    record = receiver().receive(push.encode(), NOW)
    assert record.data == data.encode()
    assert map_cdr(record)[0].call_id == "6811535818021285888"


@pytest.mark.parametrize("sample", ["push.json", "push-encrypted.json"])
def test_the_documents_placeholder_sign_is_refused(sample):
    error = refused((SAMPLES / sample).read_bytes(), receiver("12345678901234567890123456789012"))
    assert (error.status, error.code, error.data) == (401, "wrong-signature", None)


def test_the_documents_sealed_push_opens_and_is_no_cdr():
    by = receiver("12345678901234567890123456789012", signature="off")
    record = by.receive((SAMPLES / "push-encrypted.json").read_bytes(), NOW)
    assert record.subject == "585e04592f44b014"
    with pytest.raises(InvalidRecord, match="not a call detail record"):
        map_cdr(record)


def test_while_a_secret_is_replaced_both_are_taken():
    by = receiver("new", SECRET)
    for secret in ("new", SECRET):
        assert by.receive(body(DATA, secret=secret), NOW).data == DATA.encode()
        push = body(sealed(DATA.encode(), secret), secret=secret)
        assert by.receive(push, NOW).data == DATA.encode()


def test_without_signatures_the_secret_that_opens_is_found():
    push = body(sealed(DATA.encode()), "none")
    assert receiver("other", SECRET, signature="off").receive(push, NOW).data == DATA.encode()


def test_a_changed_byte_is_refused():
    push = body(DATA, PLAIN_SIGN).replace(b"01212345674", b"01212345675")
    assert refused(push).status == 401


@pytest.mark.parametrize("claim", ['"x"', "5", "null", "{}", '"\\ud800"'])
def test_a_wrong_signature_is_refused(claim):
    push = f'{{"type":1,"data":{DATA},"sign":{claim}}}'.encode()
    assert refused(push).status == 401
    assert refused(f'{{"type":1,"data":{DATA}}}'.encode()).status == 401


def test_data_that_stands_twice_is_refused():
    """Else one could be verified and the other be read."""
    push = body(DATA, PLAIN_SIGN)[:-1] + b',"data":{"call_id":"evil"}}'
    assert (refused(push).status, refused(push).code) == (400, "bad-json")


@pytest.mark.parametrize(
    "push",
    [
        b"",
        b"5",
        b"[]",
        b"null",
        body(DATA)[:-1],
        body(DATA)[:40],
        b"\xff",
        b'{"type":1}',
        b'{"data":' + b"[" * 100_000,
        b'{"data":"' + b'\\"' * 100_000,
    ],
)
def test_what_is_no_push_is_refused_without_being_kept(push):
    error = refused(push)
    assert (error.status, error.data) == (400, None)


@pytest.mark.parametrize("kind", ["2", '"2"', "0", "true", "null", "[1]", "{}"])
def test_other_types_are_refused_by_name(kind):
    error = refused(body(DATA, kind=kind))
    assert (error.status, error.code) == (422, "unknown-type")
    assert "type 1" in error.reason


def test_a_type_that_is_a_string_of_digits_is_read():
    assert receiver().receive(body(DATA, kind='"1"'), NOW).data == DATA.encode()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("5", "not-an-object"),
        ("[1]", "not-an-object"),
        ("null", "not-an-object"),
        ("{}", "no-call-id"),
        ('{"call_id":""}', "no-call-id"),
        ('{"call_id":[1]}', "no-call-id"),
        ('{"call_id":1.5}', "no-call-id"),
        ('{"call_id":"\\ud800"}', "no-call-id"),
    ],
)
def test_signed_rubbish_is_refused_and_kept(data, code):
    for push in (body(data), body(sealed(data.encode()))):
        error = refused(push)
        assert (error.status, error.code, error.data) == (422, code, data.encode())


@pytest.mark.parametrize("text", ['"not base64"', '""', json.dumps("AAAA")])
def test_what_does_not_open_is_refused_and_kept(text):
    error = refused(body(text))
    assert (error.status, error.code) == (422, "cannot-decrypt")
    assert error.data == json.loads(text).encode()


def test_a_wrong_secret_opens_nothing():
    push = body(sealed(DATA.encode(), "another"), "none")
    assert refused(push, receiver(SECRET, signature="off")).code == "cannot-decrypt"
    assert decrypt(json.loads(sealed(DATA.encode(), "another")), SECRET) != DATA.encode()


def test_a_cdr_that_cannot_be_mapped_is_still_the_vendors_record():
    record = receiver().receive(body('{"call_id":"7","callresult":"9"}'), NOW)
    with pytest.raises(InvalidRecord):
        map_cdr(record)


def test_settings_that_could_not_verify_are_refused():
    with pytest.raises(ValidationError, match=r"push\.secrets"):
        PushSettings()
    with pytest.raises(ValidationError, match="empty"):
        PushSettings(secrets=("",))
    assert PushSettings(signature="off").secrets == ()


def test_secrets_are_not_shown():
    assert SECRET not in repr(receiver())
