"""The wallboard over HTTPS, by a certificate of its own."""

import asyncio
import datetime as dt
import ipaddress
import ssl

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connectors.kafka import KafkaSettings
from schemas.errors import ConfigError
from streams.board.service import run_board
from streams.board.settings import BoardSettings
from tests.board.test_reader import running


@pytest.fixture
def certificate(tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "board")])
    now = dt.datetime.now(dt.UTC)
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(here, critical=False)
        .sign(key, hashes.SHA256())
    )
    files = {"certificate_file": tmp_path / "cert.pem", "key_file": tmp_path / "key.pem"}
    files["certificate_file"].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files["key_file"].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


async def test_it_serves_https(kafka, certificate):
    trust = ssl.create_default_context(cafile=certificate["certificate_file"])
    async with running(kafka, tls=certificate) as known:
        address = str(known.base_url)
        assert address.startswith("https://")
        async with httpx.AsyncClient(base_url=address, verify=trust, trust_env=False) as client:
            assert (await client.get("/healthz")).json()["status"] == "ok"
            assert "text/html" in (await client.get("/")).headers["content-type"]


async def test_files_that_cannot_be_used_name_the_setting(certificate):
    certificate["key_file"].write_text("not a key")
    settings = BoardSettings(port=0, tls=certificate)
    with pytest.raises(ConfigError, match=r"board\.tls: .*cannot be used"):
        await run_board(KafkaSettings(), settings, asyncio.Event())
