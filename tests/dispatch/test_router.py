"""Registering handlers: what is accepted, who hears what, which intents follow."""

from __future__ import annotations

import functools
import logging
import threading
from typing import Any

import pytest

from qqbot_sync import models
from qqbot_sync.dispatch import EventHandler, MessageFilter, Router, names_of
from qqbot_sync.events import EVENTS, Event
from qqbot_sync.intents import PRIVILEGED, Intents
from qqbot_sync.protocol import replies
from tests.dispatch.support import GROUP, Ctx, an_event

MESSAGES = {
    "AT_MESSAGE_CREATE",
    "MESSAGE_CREATE",
    "DIRECT_MESSAGE_CREATE",
    "GROUP_AT_MESSAGE_CREATE",
    "GROUP_MESSAGE_CREATE",
    "C2C_MESSAGE_CREATE",
}


def handler(ctx: Any, event: Any) -> None:
    """A handler like any other."""


class Callable2:
    def __call__(self, ctx: Any, event: Any) -> None: ...

    def method(self, ctx: Any, event: Any) -> None: ...


class AsyncCallable:
    async def __call__(self, ctx: Any, event: Any) -> None: ...


async def coroutine(ctx: Any, event: Any) -> None: ...


def generator(ctx: Any, event: Any) -> Any:
    yield


def wrapped(fn: Any) -> Any:
    @functools.wraps(fn)
    def inner(*args: Any) -> Any:
        return fn(*args)

    return inner


@pytest.mark.parametrize(
    "fn",
    [
        handler,
        lambda ctx, event: None,
        lambda *args: None,
        lambda ctx, event, extra=1: None,
        Callable2(),
        Callable2().method,
        functools.partial(lambda a, ctx, event: None, 1),
        wrapped(handler),
        print,
        max,
    ],
)
def test_everything_that_takes_two_arguments_is_a_handler(fn: Any) -> None:
    router = Router()
    entry = router.add("event", fn, event=GROUP)
    assert router.handlers_for(GROUP) == (entry,)
    assert entry.name
    assert ":" in entry.where


@pytest.mark.parametrize(
    ("fn", "said"),
    [
        (None, "callable"),
        ("handler", "callable"),
        (Callable2, "callable"),
        (lambda: None, r"\(ctx, event\)"),
        (lambda ctx: None, r"\(ctx, event\)"),
        (lambda ctx, event, third: None, r"\(ctx, event\)"),
        (lambda ctx, event, *, key: None, r"\(ctx, event\)"),
        (Callable2.method, r"\(ctx, event\)"),
        (coroutine, "async"),
        (functools.partial(coroutine), "async"),
        (AsyncCallable(), "async"),
        (generator, "yield"),
    ],
)
def test_what_could_never_be_called_is_refused_at_once(fn: Any, said: str) -> None:
    router = Router()
    with pytest.raises(TypeError, match=said):
        router.add("event", fn, event=GROUP)
    assert not router.registrations


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("message", "ctx, message"),
        ("raw", "ctx, envelope"),
        ("start", "ctx, ready"),
        ("ready", "ctx, ready"),
        ("resumed", "ctx, nothing"),
        ("error", "ctx, error"),
    ],
)
def test_the_refusal_shows_the_form_that_is_expected(kind: Any, form: str) -> None:
    with pytest.raises(TypeError, match=form):
        Router().add(kind, lambda ctx: None)


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_every_event_of_the_table_can_be_named_and_requires_its_bits(name: str) -> None:
    for event in (name, f" {name.lower()} ", Event(name)):
        router = Router()
        router.add("event", handler, event=event)
        assert router.hears(name)
        assert router.required() == EVENTS[name].intents
        assert router.wished() == EVENTS[name].wishes


def test_a_join_request_requires_25_and_wishes_for_24() -> None:
    router = Router()
    router.add("event", handler, event="GROUP_JOIN_REQUEST")
    assert router.required() == Intents.GROUP_AND_C2C_EVENT
    assert router.wished() == Intents.GROUP_MEMBER_EVENT


def test_a_model_class_means_every_event_that_carries_it_and_only_wishes() -> None:
    router = Router()
    router.add("event", handler, event=models.Message)
    assert [name for name in EVENTS if router.hears(name)] == [
        "MESSAGE_CREATE",
        "DIRECT_MESSAGE_CREATE",
        "AT_MESSAGE_CREATE",
    ]
    assert router.required() == Intents.none()
    assert router.wished() == Intents.DIRECT_MESSAGE | Intents.PUBLIC_GUILD_MESSAGES


@pytest.mark.parametrize("name", [name for name, spec in EVENTS.items() if spec.model is not None])
def test_no_model_class_ever_asks_for_what_must_be_applied_for(name: str) -> None:
    router, model = Router(), EVENTS[name].model
    router.add("event", handler, event=model)
    assert router.hears(name)
    assert not router.wished() & PRIVILEGED
    assert router.required() == Intents.none()


def test_a_model_that_only_comes_with_privileges_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    Router().add("event", handler, event=models.Thread)
    assert "FORUM_THREAD_CREATE" in caplog.text
    assert "test_router.py" in caplog.text


@pytest.mark.parametrize(
    ("event", "error", "said"),
    [
        ("", ValueError, "empty"),
        ("  ", ValueError, "empty"),
        (3, TypeError, "event"),
        (None, TypeError, "event"),
        (int, TypeError, "event"),
        (replies.Channel, TypeError, "from qqbot_sync.models import Channel"),
        (replies.User("u"), TypeError, "from qqbot_sync.models import User"),
        (models.User, TypeError, "no event carries"),
        (models.Model, TypeError, "no event carries"),
    ],
)
def test_what_is_no_event_is_refused_with_the_fix(event: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        names_of(event)


def test_a_nearly_right_name_is_registered_and_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    router = Router()
    router.add("event", handler, event="GROUP_AT_MESSAGES_CREATE")
    assert router.hears("GROUP_AT_MESSAGES_CREATE")
    assert "did you mean GROUP_AT_MESSAGE_CREATE" in caplog.text
    assert "test_router.py" in caplog.text


def test_an_unknown_name_is_legal_and_silent(caplog: pytest.LogCaptureFixture) -> None:
    router = Router()
    router.add("event", handler, event="SOMETHING_NEW")
    assert router.hears("SOMETHING_NEW")
    assert router.required() == Intents.none()
    assert not caplog.records


def test_on_message_hears_the_six_kinds_of_messages_and_wishes_for_three_bits() -> None:
    router = Router()
    router.add("message", handler)
    assert {name for name in EVENTS if router.hears(name)} == MESSAGES
    assert router.required() == Intents.none()
    assert router.wished() == Intents.DIRECT_MESSAGE | Intents.GROUP_AND_C2C_EVENT | Intents.PUBLIC_GUILD_MESSAGES


def test_a_scene_narrows_events_and_wishes() -> None:
    router = Router()
    router.add("message", handler, filter=MessageFilter.of(scene=("group", "c2c")))
    assert {name for name in EVENTS if router.hears(name)} == {name for name in MESSAGES if "GROUP" in name} | {
        "C2C_MESSAGE_CREATE"
    }
    assert router.wished() == Intents.GROUP_AND_C2C_EVENT


def test_a_required_bit_is_no_wish_any_more_and_names_its_handlers() -> None:
    router = Router()
    router.add("message", handler)
    router.add("event", Callable2().method, event=GROUP)
    assert router.required() == Intents.GROUP_AND_C2C_EVENT
    assert not router.wished() & Intents.GROUP_AND_C2C_EVENT
    mine = __name__
    assert router.needed_by(Intents.GROUP_AND_C2C_EVENT) == [f"{mine}.Callable2.method", f"{mine}.handler"]
    assert router.needed_by(Intents.DIRECT_MESSAGE) == [f"{mine}.handler"]
    assert router.needed_by(Intents.GUILDS) == []


def test_raw_hears_everything_requires_nothing_and_comes_first() -> None:
    router = Router()
    later = router.add("event", handler, event="NEW_EVENT")
    raw = router.add("raw", handler)
    assert router.hears("ANYTHING")
    assert router.handlers_for("NEW_EVENT") == (raw, later)
    assert router.required() | router.wished() == Intents.none()


def test_odd_names_cannot_fill_the_memory() -> None:
    router = Router()
    router.add("raw", handler)
    for number in range(5000):
        assert router.hears(f"NAME_{number}")
    assert len(router._table.found) <= 1000


def test_registering_from_many_threads_loses_nothing() -> None:
    router = Router()

    def register() -> None:
        for _ in range(100):
            router.add("event", handler, event=GROUP)
            assert router.hears(GROUP)

    threads = [threading.Thread(target=register) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(router.handlers_for(GROUP)) == 800


def define(source: str, **names: Any) -> Any:
    """Runs a cell of a notebook and returns `f`."""
    scope = {"__name__": "__main__", **names}
    exec(source, scope)
    return scope["f"]


def test_in_a_notebook_a_function_defined_again_takes_the_place_of_the_older_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    router = Router(replaces=lambda: True)
    cell = "def f(ctx, event): ..."
    router.add("event", define(cell), event="A")
    router.add("event", handler, event="A")
    newer = router.add("event", define(cell), event="B")
    assert router.registrations[0] is newer
    assert len(router.registrations) == 2
    assert not [entry for entry in router.handlers_for("A") if entry.fn is not handler]
    assert "__main__.f" in caplog.text


def test_in_a_notebook_stacked_decorators_and_two_objects_are_no_repetition() -> None:
    router = Router(replaces=lambda: True)
    f = define("def f(ctx, event): ...")
    for event in ("A", "B", "B"):
        router.add("event", f, event=event)
    assert len(router.registrations) == 2
    for owner in (Callable2(), Callable2()):
        router.add("event", owner.method, event="A")
    assert len(router.registrations) == 4
    for _ in range(2):
        router.add("event", lambda ctx, event: None, event="A")
        router.add("event", define("def f(ctx, event): ...\nf.__qualname__ = '_'"), event="A")
    assert len(router.registrations) == 8


def test_in_a_notebook_a_handler_class_defined_again_replaces_the_older_object() -> None:
    router = Router(replaces=lambda: True)
    cell = "class H(Base):\n    def ready(self, ctx, ready): ...\nf = H()"
    router.add_handler(define(cell, Base=EventHandler))
    (newer,) = router.add_handler(define(cell, Base=EventHandler))
    assert router.registrations == (newer,)


def test_elsewhere_the_same_function_is_added_again() -> None:
    router = Router()
    cell = "def f(ctx, event): ..."
    for _ in range(2):
        router.add("event", define(cell), event="A")
    assert len(router.handlers_for("A")) == 2


class Mine(EventHandler):
    def __init__(self) -> None:
        self.got: list[Any] = []

    def group_at_message_create(self, ctx: Any, message: Any) -> None:
        self.got.append(("group", message))

    def ready(self, ctx: Any, ready: Any) -> None:
        self.got.append(("ready", ready))

    def resumed(self, ctx: Any) -> None:
        self.got.append(("resumed",))

    def error(self, ctx: Any, error: Any) -> None:
        self.got.append(("error", error))

    def unknown_event(self, ctx: Any, data: Any) -> None:
        self.got.append(("unknown", data))


def test_overridden_methods_count_as_registered_and_require_their_bits() -> None:
    router, mine = Router(), Mine()
    router.add_handler(mine)
    heard = [name for name in (*EVENTS, "NEW") if router.hears(name)]
    assert heard == ["READY", "RESUMED", "GROUP_AT_MESSAGE_CREATE", "NEW"]
    assert router.required() == Intents.GROUP_AND_C2C_EVENT
    for name in heard:
        for entry in router.handlers_for(name):
            entry.call(Ctx(an_event(name, name=name)))
    (hook,) = router.error_hooks()
    hook.call(None, "broken")
    assert mine.got == [
        ("ready", "READY"),
        ("resumed",),
        ("group", "GROUP_AT_MESSAGE_CREATE"),
        ("unknown", {"raw": "NEW"}),
        ("error", "broken"),
    ]


def test_a_method_set_on_the_instance_counts_too() -> None:
    router, mine = Router(), EventHandler()
    mine.guild_create = lambda ctx, guild: None  # type: ignore[method-assign]
    router.add_handler(mine)
    assert router.hears("GUILD_CREATE")


@pytest.mark.parametrize(
    ("value", "said"), [(Mine, r"Mine\(\)"), (object(), "EventHandler"), (None, "EventHandler"), (int, "EventHandler")]
)
def test_what_is_no_event_handler_is_refused(value: Any, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        Router().add_handler(value)


def test_a_method_with_the_wrong_arguments_is_refused_and_nothing_is_registered() -> None:
    class Wrong(EventHandler):
        def ready(self, ctx: Any, ready: Any) -> None: ...

        def guild_create(self, ctx: Any) -> None:  # type: ignore[override]
            ...

    router = Router()
    with pytest.raises(TypeError, match="guild_create"):
        router.add_handler(Wrong())
    assert not router.registrations


@pytest.mark.parametrize(
    ("method", "right"),
    [("on_at_message_create", "at_message_create"), ("group_at_messages_create", "group_at_message_create")],
)
def test_a_method_that_is_nearly_an_events_is_warned_of(
    method: str, right: str, caplog: pytest.LogCaptureFixture
) -> None:
    kind = type("Near", (EventHandler,), {method: lambda self, ctx, message: None, "helper": lambda self: None})
    Router().add_handler(kind())
    assert f"did you mean {right}" in caplog.text
    assert "helper" not in caplog.text
