"""What a client goes by: arguments over `config` over the environment, and the objects that texts in them name."""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any

from qqbot_sync.config import GatewayConfig, reading
from qqbot_sync.config.checks import nearest
from qqbot_sync.config.table import CONFIG_VARIABLE, SETTINGS
from qqbot_sync.intents import Intents
from qqbot_sync.store import MemoryStore, SqliteStore, Store

__all__ = ["executor_of", "handler_of", "merged", "named_intents", "store_of"]

log = logging.getLogger("qqbot_sync.client")

_MAY_BE_NONE = ("slow_after",)
"""Arguments to which None is a value of its own, and not the word for nothing said."""


def merged(
    config: GatewayConfig | None, arguments: Mapping[str, Any], environ: Mapping[str, str] | None = None
) -> GatewayConfig:
    """The arguments, over `config`, over the environment. One at its default says nothing. Intents are bits afterwards.

    Args:
        config: None: the file that QQ_BOT_CONFIG names, below the other variables; else nothing.
        arguments: of `BotClient`.
        environ: None: the environment of this process.

    Raises:
        TypeError, ValueError: a value that cannot be used; the message names it, and the variable it came from.
        OSError: the file that QQ_BOT_CONFIG names cannot be read.
    """
    intents = arguments["intents"]
    if intents is not None and not isinstance(intents, Intents):
        raise TypeError(
            f"intents 必须是 Intents,例如 Intents.default(),而不是 {intents!r} / "
            f"intents must be an Intents, such as Intents.default(), not {intents!r}"
        )
    if config is not None and not isinstance(config, GatewayConfig):
        raise TypeError(f"config 必须是 GatewayConfig / config must be a GatewayConfig, not {config!r}")
    if config is not None and not config.reads_environment:
        source: Mapping[str, str] = {}
    else:
        source = os.environ if environ is None else environ
        _warn_of_misspelt(source)
    file = source.get(CONFIG_VARIABLE, "").strip() if config is None else ""
    plain = GatewayConfig()
    given = {
        name: value
        for name, value in arguments.items()
        if (value is not None or name in _MAY_BE_NONE) and value != getattr(plain, name)
    }
    settings = reading.filled(config or plain, given, source, below=reading.read_file(file) if file else {})
    if isinstance(settings.intents, tuple):
        settings = settings.with_changes(intents=named_intents(settings.intents, origin=_place("intents")))
    return settings


def named_intents(names: Sequence[str], *, origin: str) -> Intents:
    """The bits of these names; `default` and `all` are names too.

    Raises:
        ValueError: a name that does not exist; the message begins with `origin` and names the nearest.
    """
    bits = Intents.none()
    for name in names:
        match name.strip().lower():
            case "default":
                bits |= Intents.default()
            case "all":
                bits |= Intents.all()
            case word:
                try:
                    bits |= Intents.from_names(word)
                except ValueError as error:
                    raise ValueError(f"{origin}: {error}") from None
    return bits


def handler_of(value: Any) -> Any:
    """The handler itself, or the one that `"module:name"` names: an instance, or a class that is called."""
    if not isinstance(value, str):
        return value
    found = _imported("handler", value)
    return found() if isinstance(found, type) else found


def executor_of(value: Any) -> Any:
    """The executor itself, or the one that `"module:name"` names; what cannot submit there is called for one."""
    if not isinstance(value, str):
        return value
    found = _imported("executor", value)
    is_executor = callable(getattr(found, "submit", None)) and not isinstance(found, type)
    return found if is_executor or not callable(found) else found()


def store_of(value: Store | str | os.PathLike[str] | None) -> Store:
    """The store itself, the SQLite file of that path, or one in memory."""
    if value is None:
        return MemoryStore()
    return SqliteStore(value) if isinstance(value, (str, os.PathLike)) else value


def _imported(key: str, text: str) -> Any:
    module_name, _, name = text.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        raise ImportError(
            f"{_place(key)}: 找不到模块 {module_name} / there is no module {module_name}; 它应在当前目录或已安装 / "
            f"it must be installed, or stand beside the bot"
        ) from None
    for part in name.split("."):
        if not hasattr(found, part):
            near = nearest(part, [other for other in vars(found) if not other.startswith("_")])
            meant = f"; did you mean {near!r}?" if near else ""
            raise ImportError(f"{_place(key)}: {module_name} 中没有 {part!r} / {module_name} has no {part!r}{meant}")
        found = getattr(found, part)
    return found


def _place(key: str) -> str:
    """Where such a value is set."""
    return f"{key} ({SETTINGS[key].variable})"


def _warn_of_misspelt(environ: Mapping[str, str]) -> None:
    # A warning only: a bot may have variables of its own whose names begin alike.
    for name, near in reading.unknown_variables(environ).items():
        if near is not None:
            log.warning(
                "没有名为 %s 的设置,是否想写 %s? / there is no setting named %s; did you mean %s?",
                name,
                near,
                name,
                near,
            )
