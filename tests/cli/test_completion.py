"""Tab: what is offered where, and the scripts that a shell reads."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import BashComplete

from qqbot_sync.cli import main
from qqbot_sync.cli.completion import INSTALL
from qqbot_sync.cli.group import COMMANDS
from qqbot_sync.cli.talk import verbs
from qqbot_sync.events import EVENTS
from tests.cli.support import call


def offered(*words: str) -> list[str]:
    """What is offered for the last of the words."""
    *before, incomplete = words
    found = BashComplete(main, {}, "qqbot-sync", "_QQBOT_SYNC_COMPLETE").get_completions(before, incomplete)
    return [item.value for item in found]


def test_the_commands_are_offered() -> None:
    assert offered("") == list(COMMANDS)
    assert offered("ta") == ["tail"]
    assert "--debug" in offered("--")


def test_event_names_are_offered_in_capitals() -> None:
    assert offered("tail", "--event", "") == list(EVENTS)
    assert offered("tail", "--event", "group_at") == ["GROUP_AT_MESSAGE_CREATE"]
    assert offered("tail", "--json", "--event", "FRIEND_") == ["FRIEND_ADD", "FRIEND_DEL"]


def test_intents_are_offered_one_after_the_other() -> None:
    assert offered("tail", "--intents", "de") == ["default"]
    assert offered("tail", "--intents", "guilds,mess") == ["guilds,message_audit"]


def test_the_paths_of_the_method_are_offered() -> None:
    assert offered("api", "get", "/users/") == ["/users/@me", "/users/@me/guilds"]
    assert "/v2/groups/{group_openid}/messages" in offered("api", "POST", "/v2/groups/")
    assert offered("api", "DELETE", "/users/") == []


def test_the_kinds_of_targets_are_offered() -> None:
    assert offered("send", "") == ["channel:", "group:", "user:", "direct:"]
    assert offered("send", "gr") == ["group:"]


def test_the_simulators_verbs_are_offered() -> None:
    assert offered("simulator", "--url", "http://127.0.0.1:1", "") == verbs.names()
    assert "duplicate" in offered("simulator", "du")
    assert offered("simulator", "drop", "") == []


@pytest.mark.parametrize("shell", INSTALL)
def test_every_shell_has_a_script_and_a_line_that_installs_it(shell: str) -> None:
    result = call("completion", shell)
    assert result.exit_code == 0
    assert result.stderr == ""
    assert INSTALL[shell] in result.stdout
    assert f"_QQBOT_SYNC_COMPLETE={shell}_complete" in result.stdout
    assert INSTALL[shell] in call("completion", "--help").stdout


def test_a_shell_that_is_not_known_is_told_those_that_are() -> None:
    result = call("completion", "csh")
    assert result.exit_code == 2
    assert "fish" in result.stderr


@pytest.mark.skipif(shutil.which("bash") is None, reason="missing: bash")
@pytest.mark.parametrize(
    ("words", "replies"),
    [
        (["qqbot-sync", "comp"], ["completion"]),
        (["qqbot-sync", "tail", "--event", "FRIEND_"], ["FRIEND_ADD", "FRIEND_DEL"]),
    ],
)
def test_a_real_bash_completes_with_the_script(tmp_path: Path, words: list[str], replies: list[str]) -> None:
    """The script is read by bash, and the function it defines is asked as Tab would."""
    program = tmp_path / "qqbot-sync"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m qqbot_sync "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    script = tmp_path / "complete.bash"
    script.write_text(call("completion", "bash").stdout, encoding="utf-8")
    typed = " ".join(f"'{word}'" for word in words)
    asked = (
        f"source {script}; COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}; _qqbot_sync_completion qqbot-sync; "
        'printf "%s\\n" "${COMPREPLY[@]}"; complete -p qqbot-sync'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", asked],
        capture_output=True,
        text=True,
        timeout=50,
        env={**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
    )
    *found, registered = done.stdout.splitlines()
    assert found == replies, done.stderr
    assert "_qqbot_sync_completion" in registered
