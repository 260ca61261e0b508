"""The opcodes are those of the platform."""

from __future__ import annotations

import pytest

from qqbot_sync.protocol.opcodes import Opcode
from tests.support import payload

TABLE = {
    0: "DISPATCH",
    1: "HEARTBEAT",
    2: "IDENTIFY",
    6: "RESUME",
    7: "RECONNECT",
    9: "INVALID_SESSION",
    10: "HELLO",
    11: "HEARTBEAT_ACK",
    12: "HTTP_CALLBACK_ACK",
    13: "HTTP_CALLBACK_VALIDATION",
}


def test_every_opcode_of_the_documents_is_there_and_no_other() -> None:
    assert {int(opcode): opcode.name for opcode in Opcode} == TABLE


@pytest.mark.parametrize(
    ("name", "opcode"),
    [
        ("ready", Opcode.DISPATCH),
        ("heartbeat", Opcode.HEARTBEAT),
        ("identify", Opcode.IDENTIFY),
        ("resume", Opcode.RESUME),
        ("hello", Opcode.HELLO),
        ("heartbeat_ack", Opcode.HEARTBEAT_ACK),
        ("webhook_callback_validation", Opcode.HTTP_CALLBACK_VALIDATION),
    ],
)
def test_the_captured_control_frames_carry_these_numbers(name: str, opcode: Opcode) -> None:
    assert payload(name)["op"] == opcode
