"""How icsoc writes a call: camelCase integers in the search, snake_case strings in the push.

Both follow the samples of icsoc-cdr.txt where these differ from its tables.
"""

from __future__ import annotations

from pydantic import JsonValue

from connectors.simulators.calls import Call, Outcome

VCC_ID = "782"
_CUSTOMER_HUNG_UP, _REP_HUNG_UP = "11", "12"
_SHOWN_HEAD, _SHOWN_TAIL = 3, 4


def mask(number: str) -> str:
    """Mask a number as the samples do: `185xxxx2456`."""
    hidden = len(number) - _SHOWN_HEAD - _SHOWN_TAIL
    if hidden <= 0:
        return number
    return number[:_SHOWN_HEAD] + "x" * hidden + number[-_SHOWN_TAIL:]


def search_record(call: Call, now: float, *, masked: bool) -> dict[str, JsonValue]:
    """Write a call as the search does; of a call in progress, what has happened until `now`.

    Such a call has `endTime` 0 and no seconds. Its `callresult` is what it has come to so far,
    and its `endresult` "0"; neither is documented.
    """

    def seen(moment: int) -> int:
        return moment if moment <= now else 0

    ended = call.has_ended(now)
    project, _, task = call.campaign.partition("/")
    rep_called = seen(call.rep_called)
    return {
        "vccId": VCC_ID,
        "projectId": project,
        "taskId": task,
        "callId": call.call_id,
        "caller": call.number,
        "called": mask(call.customer) if masked else call.customer,
        "calledAreacode": call.areacode,
        "calledAreaname": call.region,
        "calledType": "MOBILE",
        "calledVendor": call.carrier,
        "transCaller": call.number if rep_called else "",
        "transPhone": call.rep if rep_called else "",
        "transAreacode": "",
        "transAreaname": "",
        "transType": "",
        "transVendor": "",
        "startTimeEe": rep_called,
        "ringTimeEe": seen(call.rep_ringing),
        "answerTimeEe": seen(call.connected),
        "endTimeEe": seen(call.ended) if rep_called else 0,
        "startTime": int(call.started),
        "ringTime": seen(call.ringing),
        "ansTime": seen(call.answered),
        "endTime": seen(call.ended),
        "ansSecs": call.ended - call.answered if ended and call.answered else 0,
        "linkSecs": call.talk_seconds if ended else 0,
        "allSecs": call.ended - int(call.started) if ended else 0,
        "callresult": str(_result_so_far(call, now)),
        "endresult": _end_result(call) if ended else "0",
        "userData": {
            "tag": "autocall",
            "extId": call.call_id[-6:],
            "proid": project,
            "taskid": task,
        },
    }


def push_record(call: Call) -> dict[str, JsonValue]:
    """Write an ended call as the push does, in the order of the sample."""
    project, _, task = call.campaign.partition("/")
    return {
        "vcc_id": VCC_ID,
        "call_id": call.call_id,
        "caller": call.number,
        "called": call.customer,
        "called_areacode": call.areacode,
        "called_areaname": call.region,
        "called_type": "MOBILE",
        "called_vendor": call.carrier,
        "trans_caller": call.number if call.rep else "",
        "trans_phone": call.rep,
        "trans_areacode": "",
        "trans_areaname": "",
        "trans_type": "",
        "trans_vendor": "",
        "start_time_ee": str(call.rep_called),
        "ring_time_ee": str(call.rep_ringing),
        "answer_time_ee": str(call.connected),
        "end_time_ee": str(call.ended if call.rep else 0),
        "start_time": str(int(call.started)),
        "ring_time": str(call.ringing),
        "ans_time": str(call.answered),
        "link_time": str(call.connected),
        "end_time": str(call.ended),
        "ans_secs": str(call.ended - call.answered if call.answered else 0),
        "link_secs": str(call.talk_seconds),
        "all_secs": str(call.ended - int(call.started)),
        "callresult": str(int(call.outcome)),
        "endresult": _end_result(call),
        "call_context": "mc_transque",
        "call_exten": "ivr_in",
        "call_vars": f"trans_que=660,trans_pro={project}",
        "record_file": f"https://record.invalid/{call.call_id}.mp3" if call.connected else "",
        "user_data": {
            "_tag": "autocall:poc",
            "ext_id": call.call_id[-6:],
            "template_data": None,
            "proid": project,
            "taskid": task,
        },
        "trans_agent": [],
    }


def _result_so_far(call: Call, now: float) -> int:
    if call.has_ended(now):
        return int(call.outcome)
    if call.connected and call.connected <= now:
        return int(Outcome.CONNECTED)
    if call.answered and call.answered <= now:
        return int(Outcome.ABANDONED)
    return int(Outcome.UNANSWERED)


def _end_result(call: Call) -> str:
    return _CUSTOMER_HUNG_UP if call.hung_up_by_customer else _REP_HUNG_UP
