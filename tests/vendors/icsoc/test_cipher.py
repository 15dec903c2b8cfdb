import base64
import hashlib
import json

import pytest

from connectors.crypto import encrypt_aes_cfb128
from connectors.vendors.icsoc.cipher import decrypt, key_and_iv

from .conftest import SAMPLES
from .test_signature import DATA, SEALED, SECRET


def test_the_documents_own_sample_opens():
    sealed = json.loads((SAMPLES / "push-encrypted.json").read_text())["data"]
    opened = decrypt(sealed, "12345678901234567890123456789012")
    assert (
        hashlib.sha256(opened).hexdigest()
        == "8907ea4448afadfc02a82871901fb47e3e660a62c73d45663dc1c3323ded00a8"
    )


def test_the_published_vector_opens():
    assert decrypt(SEALED, SECRET) == DATA.encode()


def test_a_longer_secret_is_cut_and_a_shorter_one_padded():
    assert decrypt(SEALED, SECRET + "more") == DATA.encode()
    assert key_and_iv("abc") == (b"abc" + bytes(29), b"abc" + bytes(13))
    key, iv = b"short".ljust(32, b"\0"), b"short".ljust(16, b"\0")
    sealed = base64.b64encode(encrypt_aes_cfb128(key, iv, b"hello")).decode()
    assert decrypt(sealed, "short") == b"hello"


@pytest.mark.parametrize("text", ["not base64!", "AAA", "é"])
def test_what_is_not_base64_is_a_value_error(text):
    with pytest.raises(ValueError, match="base64"):
        decrypt(text, SECRET)
