import json

from connectors.crypto import decrypt_aes_cfb128
from connectors.simulators import samples


def shape(value):
    """Reduce JSON to its names and types."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value[:1]]
    return type(value).__name__


def test_the_samples_are_the_documents_own():
    report = json.loads(samples.SEVENMOOR_REPORT_ANSWER)
    assert report["data"][0]["answerPercentage"] == "00.00%"
    assert report["requestInfo"]["headers"]["m7-sign"].startswith("Bxg/")
    assert json.loads(samples.SEVENMOOR_TASK_GET_ANSWER)["data"]["count"] == 1
    bare = json.loads(samples.HUAWEI_STATISTICS_ANSWER)["countDetail"][1]
    assert set(bare) == {"calledCount", "batchDetail", "campaignId", "finishCount", "unCallCount"}
    assert json.loads(samples.HUAWEI_MISSED_CALLS_ANSWER)["total"] == 2
    found = json.loads(samples.ICSOC_SEARCH_ANSWER)["data"]["results"][0]
    assert found["userData"]["extId"] == "1"
    assert b"\\u6cb3\\u5357" in samples.ICSOC_PUSH_PLAIN


def test_the_encrypted_sample_opens_with_its_key():
    import base64
    import hashlib

    data = json.loads(samples.ICSOC_PUSH_ENCRYPTED)["data"]
    key = samples.ICSOC_PUSH_ENCRYPTED_KEY
    text = decrypt_aes_cfb128(key, key[:16], base64.b64decode(data))
    assert (
        hashlib.sha256(text).hexdigest()
        == "8907ea4448afadfc02a82871901fb47e3e660a62c73d45663dc1c3323ded00a8"
    )


def test_the_servers_write_what_the_samples_have():
    from connectors.simulators.generator import World
    from connectors.simulators.icsoc_records import push_record, search_record
    from tests.simulators.helpers import START, small

    world = World(small())
    world.advance(START)
    call = world.icsoc[0]
    found = json.loads(samples.ICSOC_SEARCH_ANSWER)["data"]["results"][0]
    ours = search_record(call, START.timestamp() + 3600, masked=True)
    assert shape(ours) == shape(found)
    assert list(ours) == list(found)
    pushed = json.loads(samples.ICSOC_PUSH_PLAIN)["data"]
    assert shape(push_record(call)) == shape(pushed)
    assert list(push_record(call)) == list(pushed)
