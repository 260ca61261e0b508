"""What must not be in a recording is not in it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from qqbot_sync import BotClient, Channel, Context, Environment, GatewayConfig, Simulator
from qqbot_sync.api.token import Token
from qqbot_sync.clock import SystemClock
from qqbot_sync.recording import Recorder, read
from qqbot_sync.recording.exchange import Paths
from qqbot_sync.recording.recording_http import RecordingHttp
from qqbot_sync.recording.scrubbing import Scrubber
from qqbot_sync.recording.tape import Tape
from tests.recording.support import record, replay, reports
from tests.secret_watch import SecretWatch
from tests.support import eventually


def test_neither_secret_nor_token_is_anywhere_in_the_file(
    tmp_path: Path, qq: Simulator, secret_watch: SecretWatch
) -> None:
    """Not even where a person writes them and the bot repeats them, and not the token that came after the first."""
    path = tmp_path / "r.jsonl"
    tokens: list[str] = []
    client = BotClient(qq.app_id, qq.secret, environment=Environment.local(qq.url), record=str(path))

    @client.on_message()
    def repeat(ctx: Context, message: Any) -> None:
        tokens.append(ctx.api.get_access_token())
        ctx.reply(f"{message.content} {tokens[-1]} {qq.secret}")

    client.start()
    assert qq.say("小明", "c2c", f"my secret is {qq.secret}!").replies(timeout=10)
    qq.expire_token()
    assert qq.say("小明", "c2c", f"and {tokens[0]}").replies(timeout=10)
    assert qq.say("小明", "c2c", "bye").replies(timeout=10)
    client.stop()
    # Here a person and the bot say them aloud: that a log at DEBUG shows what was said is not the question.
    secret_watch.take()
    assert len(set(tokens)) == 2
    data = path.read_bytes()
    for secret in (qq.secret, *tokens):
        assert secret.encode() not in data
    assert b"Authorization" not in data
    assert b"clientSecret" not in data
    assert b"getAppAccessToken" not in data
    assert b"my secret is ***!" in data
    assert any("***" in str(exchange.call.body) for exchange in read(path).exchanges)


def test_a_token_that_was_fetched_between_two_recordings_is_blanked_too(
    tmp_path: Path, qq: Simulator, secret_watch: SecretWatch
) -> None:
    """It is known from the first call that carries it."""
    client = BotClient(qq.app_id, qq.secret, environment=Environment.local(qq.url), record=str(tmp_path / "r.jsonl"))
    client.start()
    client.stop()
    qq.expire_token()
    client.api.me()
    token = client.api.get_access_token()
    client.start()
    client.send(Channel(qq.add_channel()), f"the token is {token}")
    client.stop()
    secret_watch.take()
    data = (tmp_path / "r-2.jsonl").read_bytes()
    assert b"the token is ***" in data
    assert token.encode() not in data


def test_a_token_is_known_before_it_is_used(qq: Simulator) -> None:
    """From the answer that brings it, which is not recorded itself."""
    environment = Environment.local(qq.url)
    recorder = Recorder("unused", clock=SystemClock(), scrubber=Scrubber())
    tape = cast(Tape, SimpleNamespace(scrubber=recorder.scrubber))
    http = RecordingHttp(lambda: tape, clock=SystemClock())
    http.paths = Paths(environment)
    token = Token(qq.app_id, qq.secret, environment, http, SystemClock()).get()
    assert recorder.scrubber.text(f"it is {token}") == "it is ***"
    http.close()


def test_texts_are_hidden_on_request_and_calls_are_found_all_the_same(tmp_path: Path, qq: Simulator) -> None:
    """Placeholders of the same length, on both sides; a replay of the same bot makes the same calls."""
    path = tmp_path / "r.jsonl"
    config = GatewayConfig(record_hide_texts=True)

    def play(client: BotClient) -> None:
        assert qq.say("小明", "group", "银行卡号 6222").replies(timeout=10)

    record(qq, path, play, config=config)
    text = path.read_text(encoding="utf-8")
    assert "银行" not in text
    assert "你说" not in text
    assert "6222" not in text
    diary, client = replay(path)
    assert [step[4] for steps in diary.values() for step in steps if step[3] == "said"] == ["xxxx xxxx"]
    assert reports(client).is_faithful


def test_the_recording_does_not_hold_up_a_bot_that_records_nothing(qq: Simulator) -> None:
    """Without `record` there is no other sink, no other HTTP and nobody who looks on."""
    client = BotClient(qq.app_id, qq.secret, environment=Environment.local(qq.url))
    client.start()
    eventually(client.is_connected)
    run = client._run
    assert run is not None
    assert type(run).__name__ == "Run"
    assert type(run._sink).__name__ == "EventSink"
    assert type(client.api.http).__name__ == "Http"
    assert client._dispatcher.witness is None
    client.stop()


def test_secrets_are_blanked_by_name_and_by_value() -> None:
    """In keys, in the middle of texts, in the form they have in a URL; what is too short for a secret stays."""
    scrubber = Scrubber("hunter/22", "abc")
    data = {"token": "x", "deep": [{"note": "it is hunter/22.", "hunter/22": "abc"}], "n": 1}
    assert scrubber.json(data) == {"token": "***", "deep": [{"note": "it is ***.", "***": "abc"}], "n": 1}
    assert scrubber.text("/path?key=hunter%2F22") == "/path?key=***"
    assert "hunter" not in repr(scrubber)


def test_the_right_to_write_to_an_address_is_not_kept() -> None:
    """The query of a presigned URL is a signature."""
    plan = {"parts": [{"presigned_url": "https://cos.example/a/b?sign=q&time=1"}]}
    assert Scrubber().json(plan) == {"parts": [{"presigned_url": "https://cos.example/a/b"}]}


def test_texts_are_hidden_wherever_they_stand() -> None:
    """Lists and objects below a hidden key included; ids, numbers and blanks stay."""
    hidden = Scrubber(hide_texts=True).json(
        {"id": "1", "content": "a b\n", "markdown": {"params": [{"values": ["x1"]}]}}
    )
    assert hidden == {"id": "1", "content": "x x\n", "markdown": {"params": [{"values": ["xx"]}]}}
