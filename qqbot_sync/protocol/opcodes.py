"""The opcodes of the gateway and of the webhook.

https://bot.q.qq.com/wiki/develop/api-v2/dev-prepare/interface-framework/opcode.html
"""

from __future__ import annotations

from enum import IntEnum

__all__ = ["Opcode"]


class Opcode(IntEnum):
    """What a frame is. "Receive" and "send" are seen from the bot."""

    DISPATCH = 0
    """Receive: an event; the only frame with `s` and `t`."""
    HEARTBEAT = 1
    """Send, with the latest `s` or null; received, it asks for a heartbeat at once."""
    IDENTIFY = 2
    """Send: begins a new session with token, intents and shard."""
    RESUME = 6
    """Send: goes on with a session; everything after `seq` is replayed."""
    RECONNECT = 7
    """Receive: routine; come back on a new connection and resume."""
    INVALID_SESSION = 9
    """Receive: the Identify or Resume was refused; a close frame often tells why."""
    HELLO = 10
    """Receive: the first frame of a connection, with the heartbeat interval in milliseconds."""
    HEARTBEAT_ACK = 11
    """Receive: a heartbeat has arrived."""
    HTTP_CALLBACK_ACK = 12
    """Webhook, reply: 0 received, 1 send it again."""
    HTTP_CALLBACK_VALIDATION = 13
    """Webhook, receive: prove that the callback address is yours."""
