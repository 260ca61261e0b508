"""The base class against the table of events."""

from __future__ import annotations

import inspect

import pytest

from qqbot_sync.dispatch import EventHandler
from qqbot_sync.events import EVENTS

METHODS = {name: member for name, member in vars(EventHandler).items() if inspect.isfunction(member)}


def test_there_is_one_method_for_each_event_and_two_more() -> None:
    assert set(METHODS) == {spec.callback for spec in EVENTS.values()} | {"error", "unknown_event"}


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_the_method_takes_the_model_of_its_event(name: str) -> None:
    spec = EVENTS[name]
    method = METHODS[spec.callback]
    parameters = list(inspect.signature(method).parameters.values())
    assert [parameter.name for parameter in parameters[:2]] == ["self", "ctx"]
    assert parameters[1].annotation == "Context"
    if spec.model is None:
        assert len(parameters) == 2
    else:
        assert [parameter.annotation for parameter in parameters[2:]] == [spec.model.__name__]
    assert method.__doc__


@pytest.mark.parametrize("name", sorted(METHODS))
def test_the_methods_of_the_base_class_do_nothing(name: str) -> None:
    method = METHODS[name]
    arguments = [None] * (len(inspect.signature(method).parameters) - 1)
    assert method(EventHandler(), *arguments) is None
