"""`qqbot-sync completion SHELL`, and what Tab offers. Light: everything else is imported while Tab is pressed."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem, get_completion_class

__all__ = ["command", "complete_event", "complete_intents", "complete_path", "complete_target", "complete_verb"]

PROGRAM = "qqbot-sync"
VARIABLE = "_QQBOT_SYNC_COMPLETE"
INSTALL = {
    "bash": f"echo 'eval \"$({PROGRAM} completion bash)\"' >> ~/.bashrc",
    "zsh": f"echo 'eval \"$({PROGRAM} completion zsh)\"' >> ~/.zshrc",
    "fish": f"{PROGRAM} completion fish > ~/.config/fish/completions/{PROGRAM}.fish",
}
"""Shell → the line that installs it for good."""


@click.command("completion")
@click.argument("shell", type=click.Choice(list(INSTALL)))
def command(shell: str) -> None:
    """打印补全脚本 / Print the script that teaches a shell to complete commands.

    补全命令、选项、事件名(tail --event)、接口路径(api)、发送目标(send)和模拟器动词。bash 需要 4.4 以上。

    It completes commands, options, event names (tail --event), endpoint paths (api), targets (send) and the simulator's
    verbs. bash must be 4.4 or newer.

    \b
    安装 / install it:
      echo 'eval "$(qqbot-sync completion bash)"' >> ~/.bashrc
      echo 'eval "$(qqbot-sync completion zsh)"' >> ~/.zshrc
      qqbot-sync completion fish > ~/.config/fish/completions/qqbot-sync.fish

    \b
    例 / examples, 只在当前 shell / in this shell alone:
      eval "$(qqbot-sync completion bash)"
    """
    from qqbot_sync.cli.group import main

    made = get_completion_class(shell)
    if made is None:
        raise click.UsageError(f"click 不支持 / click does not know {shell}")
    click.echo(f"# 安装 / install: {INSTALL[shell]}")
    # Not `source()`: that of bash starts a bash to look at its version, which a script in a file has no use for.
    completer = made(main, {}, PROGRAM, VARIABLE)
    script = completer.source_template % completer.source_vars()
    # After `group:` the id follows, not a blank.
    click.echo(script.replace("COMPREPLY+=($value)", "COMPREPLY+=($value); [[ $value == *: ]] && compopt -o nospace"))


# -- what is offered --------------------------------------------------------------------------------------------------


def complete_event(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Event names, in capitals whatever was typed."""
    from qqbot_sync.events import EVENTS

    return [CompletionItem(name) for name in EVENTS if name.startswith(incomplete.upper())]


def complete_intents(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of intents, with commas between them."""
    from qqbot_sync.intents import Intents

    before, comma, last = incomplete.rpartition(",")
    names = [name.lower() for name in Intents.all().names()]
    known = names if comma else [*names, "default", "all"]
    return [CompletionItem(f"{before}{comma}{name}") for name in known if name.startswith(last.lower())]


def complete_path(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Paths of the table of endpoints: those of the method that was typed."""
    from qqbot_sync.api import Api
    from qqbot_sync.api.endpoint import endpoints

    method = str(ctx.params.get("method") or "").upper()
    paths = {one.path: one.summary for one in endpoints(Api) if one.path.startswith("/") and one.method == method}
    return [CompletionItem(path, help=paths[path]) for path in sorted(paths) if path.startswith(incomplete)]


def complete_target(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The kinds of targets; ids nobody can guess."""
    kinds = ("channel:", "group:", "user:", "direct:")
    return [CompletionItem(kind) for kind in kinds if kind.startswith(incomplete)]


def complete_verb(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The simulator's verbs; nothing for their arguments."""
    from qqbot_sync.cli.talk import verbs

    if _ctx.params.get("verb"):
        return []
    return [CompletionItem(name, help=verbs.summary(name)[1]) for name in verbs.names() if name.startswith(incomplete)]
