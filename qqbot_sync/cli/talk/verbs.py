"""The simulator's methods as verbs: which there are, and what the words after them mean.

Everything follows from the signatures of `Simulator`: a new method is a new verb.
"""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Collection
from typing import Any

from qqbot_sync.cli.talk.chinese import SUMMARIES
from qqbot_sync.codec import Undecodable, loads
from qqbot_sync.simulator import Simulator
from qqbot_sync.simulator.control import METHODS
from qqbot_sync.simulator.faults import VERBS

__all__ = ["bind", "groups", "names", "summary", "usage"]

_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _log(since: int = 0, kinds: Collection[str] | None = None) -> None:
    """The log after entry number `since`, of these kinds only (with commas)."""


def _grant(grant: str | None = None) -> None:
    """The intents that the bot has; with an argument (all, default, names with commas) it changes them."""


def _info() -> None:
    """URL, app id, secret and grant."""


_EXTRA: dict[str, Callable[..., Any]] = {"log": _log, "grant": _grant, "info": _info}


def names() -> list[str]:
    """Every verb."""
    return sorted({*METHODS, *_EXTRA})


def groups() -> dict[str, list[str]]:
    """The verbs by what they are about, for an overview."""
    known = names()
    persons = [name for name in known if name != "say" and next(iter(_parameters(name)), "") == "user"]
    others = [name for name in known if name not in persons and name not in VERBS]
    return {"人 / persons": persons, "故障 / faults": list(VERBS), "其他 / others": others}


def summary(name: str) -> tuple[str, str]:
    """What the verb does: a line in Chinese, and one in English."""
    doc = inspect.getdoc(_method(name)) or ""
    return SUMMARIES.get(name, ""), " ".join(doc.partition("\n\n")[0].split())


def usage(name: str, *, spoken_for: bool = False) -> str:
    """How it is written: `close CODE [REASON] [shard=…]`."""
    words = [name]
    for key, parameter in _parameters(name).items():
        if spoken_for and key in ("user", "where"):
            continue
        if parameter.kind is parameter.VAR_KEYWORD:
            words.append("[…]")
        elif parameter.kind is parameter.KEYWORD_ONLY:
            words.append(f"[{key}=…]")
        else:
            words.append(key.upper() if parameter.default is parameter.empty else f"[{key.upper()}]")
    return " ".join(words)


def bind(name: str, words: list[str], **spoken_for: str) -> dict[str, Any]:
    """The arguments by name that these words mean.

    Args:
        name: of a verb.
        words: values in order, or `name=value`.
        spoken_for: `user` and `where` of the prompt, for the verbs that take them; then they are not among the words.

    Raises:
        ValueError: no such verb, or words that do not fit; the message says how the verb is written.
    """
    if name not in names():
        near = difflib.get_close_matches(name, names(), n=3, cutoff=0.5) or names()
        raise ValueError(f"没有动词 {name!r} / there is no verb {name!r}; 有 / known: {', '.join(near)}")
    parameters = _parameters(name)
    given: dict[str, Any] = {key: value for key, value in spoken_for.items() if key in parameters}
    rest = [parameter for key, parameter in parameters.items() if key not in given]
    places = [parameter for parameter in rest if parameter.kind is parameter.POSITIONAL_OR_KEYWORD]
    try:
        for word in words[:2] if name == "schedule" else words:
            key, equals, value = word.partition("=")
            if equals and key in parameters:
                given[key] = _read(parameters[key], value)
            elif not places:
                raise ValueError(f"多出 / too much: {word!r}")
            else:
                parameter = places.pop(0)
                given[parameter.name] = _read(parameter, word)
        if name == "schedule" and "verb" in given:
            # What follows belongs to the verb that is scheduled.
            given.update(bind(given["verb"], words[2:]))
        inspect.Signature(list(parameters.values())).bind(**given)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name}: {error}; 写法 / usage: {usage(name, spoken_for=bool(spoken_for))}") from error
    return given


def _parameters(name: str) -> dict[str, inspect.Parameter]:
    parameters = dict(inspect.signature(_method(name)).parameters)
    parameters.pop("self", None)
    return parameters


def _method(name: str) -> Callable[..., Any]:
    method: Callable[..., Any] = _EXTRA.get(name) or getattr(Simulator, name)
    return method


def _read(parameter: inspect.Parameter, word: str) -> Any:
    kinds = set(re.findall(r"\w+", str(parameter.annotation)))
    try:
        if kinds & {"Collection", "Sequence"} and not word.startswith("["):
            return [part.strip() for part in word.split(",")]
        if "bool" in kinds:
            return _TRUTHS[word.lower()]
        if "float" in kinds:
            return float(word)
        if "int" in kinds:
            return int(word)
        return word if "str" in kinds and not kinds & {"Collection", "Sequence"} else loads(word)
    except (ValueError, KeyError, Undecodable) as error:
        raise ValueError(f"{parameter.name}={word!r} 不对 / cannot be {word!r}") from error
