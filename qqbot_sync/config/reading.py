"""Settings from files and variables: read one by one, laid over each other, and blamed by name where they are wrong."""

from __future__ import annotations

import os
import stat
import sys
import warnings
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from qqbot_sync.config.checks import advice, nearest
from qqbot_sync.config.table import ALIASES, CONFIG_VARIABLE, PREFIX, SETTINGS, TABLES, VARIABLES, Setting, hidden_by

if TYPE_CHECKING:
    from qqbot_sync.config.settings import GatewayConfig

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = [
    "DEFAULT_FILE",
    "Found",
    "Layer",
    "built",
    "check_variables",
    "default_file",
    "filled",
    "overlaid",
    "read_file",
    "read_variables",
    "unknown_variables",
    "warn_of_readable",
]

DEFAULT_FILE = "qqbot.toml"

_OF_SETTINGS = {name: setting for name, setting in VARIABLES.items() if setting is not None}
_TOP = (*(key for key in SETTINGS if "." not in key), *TABLES, *ALIASES)

Config = TypeVar("Config", bound="GatewayConfig")


class Found(NamedTuple):
    """A value, and where it was found; nowhere, when code gave it."""

    value: Any
    origin: str = ""


Layer = Mapping[str, Found]
"""Setting key → what one source says about it. `reconnect` and `heartbeat` may be there as a whole, from code."""


def read_file(path: str | os.PathLike[str]) -> dict[str, Found]:
    """What a TOML file says. Paths in it are relative to the file.

    Raises:
        OSError: the file cannot be read.
        ValueError: not TOML, a value of the wrong kind, or an unknown key; the message names the file and the key.
    """
    try:
        data = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        # The cause is left out: a decoder's error holds the whole text, secret included.
        raise ValueError(f"{path} 不是有效的 TOML / is not valid TOML: {_without_text(error)}") from None
    found: dict[str, Found] = {}
    names: dict[str, str] = {}
    try:
        for name, setting, value in _entries(data):
            if (other := names.setdefault(setting.key, name)) != name:
                raise ValueError(
                    f"{other} 与 {name} 是同一个设置 / {other} and {name} are one setting: give one of them"
                )
            read = _read(setting, value, as_text=False, name=name)
            if setting.kind.is_path:
                read = str(Path(path).parent / read)
            found[setting.key] = Found(read, str(path))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    if "app_secret" in found:
        warn_of_readable(path)
    return found


def _without_text(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8 at byte {error.start}"
    return str(error)


def _entries(data: Mapping[str, Any]) -> Iterator[tuple[str, Setting, Any]]:
    """Name as written, setting, value."""
    for name, value in data.items():
        if name in TABLES:
            if not isinstance(value, dict):
                raise ValueError(f"{name} 必须是表 / {name} must be a table, like [{name}], not {value!r}")
            for part, inner in value.items():
                if part not in TABLES[name]:
                    raise ValueError(f"未知的键 / unknown key [{name}] {part!r}{advice(part, TABLES[name])}")
                yield f"{name}.{part}", SETTINGS[f"{name}.{part}"], inner
        elif name in _TOP:
            yield name, SETTINGS[ALIASES.get(name, name)], value
        else:
            places = [table for table, parts in TABLES.items() if name in parts]
            hint = f"; it belongs into [{places[0]}]" if places else advice(name, _TOP)
            raise ValueError(f"未知的键 / unknown key {name!r}{hint}")


def read_variables(
    environ: Mapping[str, str], *, keys: Collection[str] | None = None, source: str = ""
) -> dict[str, Found]:
    """What the QQ_BOT_… variables say; an empty one says nothing.

    Args:
        environ: the variables.
        keys: settings to look for; None: all.
        source: put before a variable's name where it is wrong, such as the name of a file.

    Raises:
        ValueError: a variable that cannot be read; the message names it.
    """
    found: dict[str, Found] = {}
    for variable, setting in _OF_SETTINGS.items():
        text = environ.get(variable, "").strip()
        if not text or (keys is not None and setting.key not in keys):
            continue
        origin = f"{source}{variable}"
        if setting.key in found:
            raise ValueError(
                f"{origin} 与 {setting.variable} 是同一个设置 / {origin} and {setting.variable} are one setting: "
                f"give one of them"
            )
        try:
            found[setting.key] = Found(_read(setting, text, as_text=True, name=setting.key), origin)
        except ValueError as error:
            raise ValueError(f"{origin}: {error}") from None
    return found


def _read(setting: Setting, value: Any, *, as_text: bool, name: str) -> Any:
    kind = setting.kind
    try:
        return kind.parse(value) if as_text else kind.accept(value)
    except (TypeError, ValueError) as error:
        shown = type(value).__name__ if kind.is_secret else repr(value)
        said = str(error)
        if said:
            raise ValueError(said if setting.key in said else f"{name}: {said}") from None
        raise ValueError(f"{name} 必须是{kind.chinese} / {name} must be {kind.english}, not {shown}") from None


def unknown_variables(environ: Mapping[str, str]) -> dict[str, str | None]:
    """QQ_BOT_… variables that are none of ours, with the name that was probably meant."""
    unknown: dict[str, str | None] = {}
    for name, value in environ.items():
        if name.startswith(PREFIX) and name not in VARIABLES and value.strip():
            # Without what all of them share, or everything would be near.
            near = nearest(name.removeprefix(PREFIX), [other.removeprefix(PREFIX) for other in VARIABLES])
            unknown[name] = PREFIX + near if near else None
    return unknown


def check_variables(environ: Mapping[str, str], *, source: str = "") -> None:
    """Raises ValueError for a QQ_BOT_… variable that is none of ours; the message names the nearest."""
    for name, near in unknown_variables(environ).items():
        meant = f"did you mean {near}?" if near else f"known: {', '.join(_OF_SETTINGS)}"
        raise ValueError(f"{source}没有名为 {name} 的设置 / there is no setting named {name}; {meant}")


def overlaid(*layers: Layer) -> dict[str, Found]:
    """All of them in one; a later layer overrules an earlier one."""
    result: dict[str, Found] = {}
    for layer in layers:
        for name in hidden_by({key: found.value for key, found in layer.items()}):
            result.pop(name, None)
        for table in TABLES:
            if table in layer:
                for key in [key for key in result if key.startswith(f"{table}.")]:
                    del result[key]
        result.update(layer)
    return result


def built(layer: Layer, base: Config) -> Config:
    """`base` with what the layer says.

    Raises:
        TypeError, ValueError: values that are refused; where a file or a variable is to blame, it is named.
    """
    try:
        return _made(layer, base)
    except (TypeError, ValueError) as error:
        origins = _blamed(layer, base, error)
        if not origins:
            raise
        raise ValueError(f"{', '.join(origins)}: {error}") from error


def _blamed(layer: Layer, base: GatewayConfig, error: Exception) -> list[str]:
    """The files and variables that the error is due to; none, where it is due to the code."""
    told = [key for key, found in layer.items() if found.origin]
    # Without which it would be well: two that contradict each other are both to blame.
    guilty = [key for key in told if _fails({name: layer[name] for name in layer if name != key}, base) is None]
    if not guilty:
        # Several mistakes: this is the one that was found first.
        guilty = [key for key in told if str(_fails({key: layer[key]}, base)) == str(error)]
    if not guilty and _fails({key: found for key, found in layer.items() if not found.origin}, base) is None:
        guilty = [key for key in told if key in str(error)] or told
    return list(dict.fromkeys(layer[key].origin for key in guilty))


def _made(layer: Layer, base: Config) -> Config:
    changes = {key: found.value for key, found in layer.items() if "." not in key}
    for table in TABLES:
        parts = {key.partition(".")[2]: found.value for key, found in layer.items() if key.startswith(f"{table}.")}
        if parts:
            changes[table] = replace(changes.get(table, getattr(base, table)), **parts)
    for name in hidden_by(changes):
        changes.setdefault(name, None)
    return replace(base, **changes)


def _fails(layer: Layer, base: GatewayConfig) -> Exception | None:
    try:
        _made(layer, base)
    except (TypeError, ValueError) as error:
        return error
    return None


def filled(
    base: Config, arguments: Mapping[str, Any], environ: Mapping[str, str], *, below: Layer | None = None
) -> Config:
    """`arguments` over `base` over the variables over `below`: what is left at its default takes their value.

    Raises:
        TypeError, ValueError: as `built`.
    """
    given = {name: Found(value) for name, value in arguments.items()}
    free = [key for key in SETTINGS if key.partition(".")[0] not in given and not _is_decided(base, key)]
    said = {name: getattr(base, name) for name in ("shard", "shards", "shard_count")} | dict(arguments)
    for name in hidden_by(said):
        if name in free:
            free.remove(name)
    lowest = {key: found for key, found in (below or {}).items() if key in free}
    return built(overlaid(lowest, read_variables(environ, keys=free), given), base)


def _is_decided(config: GatewayConfig, key: str) -> bool:
    value: Any = config
    plain: Any = type(config)()
    for name in key.split("."):
        value, plain = getattr(value, name), getattr(plain, name)
    return bool(value != plain)


def default_file(environ: Mapping[str, str]) -> str | None:
    """The file that QQ_BOT_CONFIG names, else `qqbot.toml` in the working directory when it is there."""
    named = environ.get(CONFIG_VARIABLE, "").strip()
    return named or (DEFAULT_FILE if Path(DEFAULT_FILE).is_file() else None)


def warn_of_readable(path: str | os.PathLike[str]) -> None:
    """Warns of a file with a secret that other users of this machine may read (where there are such permissions)."""
    if os.name == "posix" and Path(path).stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        # A warning, no log line: the protocol stands on this package and knows no logger.
        warnings.warn(
            f"{path} 含有密钥,却可被其他用户读取 / {path} holds the secret and can be read by other users: "
            f"chmod 600 {path}",
            stacklevel=_depth_of_user(),
        )


def _depth_of_user() -> int:
    """How far up the stack, seen from the caller, the first line stands that is not ours."""
    ours = str(Path(__file__).parent.parent)
    depth, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(ours):
        depth, frame = depth + 1, frame.f_back
    return depth
