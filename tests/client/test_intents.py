"""Intents: derived, required and wished for, refused and given up, rung by rung."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from qqbot_sync import Context, EventHandler, Intents, InvalidIntents, Simulator
from qqbot_sync.models import Message
from tests.client.conftest import MakeClient

MESSAGES = Intents.DIRECT_MESSAGE | Intents.GROUP_AND_C2C_EVENT | Intents.PUBLIC_GUILD_MESSAGES


def nothing(ctx: Context, event: Any) -> None: ...


def identified(qq: Simulator) -> list[int]:
    """The intents of every Identify, accepted or turned away."""
    return [entry["intents"] for entry in qq.log if entry["kind"] == "identified"]


class TestDerived:
    def test_on_message_wishes_for_direct_group_and_mentions(self, qq: Simulator, make_client: MakeClient) -> None:
        client = make_client(qq)
        client.on_message()(nothing)
        assert client.intents == MESSAGES

    def test_a_name_requires_its_bit(self, qq: Simulator, make_client: MakeClient) -> None:
        client = make_client(qq)
        client.on("MESSAGE_CREATE")(nothing)
        assert client.intents == Intents.GUILD_MESSAGES

    def test_a_model_wishes_but_never_for_a_privileged_bit(self, qq: Simulator, make_client: MakeClient) -> None:
        client = make_client(qq)
        client.on(Message)(nothing)
        assert client.intents == Intents.DIRECT_MESSAGE | Intents.PUBLIC_GUILD_MESSAGES

    def test_a_join_request_requires_25_and_wishes_for_24(self, qq: Simulator, make_client: MakeClient) -> None:
        client = make_client(qq)
        client.on("GROUP_JOIN_REQUEST")(nothing)
        assert client.intents == Intents.GROUP_AND_C2C_EVENT | Intents.GROUP_MEMBER_EVENT

    def test_overridden_methods_require_their_bits(self, qq: Simulator, make_client: MakeClient) -> None:
        class Handler(EventHandler):
            def guild_create(self, ctx: Context, guild: Any) -> None: ...
            def interaction_create(self, ctx: Context, interaction: Any) -> None: ...

        client = make_client(qq, handler=Handler())
        assert client.intents == Intents.GUILDS | Intents.INTERACTION

    @pytest.mark.parametrize("hook", [None, "on_raw", "on_ready", "on_error"])
    def test_without_a_handler_for_events_it_asks_for_the_default(
        self, qq: Simulator, make_client: MakeClient, hook: str | None
    ) -> None:
        client = make_client(qq)
        if hook is not None:
            getattr(client, hook)(nothing)
        assert client.intents == Intents.default()

    def test_the_derived_intents_of_a_message_bot_are_granted_to_a_public_bot(
        self, qq: Simulator, make_client: MakeClient
    ) -> None:
        client = make_client(qq)
        client.on_message()(nothing)
        client.start()
        assert identified(qq) == [int(MESSAGES)]


class TestRefused:
    @pytest.mark.parametrize(
        ("granted", "left"),
        [
            (~Intents.GROUP_AND_C2C_EVENT, Intents.DIRECT_MESSAGE | Intents.PUBLIC_GUILD_MESSAGES),
            (~Intents.DIRECT_MESSAGE, Intents.GROUP_AND_C2C_EVENT | Intents.PUBLIC_GUILD_MESSAGES),
            (Intents.GROUP_AND_C2C_EVENT, Intents.GROUP_AND_C2C_EVENT),
        ],
        ids=["guild-only", "no-direct", "group-only"],
    )
    def test_wishes_are_given_up_one_rung_after_the_other(
        self, make_client: MakeClient, granted: Intents, left: Intents, caplog: pytest.LogCaptureFixture
    ) -> None:
        with Simulator(grant=Intents.all() & granted) as qq:
            client = make_client(qq)
            client.on_message()(nothing)
            client.start(timeout=60)
            assert client.intents == left
            assert client.is_connected()
            warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
            assert any("q.qq.com" in warning for warning in warnings)
            assert identified(qq) == [int(left)]
            client.stop()
            refusals = len([entry for entry in qq.log if entry["kind"] == "turned_away"])
            client.start()
            assert len([entry for entry in qq.log if entry["kind"] == "turned_away"]) == refusals, "remembered"
            client.stop()

    def test_a_required_bit_is_never_given_up(self, make_client: MakeClient) -> None:
        with Simulator(grant=Intents.default()) as qq:
            client = make_client(qq)

            @client.on("MESSAGE_CREATE")
            def everything(ctx: Context, message: Any) -> None: ...

            client.on_message()(nothing)
            with pytest.raises(InvalidIntents) as caught:
                client.start(timeout=60)
            assert "GUILD_MESSAGES" in str(caught.value)
            assert "everything" in str(caught.value)
            assert "q.qq.com" in str(caught.value)

    def test_intents_given_by_hand_are_not_reduced(self, make_client: MakeClient) -> None:
        with Simulator(grant=Intents.GUILDS) as qq:
            client = make_client(qq, intents=Intents.GUILDS | Intents.GUILD_MEMBERS)
            with pytest.raises(InvalidIntents, match="intents="):
                client.start()

    def test_nothing_left_to_ask_for_is_an_error(self, make_client: MakeClient) -> None:
        with Simulator(grant=Intents.GUILDS) as qq:
            client = make_client(qq)
            client.on_message(scene="group")(nothing)
            with pytest.raises(InvalidIntents):
                client.start()


class TestTooLate:
    def test_a_handler_whose_bit_is_off_is_warned_of_with_file_and_line(
        self, qq: Simulator, make_client: MakeClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        client = make_client(qq)
        client.on("GROUP_AT_MESSAGE_CREATE")(nothing)
        client.start()

        @client.on("GUILD_CREATE")
        def late(ctx: Context, guild: Any) -> None: ...

        (warning,) = [record.getMessage() for record in caplog.records if "late" in record.getMessage()]
        assert "test_intents.py:" in warning
        assert "GUILDS" in warning

    def test_wait_for_and_events_raise(self, qq: Simulator, make_client: MakeClient) -> None:
        client = make_client(qq)
        client.on("GROUP_AT_MESSAGE_CREATE")(nothing)
        client.start()
        for call in (lambda: client.wait_for("GUILD_CREATE", timeout=1), lambda: client.events("GUILD_CREATE")):
            with pytest.raises(InvalidIntents, match="GUILDS"):
                call()

    def test_events_before_the_start_require_their_bits(self, qq: Simulator, make_client: MakeClient) -> None:
        client = make_client(qq)
        with client.events("GUILD_CREATE") as watch:
            assert client.intents == Intents.GUILDS
            client.start()
            qq.push("GUILD_CREATE", {"id": "1", "name": "x"})
            assert next(watch).event.name == "x"
