"""`check_intents()`: what is proven, by evidence alone or by asking; and the error that says what to do."""

from __future__ import annotations

import dataclasses
import threading
from typing import Any

import pytest

from qqbot_sync import (
    AlreadyRunning,
    AuthenticationFailed,
    BotClient,
    Context,
    Environment,
    InsufficientPermissions,
    IntentReport,
    Intents,
    InvalidIntents,
    RateLimited,
    Simulator,
)
from qqbot_sync.client import running
from qqbot_sync.lockfile import LockFile
from qqbot_sync.store import SqliteStore
from tests.api.support import Peer as HttpPeer
from tests.api.support import reply
from tests.client.conftest import MakeClient
from tests.gateway.support import Peer, Wire
from tests.support import eventually

CHINESE = "[\u4e00-\u9fff]"
MESSAGES = Intents.DIRECT_MESSAGE | Intents.GROUP_AND_C2C_EVENT | Intents.PUBLIC_GUILD_MESSAGES
NOTHING = Intents.none()


def nothing(ctx: Context, event: Any) -> None: ...


def identifies(qq: Simulator) -> int:
    return len(qq.entries(kinds=("identified", "turned_away")))


class TestEvidence:
    """Without `probe` nobody is asked."""

    def test_before_the_first_start_nothing_is_known(self, qq: Simulator, make_client: MakeClient) -> None:
        client = make_client(qq)
        client.on_message()(nothing)
        report = client.check_intents()
        assert (report.granted, report.refused, report.unknown) == (NOTHING, NOTHING, Intents.all())
        assert report.needed == report.missing == MESSAGES
        assert qq.log == []

    def test_ready_proves_what_was_asked_for(self, qq: Simulator, make_client: MakeClient) -> None:
        client = make_client(qq)
        client.on_message()(nothing)
        client.start()
        for report in (client.check_intents(), client.check_intents(probe=True)):
            assert (report.granted, report.refused) == (MESSAGES, NOTHING)
            assert report.unknown == Intents.all() & ~MESSAGES
            report.raise_for_missing()
        assert identifies(qq) == 1, "a running client is not disturbed"

    def test_it_is_remembered_after_the_stop(self, qq: Simulator, make_client: MakeClient) -> None:
        client = make_client(qq)
        client.on_message()(nothing)
        client.start()
        client.stop()
        assert client.check_intents().granted == MESSAGES

    def test_what_was_given_up_at_the_start_is_refused(self, make_client: MakeClient) -> None:
        with Simulator(grant=Intents.all().without_group_and_c2c_event()) as qq:
            client = make_client(qq)
            client.on_message()(nothing)
            client.start(timeout=60)
            report = client.check_intents()
            assert report.refused == report.missing == Intents.GROUP_AND_C2C_EVENT
            assert report.granted == MESSAGES.without_group_and_c2c_event()
            client.stop()
            assert client.check_intents() == report

    def test_a_start_that_failed_for_its_intents_tells_which(self, make_client: MakeClient) -> None:
        with Simulator(grant=Intents.default()) as qq:
            client = make_client(qq)
            client.on("MESSAGE_CREATE")(nothing)
            with pytest.raises(InvalidIntents):
                client.start()
            eventually(lambda: client.check_intents().refused == Intents.GUILD_MESSAGES)

    def test_a_start_that_failed_for_another_reason_proves_nothing(
        self, qq: Simulator, make_client: MakeClient
    ) -> None:
        client = BotClient(qq.app_id, "wrong-secret", environment=Environment.local(qq.url))
        client.on_message()(nothing)
        with pytest.raises(AuthenticationFailed):
            client.start()
        report = client.check_intents()
        assert (report.granted, report.refused) == (NOTHING, NOTHING)

    def test_a_resumed_session_proves_what_it_was_identified_with(
        self, qq: Simulator, make_client: MakeClient, tmp_path: Any
    ) -> None:
        for _ in range(2):
            client = make_client(qq, store=SqliteStore(tmp_path / "bot.db"))
            client.on_message()(nothing)
            client.start()
            assert client.check_intents().granted == MESSAGES
            client.stop()
        assert identifies(qq) == 1

    def test_intents_by_hand_are_what_is_needed(self, qq: Simulator, make_client: MakeClient) -> None:
        client = make_client(qq, intents=Intents.GUILDS)
        client.on_message()(nothing)
        client.start()
        report = client.check_intents()
        assert (report.needed, report.granted) == (Intents.GUILDS, Intents.GUILDS)


class TestProbe:
    def test_it_asks_for_what_the_handlers_would_like(self, make_client: MakeClient) -> None:
        with Simulator(grant=Intents.default().without_direct_message()) as qq:
            client = make_client(qq)
            client.on_message()(nothing)
            report = client.check_intents(probe=True)
            assert report.granted == MESSAGES.without_direct_message()
            assert report.refused == Intents.DIRECT_MESSAGE
            assert report.unknown == Intents.all() & ~MESSAGES
            assert client.check_intents() == report, "remembered"

    def test_one_identify_is_enough_where_all_is_granted(self, qq: Simulator, make_client: MakeClient) -> None:
        client = make_client(qq)
        client.on_message()(nothing)
        client.check_intents(probe=True).raise_for_missing()
        assert identifies(qq) == 1

    def test_it_can_be_asked_for_other_bits(self, qq: Simulator, make_client: MakeClient) -> None:
        client = make_client(qq)
        report = client.check_intents(probe=True, intents=Intents.GUILD_MESSAGES)
        assert report.refused == Intents.GUILD_MESSAGES
        assert report.needed == Intents.default(), "what a client without handlers asks for"

    def test_it_asks_anew_for_what_it_knows(self, make_client: MakeClient) -> None:
        """A right may have been granted since."""
        with Simulator(grant=Intents.default()) as qq:
            client = make_client(qq)
            client.on("MESSAGE_CREATE")(nothing)
            assert client.check_intents(probe=True).refused == Intents.GUILD_MESSAGES
            qq.grant = Intents.all()
            assert client.check_intents(probe=True).granted == Intents.GUILD_MESSAGES

    def test_the_client_can_be_started_afterwards(self, qq: Simulator, make_client: MakeClient) -> None:
        client = make_client(qq)
        client.on_message()(nothing)
        client.check_intents(probe=True)
        assert running.take(running.Identity(qq.app_id, qq.url, client.config.shard_configs()), client) is None
        client.start()
        assert client.is_connected()

    def test_a_start_meanwhile_ends_it(self) -> None:
        """The bot comes first, and tells what the probe had not learned by then. Two probes at once are refused."""
        began, over = threading.Event(), threading.Event()

        def script(wire: Wire) -> None:
            wire.handshake()
            if not began.is_set():
                # The probe: it never hears Hello.
                began.set()
                over.wait(20)
                return
            wire.send(op=10, d={"heartbeat_interval": 45000})
            wire.json()
            wire.send(op=0, s=1, t="READY", d={"session_id": "S", "user": {"id": "7"}, "shard": [0, 1]})
            while wire.json():
                wire.send(op=11)

        http = HttpPeer()
        with Peer(script) as peer:
            http.default = reply({"url": peer.url, "shards": 1})
            client = BotClient("102000001", "a-secret", environment=http.environment)
            client.on_message()(nothing)
            reports: list[IntentReport] = []
            prober = threading.Thread(target=lambda: reports.append(client.check_intents(probe=True)))
            prober.start()
            assert began.wait(20)
            with pytest.raises(AlreadyRunning, match="another thread"):
                client.check_intents(probe=True)
            client.start(timeout=60)
            prober.join(20)
            assert [report.granted for report in reports] == [NOTHING]
            assert client.check_intents().granted == MESSAGES
            client.stop()
            over.set()
        http.close()

    def test_causes_that_have_nothing_to_do_with_intents_are_raised(self, qq: Simulator) -> None:
        wrong = BotClient(qq.app_id, "wrong-secret", environment=Environment.local(qq.url))
        with pytest.raises(AuthenticationFailed):
            wrong.check_intents(probe=True)
        client = BotClient(qq.app_id, qq.secret, environment=Environment.local(qq.url))
        qq.start_limit(remaining=0)
        with pytest.raises(RateLimited):
            client.check_intents(probe=True)
        qq.start_limit(remaining=100)
        client.check_intents(probe=True)

    def test_a_bot_that_runs_elsewhere_is_left_alone(self, qq: Simulator, make_client: MakeClient) -> None:
        """In another client of this process, or in another process: a second Identify might end its session."""
        first, second = make_client(qq), make_client(qq)
        first.start()
        with pytest.raises(AlreadyRunning, match="that one"):
            second.check_intents(probe=True)
        first.stop()
        (lock,) = [LockFile(part) for part in running.Identity(qq.app_id, qq.url, first.config.shard_configs()).parts()]
        assert lock.take()
        with pytest.raises(AlreadyRunning, match="another process"):
            second.check_intents(probe=True)
        lock.release()
        second.check_intents(probe=True)

    @pytest.mark.parametrize("wrong", [5, "GUILDS"])
    def test_what_is_no_intents_is_refused(self, qq: Simulator, make_client: MakeClient, wrong: Any) -> None:
        with pytest.raises(TypeError, match=f"{CHINESE}.* / intents must be Intents"):
            make_client(qq).check_intents(intents=wrong)


class TestRaiseForMissing:
    REPORT = IntentReport(
        granted=Intents.GUILDS,
        refused=Intents.GUILD_MESSAGES,
        unknown=Intents.all() & ~(Intents.GUILDS | Intents.GUILD_MESSAGES),
        needed=Intents.GUILDS | Intents.GUILD_MESSAGES,
        handlers={Intents.GUILD_MESSAGES: ("bot.everything",), Intents.GUILDS: ("bot.guilds",)},
    )

    def test_what_is_granted_is_no_error(self) -> None:
        self.REPORT.raise_for_missing(Intents.GUILDS)
        self.REPORT.raise_for_missing(NOTHING)

    def test_the_error_names_bits_events_handlers_and_the_remedy(self) -> None:
        with pytest.raises(InsufficientPermissions) as caught:
            self.REPORT.raise_for_missing()
        text = str(caught.value)
        for expected in ("GUILD_MESSAGES", "MESSAGE_CREATE, MESSAGE_DELETE", "bot.everything", "q.qq.com"):
            assert expected in text
        assert "private-domain" in text
        assert "私域" in text
        assert "bot.guilds" not in text, "that one will hear its events"

    def test_what_is_not_known_is_not_called_refused(self) -> None:
        with pytest.raises(InsufficientPermissions) as caught:
            self.REPORT.raise_for_missing(Intents.GROUP_AND_C2C_EVENT)
        assert "not known yet" in str(caught.value)
        assert "check_intents(probe=True)" in str(caught.value)
        assert "refused" not in str(caught.value)
        assert "will not come" not in str(caught.value)

    @pytest.mark.parametrize("bit", list(Intents), ids=str)
    def test_every_bit_has_events_and_a_remedy_in_both_languages(self, bit: Intents) -> None:
        report = IntentReport(NOTHING, bit, NOTHING)
        with pytest.raises(InsufficientPermissions, match=f"{CHINESE}.* / .*q\\.qq\\.com") as caught:
            report.raise_for_missing(bit)
        assert "will not come: ?" not in str(caught.value)

    def test_what_is_no_intents_is_refused(self) -> None:
        with pytest.raises(TypeError, match="needed must be Intents"):
            self.REPORT.raise_for_missing(513)  # type: ignore[arg-type]


def test_a_report_is_a_value() -> None:
    """Frozen, equal by content, readable."""
    report = IntentReport(Intents.GUILDS, Intents.GUILD_MESSAGES, NOTHING)
    assert report == IntentReport(Intents.GUILDS, Intents.GUILD_MESSAGES, NOTHING)
    with pytest.raises(dataclasses.FrozenInstanceError):
        report.granted = Intents.all()  # type: ignore[misc]
    assert str(report).splitlines() == [
        "已批准 / granted: GUILDS",
        "被拒绝 / refused: GUILD_MESSAGES",
        "未得知 / unknown: –",
    ]
