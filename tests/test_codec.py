"""Whatever the platform sends is read, and both ways of reading agree."""

from __future__ import annotations

import json
import threading
import types
from dataclasses import fields
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qqbot_sync import models as m
from qqbot_sync.codec import ModelDecoder, Raw, Undecodable, decode_envelope, decode_head, dumps, loads
from qqbot_sync.events import EVENTS, keys_of
from qqbot_sync.models._coerce import coerce
from tests.models.payloads import bodies
from tests.mutations import ODD, mutated, names_of
from tests.support import PAYLOADS

bounded = settings(
    max_examples=200, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
MODELS = [each for each in vars(m).values() if isinstance(each, type) and issubclass(each, m.Model)]
BODIES = bodies()
LONE_SURROGATE = b'"\\ud83d"'
BAD_UTF8 = b'"\xff\xfe\x80 ok"'


# --- envelopes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(PAYLOADS.glob("[!_]*.json")), ids=lambda path: path.stem)
def test_every_captured_frame_has_an_envelope(path: Any) -> None:
    frame = path.read_bytes()
    expected = json.loads(frame)
    envelope = decode_envelope(frame)
    assert (envelope.op, envelope.s, envelope.t, envelope.id) == (
        expected["op"], expected.get("s"), expected.get("t"), expected.get("id"),
    )  # fmt: skip
    assert loads(envelope.d) == expected.get("d")


@pytest.mark.parametrize(
    "d", [b'{"a":1}', b'""', b"null", b"[]", b"5", b"true", LONE_SURROGATE, BAD_UTF8, b"NaN", b'"\n"']
)
def test_whatever_the_body_is_the_envelope_is_read(d: bytes) -> None:
    envelope = decode_envelope(b'{"op":0,"s":3,"t":"X","id":"e","d":' + d + b"}")
    assert (envelope.op, envelope.s, envelope.t, envelope.id) == (0, 3, "X", "e")
    assert repr(loads(envelope.d)) == repr(loads(d))


def test_a_missing_body_is_null() -> None:
    assert bytes(decode_envelope(b'{"op":11}').d) == b"null"


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (b'{"op":"0","s":"12","t":"X","id":7,"d":1}', (0, 12, "X", "7")),
        (b'{"op":0.0,"s":12.0,"t":"X","id":null}', (0, 12, "X", None)),
        (b'{"op":null,"t":"X","s":"","id":[]}', (0, None, "X", None)),
        (b'{"t":"X","s":{}}', (0, None, "X", None)),
        (b'\xef\xbb\xbf{"op":10,"d":{}}', (10, None, None, None)),
        (b'{"op":0,"t":"\\ud800","s":1}', (0, 1, "\ud800", None)),
        (b'{"op":0,"t":"\xff","s":1}', (0, 1, "\ufffd", None)),
        (b'{"op":0,"op":9,"t":5,"new":[1]}', (9, None, "5", None)),
    ],
)
def test_odd_envelopes_are_read_for_what_they_mean(frame: bytes, expected: tuple[Any, ...]) -> None:
    envelope = decode_envelope(frame)
    assert (envelope.op, envelope.s, envelope.t, envelope.id) == expected


@pytest.mark.parametrize(
    "frame",
    [b"", b"{", b"[]", b"null", b'"x"', b"5", b"\xff", b"{}", b'{"op":"x"}', b'{"op":[]}', b'{"op":0' + b'"']
    + [b"[" * 200_000, b'{"op":0,"t":"X","d":' + b"[" * 200_000 + b"]" * 200_000 + b"}"],
    ids=lambda frame: repr(frame[:20]),
)  # fmt: skip
def test_what_is_no_frame_at_all_says_so(frame: bytes) -> None:
    with pytest.raises(Undecodable):
        decode_envelope(frame)


def test_two_hundred_nested_lists_are_no_reason_to_drop_an_event() -> None:
    nested = b"[" * 200 + b"]" * 200
    envelope = decode_envelope(b'{"op":0,"s":1,"t":"GUILD_CREATE","d":{"id":"1","name":' + nested + b"}}")
    assert ModelDecoder().decode(m.Guild, envelope.d) == m.Guild(id="1")
    assert loads(envelope.d)["id"] == "1"


def test_two_hundred_messages_inside_each_other_are_read() -> None:
    for odd, content in ((b'"m"', "m"), (b"7", "7")):
        body = b'{"content":' + odd + b',"msg_elements":['
        built = ModelDecoder().decode(m.MsgElement, body * 200 + b"]}" * 200)
        for _ in range(199):
            assert built.content == content
            (built,) = built.msg_elements


def test_messages_nested_deeper_than_the_stack_lose_only_the_innermost() -> None:
    body = b'{"content":7,"msg_elements":['
    built = ModelDecoder().decode(m.MsgElement, body * 450 + b"]}" * 450)
    assert built.content == "7"
    assert built.msg_elements[0].content == "7"


# --- plain JSON ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, Raw, lambda text: text.decode()])
def test_json_is_read_from_every_kind_of_buffer(kind: Any) -> None:
    assert loads(kind('{"a":["中",1,null]}'.encode())) == {"a": ["中", 1, None]}


def test_json_that_strict_readers_refuse_is_read() -> None:
    assert loads(b'{"a":"\\ud83d"}') == {"a": "\ud83d"}
    assert loads(b'{"a":"x\xffy"}') == {"a": "x\ufffdy"}
    assert loads(b'\xef\xbb\xbf{"a":1}') == {"a": 1}
    assert loads('"\ud83d"') == "\ud83d"
    assert loads(b'{"a":"x\n\x00y"}') == {"a": "x\n\x00y"}
    digits = "9" * 5000
    assert str(loads(digits.encode()))[:10] == "9" * 10 or loads(digits.encode()) == float("inf")


@bounded
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(alphabet=st.characters()),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20))  # fmt: skip
def test_what_is_written_is_read_back(value: Any) -> None:
    assert loads(dumps(value)) == value


def test_writing_is_compact_utf8_and_keeps_lone_surrogates() -> None:
    assert dumps({"a": "中", "b": [1, 2]}) == '{"a":"中","b":[1,2]}'.encode()
    assert dumps("\ud83d中") == b'"\\ud83d\\u4e2d"'


def test_models_are_written_without_what_is_not_set() -> None:
    button = m.Button(id="1", action=m.Action(type=m.ActionType.COMMAND, data="/x"))
    board = m.Keyboard(content=m.KeyboardContent(rows=[m.KeyboardRow(buttons=[button])]))
    assert loads(dumps({"keyboard": board, "empty": [], "nothing": None})) == {
        "keyboard": {"content": {"rows": [{"buttons": [{"id": "1", "action": {"type": 2, "data": "/x"}}]}]}},
        "empty": [],
        "nothing": None,
    }


def test_a_message_that_came_through_a_client_is_written_as_data() -> None:
    message = ModelDecoder().decode(m.Message, b'{"id":"1"}', event="AT_MESSAGE_CREATE")
    object.__setattr__(message, "_context", object())
    assert loads(dumps(message)) == {"id": "1", "content": ""}


def test_what_json_does_not_know_is_refused() -> None:
    with pytest.raises(TypeError, match="set"):
        dumps({"a": {1}})


# --- models ----------------------------------------------------------------------------------------------------------


def strict(model: type[m.Model], d: bytes) -> m.Model | None:
    """What the fast path alone makes of it; None when it refuses."""
    try:
        return msgspec.json.decode(d, type=model)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


@cache
def hints_of(model: type[m.Model]) -> dict[str, Any]:
    return get_type_hints(model)


def assert_well_typed(value: Any, hint: Any) -> None:
    """Every field holds what its annotation says, whatever was sent."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (types.UnionType, Union):
        fitting = [each for each in arguments if isinstance(value, get_origin(each) or each)]
        assert fitting, f"{value!r} is no {hint}"
        assert_well_typed(value, fitting[0])
        return
    assert hint is Any or type(value) is (origin or hint), f"{value!r} is no {hint}"
    if origin is list:
        for each in value:
            assert_well_typed(each, arguments[0])
    elif origin is dict:
        for key, each in value.items():
            assert type(key) is str
            assert_well_typed(each, arguments[1])
    elif isinstance(value, m.Model):
        hints = hints_of(hint)
        for field in fields(hint):
            assert_well_typed(getattr(value, field.name), hints[field.name])


@settings(bounded, max_examples=500)
@given(mutated())
def test_a_mutated_body_gives_its_model_and_both_paths_agree(case: tuple[str, type[m.Model], Any]) -> None:
    name, model, d = case
    text = json.dumps(d).encode()
    seen: list[tuple[str, str]] = []
    built = ModelDecoder(lambda event, field: seen.append((event, field))).decode(model, text, event=name)
    assert_well_typed(built, model)
    assert model.from_dict(built.to_dict()) == built
    reported: list[str] = []
    tolerant = coerce(model, loads(text), reported.append)
    assert tolerant == built
    fast = strict(model, text)
    if fast is not None:
        assert fast == tolerant
        assert reported == []
    else:
        assert sorted({field for _, field in seen}) == sorted(set(reported))
    assert len(seen) == len(set(seen))


@settings(bounded, max_examples=400)
@given(st.sampled_from(MODELS), st.data())
def test_every_field_takes_anything_and_both_paths_agree(model: type[m.Model], data: st.DataObject) -> None:
    names = names_of(model)
    d = {name: data.draw(st.sampled_from(ODD)) for name in (names and data.draw(st.lists(st.sampled_from(names))))}
    text = json.dumps(d).encode()
    fast, tolerant = strict(model, text), coerce(model, loads(text))
    assert_well_typed(tolerant, model)
    assert fast is None or fast == tolerant


@pytest.mark.parametrize("spec", [spec for spec in EVENTS.values() if spec.model], ids=lambda spec: spec.name)
@pytest.mark.parametrize(
    "d",
    [b'""', b"null", b"[]", b"5", b"true", b"{}", b"1e999", LONE_SURROGATE, BAD_UTF8, b"[" * 200 + b"]" * 200, b"{"],
)
def test_a_handler_of_a_known_event_always_gets_its_model(spec: Any, d: bytes) -> None:
    seen: list[tuple[str, str]] = []
    built = ModelDecoder(lambda event, field: seen.append((event, field))).decode(spec.model, d, event=spec.name)
    assert built == spec.model()
    assert seen == ([] if d == b"{}" else [(spec.name, "")])
    assert keys_of(spec.name, d, "e").dedupe_id == "e"


def test_bad_text_inside_a_body_costs_only_itself() -> None:
    seen: list[tuple[str, str]] = []
    decoder = ModelDecoder(lambda event, field: seen.append((event, field)))
    built = decoder.decode(m.Message, b'{"id":"1","content":' + LONE_SURROGATE + b"}", event="E")
    assert (built.id, built.content) == ("1", "\ud83d")
    built = decoder.decode(m.Message, b'{"id":"1","content":' + BAD_UTF8 + b"}", event="E")
    assert (built.id, built.content) == ("1", "\ufffd\ufffd\ufffd ok")
    assert seen == [("E", ""), ("E", "")]


def test_mismatches_are_told_once_per_field_with_their_dotted_name() -> None:
    seen: list[tuple[str, str]] = []
    ModelDecoder(lambda event, field: seen.append((event, field))).decode(
        m.QQMessage,
        b'{"id":5,"content":null,"author":{"bot":"maybe"},"mentions":[{"id":1},{"id":2}],"ark_data":{"fields":{"a":1}}}',
        event="GROUP_MESSAGE_CREATE",
    )
    fields = ["ark_data.fields", "author.bot", "content", "id", "mentions.id"]
    assert seen == [("GROUP_MESSAGE_CREATE", field) for field in fields]


def test_what_fits_no_field_gives_way_to_the_default_and_what_fits_no_list_is_left_out() -> None:
    body = (
        b'{"id":true,"content":[],"seq":"x","mentions":[{"id":"1"},null,"",{"id":"2"}],"member":{"roles":["1",null]}}'
    )
    built = ModelDecoder().decode(m.Message, body)
    assert built == m.Message(mentions=[m.User(id="1"), m.User(id="2")], member=m.Member(roles=["1"]))
    assert ModelDecoder().decode(m.ARKData, b'{"fields":{"a":"1","b":null}}').fields == {"a": "1"}


def test_a_whole_number_is_a_float_without_being_a_mismatch() -> None:
    seen: list[str] = []
    decoder = ModelDecoder(lambda _event, field: seen.append(field))
    built = decoder.decode(m.ImageElem, b'{"width_percent":1,"third_url":null}')
    assert (built.width_percent, type(built.width_percent)) == (1.0, float)
    assert seen == ["third_url"]


def test_null_is_a_mismatch_only_where_the_model_has_no_none() -> None:
    seen: list[str] = []
    decoder = ModelDecoder(lambda _event, field: seen.append(field))
    assert decoder.decode(m.Message, b'{"id":null,"author":null,"timestamp":null}') == m.Message()
    assert seen == []
    assert decoder.decode(m.Message, b'{"content":null,"mentions":null}') == m.Message()
    assert seen == ["content", "mentions"]


def test_numbers_of_thousands_of_digits_are_no_reason_to_drop_an_event() -> None:
    body = b'{"id":' + b"9" * 5000 + b',"content":"hi","seq":' + b"9" * 5000 + b"}"
    assert ModelDecoder().decode(m.Message, body).content == "hi"
    assert keys_of("AT_MESSAGE_CREATE", body, "e").conversation == ""


def test_a_decoder_serves_many_threads() -> None:
    decoder, failures = ModelDecoder(), []

    def work() -> None:
        for _ in range(50):
            for _name, model, d in BODIES[:20]:
                if decoder.decode(model, json.dumps(d).encode()) != coerce(model, d):
                    failures.append(model)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


@bounded
@given(mutated())
def test_the_head_of_any_body_is_read_as_its_model_is(case: tuple[str, type[m.Model], Any]) -> None:
    _name, _model, d = case
    head = decode_head(json.dumps(d).encode())
    if isinstance(d, dict) and isinstance(d.get("id"), (str, int)) and not isinstance(d.get("id"), bool):
        assert head.id == d["id"]


def test_a_bool_is_no_id() -> None:
    assert decode_head(b'{"id":true,"guild_id":2,"author":{"id":false}}') == decode_head(b'{"guild_id":2}')


def test_bytes_that_are_no_json_have_an_empty_head() -> None:
    assert decode_head(b"{") == decode_head(b"[]") == decode_head(b"null") == decode_head(b'{"id":[]}')
