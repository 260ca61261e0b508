"""Every code of the platform, over real HTTP: the class it raises, and what the error tells the user."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from qqbot_sync.api import Api, PendingAudit
from qqbot_sync.errors import ApiError, BotError, RateLimited
from qqbot_sync.protocol.error_codes import AUDIT_CODES, ERROR_CODES, IP_WHITELIST_CODES, TOKEN_CODES
from qqbot_sync.protocol.replies import Channel
from tests.api.support import Peer, reply

TABLE = Path(__file__).parents[1] / "data" / "error_codes.tsv"
CODES = sorted(
    {int(row["code"]) for row in csv.DictReader(TABLE.read_text("utf-8").splitlines(), delimiter="\t")}
    | set(ERROR_CODES)
)
REFUSALS = [code for code in CODES if code not in AUDIT_CODES]


def test_every_code_is_raised_as_what_it_is_and_says_what_to_do(peer: Peer, api: Api) -> None:
    api.pace.pacing = "off"
    for code in REFUSALS:
        known = ERROR_CODES[code]
        for status in (200, 400, 500):
            answer = reply({"err_code": code, "message": "said", "trace_id": "t-1"}, status)
            tries = 2 if code in TOKEN_CODES - IP_WHITELIST_CODES else 1
            peer.requests.clear()
            peer.say(*[answer] * tries)
            with pytest.raises(known.error) as caught:
                api.delete_panel("P")
            error = caught.value
            assert type(error) is known.error, code
            assert isinstance(error, ApiError)
            assert (error.code, error.status, error.trace_id, error.message) == (code, status, "t-1", "said")
            assert (error.method, error.path, error.retryable) == ("DELETE", "/v2/panels/P", known.is_retryable)
            assert error.hint == known.hint
            assert " / " in str(error.hint), code
            assert len(peer.requests) == tries
            if isinstance(error, RateLimited):
                assert error.retry_after > 0


@pytest.mark.parametrize("code", sorted(AUDIT_CODES))
@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_message_under_review_is_no_error(peer: Peer, api: Api, code: int, status: int) -> None:
    peer.say(reply({"code": code, "message": "audit", "data": {"message_audit": {"audit_id": "A"}}}, status))
    pending = api.send(Channel("C"), "x")
    assert isinstance(pending, PendingAudit)
    assert (pending.id, pending.audit_id) == (None, "A")
    with pytest.raises(BotError):
        pending.recall()
