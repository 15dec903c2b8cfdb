"""The encryption of a push: AES-256-CFB, base64, key and IV from one secret."""

from __future__ import annotations

import base64
import binascii
from functools import lru_cache

from connectors.crypto import decrypt_aes_cfb128

_KEY_BYTES = 32
_IV_BYTES = 16


@lru_cache(maxsize=32)  # a push waits for it
def key_and_iv(secret: str) -> tuple[bytes, bytes]:
    """Derive the key and the IV as PHP's openssl does.

    The key is the secret cut to 32 bytes, or padded to them with NUL; the IV its first 16.
    """
    key = secret.encode()[:_KEY_BYTES].ljust(_KEY_BYTES, b"\0")
    return key, key[:_IV_BYTES]


def decrypt(data: str | bytes, secret: str) -> bytes:
    """Decrypt the base64 string that an encrypted push carries.

    A wrong secret is not noticed here: CFB then gives noise.

    Raises:
        ValueError: it is not base64.
    """
    try:
        sealed = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("the encrypted data is not base64") from error
    key, iv = key_and_iv(secret)
    return decrypt_aes_cfb128(key, iv, sealed)
