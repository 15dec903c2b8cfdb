"""The door to cryptography: the one cipher that a vendor uses, and nothing else."""

from __future__ import annotations

from functools import lru_cache

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES

try:  # cryptography moved the legacy modes in 47
    from cryptography.hazmat.decrepit.ciphers.modes import CFB
except ImportError:  # pragma: no cover
    from cryptography.hazmat.primitives.ciphers.modes import CFB


@lru_cache(maxsize=32)
def _aes_cfb128(key: bytes, iv: bytes) -> Cipher[CFB]:
    return Cipher(AES(key), CFB(iv))


def decrypt_aes_cfb128(key: bytes, iv: bytes, data: bytes) -> bytes:
    """Decrypt AES in CFB mode with 128-bit feedback (NIST SP 800-38A, section 6.3); no padding.

    Args:
        key: 16, 24 or 32 bytes.
        iv: 16 bytes.
        data: any length.
    """
    decryptor = _aes_cfb128(key, iv).decryptor()
    return decryptor.update(data) + decryptor.finalize()


def encrypt_aes_cfb128(key: bytes, iv: bytes, data: bytes) -> bytes:
    """Encrypt what `decrypt_aes_cfb128` decrypts."""
    encryptor = _aes_cfb128(key, iv).encryptor()
    return encryptor.update(data) + encryptor.finalize()
