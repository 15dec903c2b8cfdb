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

from connectors.ingress import service, telling
from connectors.ingress.service import run_ingress
from connectors.ingress.settings import IngressSettings
from connectors.kafka import KafkaError, KafkaSettings
from connectors.vendors.icsoc.source import IcsocAccount
from schemas.dead_letter import read_dead_letter
from schemas.envelope import read_envelope
from schemas.errors import ConfigError, RetryableError
from schemas.topics import SOURCES

from .conftest import DATA, PATH, SECRET, push


class FakeProducer:
    """What the ingress uses of AIOKafkaProducer."""

    def __init__(self):
        self.sent = []
        self.error = None
        self.running = False
        self.waiting = asyncio.Queue()
        self.open = asyncio.Event()
        self.open.set()
        self.client = self

    async def start(self):
        if self.error:
            raise self.error
        self.running = True

    async def stop(self):
        self.running = False

    async def send_and_wait(self, topic, value, key, headers=()):
        assert self.running
        if topic == SOURCES.name:
            return
        self.waiting.put_nowait(None)
        await self.open.wait()
        if self.error:
            raise self.error
        assert self.running
        self.sent.append((topic, value, key, headers))

    async def fetch_all_metadata(self):
        if self.error:
            raise self.error


class NoConsumer:
    """Knows nothing of what others have told."""

    async def start(self):
        raise KafkaError

    async def stop(self):
        pass


@pytest.fixture
def producer(monkeypatch):
    made = FakeProducer()

    async def created(*_):
        return []

    monkeypatch.setattr(service, "new_producer", lambda _: made)
    monkeypatch.setattr(service, "create_topics", created)
    monkeypatch.setattr(telling, "new_consumer", lambda _: NoConsumer())
    return made


class Running:
    def __init__(self, **settings):
        self.settings = IngressSettings(port=0, **settings)
        self.stop = asyncio.Event()
        self.address = asyncio.get_running_loop().create_future()

    async def __aenter__(self):
        accounts = [IcsocAccount(name="main", push={"secrets": [SECRET]})]
        self.task = asyncio.create_task(
            run_ingress(
                self.settings,
                accounts,
                KafkaSettings(),
                ready=self.address.set_result,
                stop=self.stop,
            )
        )
        return await self.address

    async def __aexit__(self, *_):
        self.stop.set()
        await self.task


def client(address, **options):
    return httpx.AsyncClient(base_url=address, trust_env=False, **options)


async def test_records_and_dead_letters_go_to_their_topics(producer):
    async with Running() as address, client(address) as http:
        assert (await http.post(PATH, content=push())).json()["code"] == 0
        assert (await http.post(PATH, content=push("5"))).status_code == 422
    record, letter = producer.sent
    assert record[:3] == ("raw.icsoc.cdr", DATA.encode(), b"icsoc/main/6811535818021285888")
    assert read_envelope(record[3], record[1]).extensions["form"] == "push"
    assert letter[:2] == ("dead-letters", b"5")
    assert read_dead_letter(letter[3], letter[1]).code == "not-an-object"
    assert not producer.running


async def test_a_broker_that_fails_gives_503_and_not_ready(producer):
    async with Running() as address, client(address) as http:
        assert (await http.get("/readyz")).status_code == 200
        producer.error = KafkaError()
        assert (await http.post(PATH, content=push())).status_code == 503
        assert (await http.get("/readyz")).status_code == 503


async def test_the_stop_lets_open_pushes_end(producer):
    producer.open.clear()
    running = Running()
    async with client("http://unused") as http:
        async with running as address:
            pushing = asyncio.create_task(http.post(f"{address}{PATH}", content=push()))
            await producer.waiting.get()
            running.stop.set()
            with pytest.raises(httpx.TransportError):
                while True:  # until nothing new is let in
                    await http.get(f"{address}/healthz")
            assert not pushing.done()
            producer.open.set()
        assert (await pushing).json()["code"] == 0
    assert len(producer.sent) == 1


async def test_without_kafka_it_does_not_start(producer):
    producer.error = KafkaError()
    accounts = [IcsocAccount(name="main", push={"secrets": [SECRET]})]
    with pytest.raises(RetryableError, match="callstreams broker"):
        await run_ingress(IngressSettings(port=0), accounts, KafkaSettings())


async def test_without_an_account_that_is_pushed_it_does_not_start():
    with pytest.raises(ConfigError, match="`push` section"):
        await run_ingress(IngressSettings(), [], KafkaSettings())


@pytest.fixture
def certificate(tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ingress")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return {"certificate_file": certificate_file, "key_file": key_file}


async def test_it_serves_tls(producer, certificate):
    trust = ssl.create_default_context(cafile=certificate["certificate_file"])
    async with Running(tls=certificate) as address, client(address, verify=trust) as http:
        assert address.startswith("https://")
        assert (await http.post(PATH, content=push())).json()["code"] == 0


async def test_tls_files_that_cannot_be_used_name_the_setting(producer, certificate):
    certificate["key_file"].write_text("not a key")
    accounts = [IcsocAccount(name="main", push={"secrets": [SECRET]})]
    with pytest.raises(ConfigError, match=r"ingress\.tls"):
        await run_ingress(IngressSettings(tls=certificate), accounts, KafkaSettings())
    assert not producer.running
