"""Where a command finds its settings: options, environment variables, a `.env` file, a TOML file."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from qqbot_sync.client.settings import named_intents
from qqbot_sync.config import GatewayConfig, reading
from qqbot_sync.config.dotenv import read_dotenv
from qqbot_sync.config.reading import Found
from qqbot_sync.config.table import CONFIG_VARIABLE, PREFIX, SETTINGS

__all__ = ["DEFAULT_ENV_FILE", "exported", "find_settings", "need_credentials"]

DEFAULT_ENV_FILE = ".env"

_OPTIONS = {"app_id": "app_id", "secret": "app_secret", "environment": "environment", "proxy": "proxy"}
"""Option → setting."""


def find_settings(
    *,
    app_id: str | None = None,
    secret: str | None = None,
    environment: str | None = None,
    proxy: str | None = None,
    config: str | os.PathLike[str] | None = None,
    env_file: str | os.PathLike[str] | None = None,
    environ: Mapping[str, str] | None = None,
) -> GatewayConfig:
    """What a command goes by: an option, else an environment variable, else `.env`, else the TOML file.

    Args:
        app_id, secret, environment, proxy: the options, as they were typed.
        config: the TOML file; None: the one QQ_BOT_CONFIG names, else `qqbot.toml` in the working directory, if there.
        env_file: None: `.env` in the working directory, if there.
        environ: None: the environment of this process.

    Raises:
        click.UsageError: a file that was asked for is not there, or an option is wrong.
        ValueError: a file or variable is wrong; the message names it.
    """
    variables = os.environ if environ is None else environ
    given = {"app_id": app_id, "secret": secret, "environment": environment, "proxy": proxy}
    options = _read_options({name: text.strip() for name, text in given.items() if text and text.strip()})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        lines = _dotenv(env_file)
        path = config if config is not None else reading.default_file({**lines, **_told(variables)})
        file = {} if path is None else _file(path)
    for warning in caught:
        click.echo(f"警告 / warning: {warning.message}", err=True)
    source = f"{env_file or DEFAULT_ENV_FILE}: "
    _warn_of_misspelt(lines, source)
    _warn_of_misspelt(variables, "")
    layers = file, reading.read_variables(lines, source=source), reading.read_variables(variables), options
    return _whole(reading.overlaid(*layers))


def _whole(layer: reading.Layer) -> GatewayConfig:
    settings = reading.built(layer, GatewayConfig(reads_environment=False))
    if isinstance(settings.intents, tuple):
        # Checked here, where it is known which file or variable named them.
        named_intents(settings.intents, origin=layer["intents"].origin)
    return settings


def _read_options(given: Mapping[str, str]) -> dict[str, Found]:
    found = {}
    for option, text in given.items():
        setting = SETTINGS[_OPTIONS[option]]
        try:
            found[setting.key] = Found(setting.kind.parse(text), f"--{option.replace('_', '-')}")
        except ValueError as error:
            raise click.UsageError(f"--{option.replace('_', '-')}: {error}") from None
    return found


def _told(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in variables.items() if text.strip()}


def _dotenv(chosen: str | os.PathLike[str] | None) -> dict[str, str]:
    path = Path(DEFAULT_ENV_FILE if chosen is None else chosen)
    if chosen is None and not path.is_file():
        return {}
    try:
        lines = read_dotenv(path)
    except FileNotFoundError:
        raise click.UsageError(f"找不到文件 / no such file: {path} (--env-file)") from None
    if lines.get(SETTINGS["app_secret"].variable, "").strip():
        reading.warn_of_readable(path)
    return {name: text for name, text in lines.items() if name.startswith(PREFIX)}


def _file(path: str | os.PathLike[str]) -> dict[str, Found]:
    try:
        return reading.read_file(path)
    except FileNotFoundError:
        raise click.UsageError(f"找不到文件 / no such file: {path} (--config, {CONFIG_VARIABLE})") from None


def _warn_of_misspelt(variables: Mapping[str, str], source: str) -> None:
    # A warning only: a bot may have variables of its own whose names begin alike.
    for name, near in reading.unknown_variables(variables).items():
        if near is not None:
            said = f"没有名为 {name} 的设置 / there is no setting named {name}; did you mean {near}?"
            click.echo(f"警告 / warning: {source}{said}", err=True)


def need_credentials(settings: GatewayConfig) -> None:
    """For commands that cannot do without: raises click.UsageError (status 2), which says what to set."""
    missing = [name for name in ("app_id", "app_secret") if not (getattr(settings, name) or "").strip()]
    if missing:
        names = ", ".join(SETTINGS[name].variable for name in missing)
        raise click.UsageError(
            f"缺少 {names}:请设置环境变量,或写入 .env 或 {reading.DEFAULT_FILE};"
            f"可在 https://q.qq.com 的「开发设置」中找到 / "
            f"missing {names}: set the environment variable, or put it into .env or {reading.DEFAULT_FILE}; "
            f"you find it in the console of https://q.qq.com"
        )


def exported(settings: GatewayConfig) -> dict[str, str]:
    """The QQ_BOT_… environment variables that make a plain `BotClient()` see the same settings.

    QQ_BOT_CONFIG is among them, empty: what its file says is in the others.

    Raises:
        ValueError: a setting is an object made in code, which no text can name.
    """
    plain = GatewayConfig()
    found = {CONFIG_VARIABLE: ""}
    for key, setting in SETTINGS.items():
        value: Any = settings
        default: Any = plain
        for name in key.split("."):
            value, default = getattr(value, name), getattr(default, name)
        if value != default:
            try:
                found[setting.variable] = setting.kind.write(value)
            except ValueError as error:
                raise ValueError(f"{key}: {error}") from None
    return found
