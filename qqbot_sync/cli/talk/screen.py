"""A terminal on which somebody types while lines appear."""

from __future__ import annotations

import sys
import threading
from types import ModuleType

from rich.console import Console, RenderableType
from rich.text import Text

__all__ = ["LINES", "Screen"]

try:
    import readline as _readline
except ImportError:  # Windows: the console edits lines and has a history of its own
    LINES: ModuleType | None = None
else:
    LINES = _readline


class Screen:
    """Prints lines above what is being typed. `show` is thread-safe, `ask` belongs to one thread.

    Args:
        console: where to print.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._prompt: str | None = None
        """What stands on the line that is being typed; None while nobody is asked."""

    def show(self, *lines: RenderableType) -> None:
        """Prints lines (text is taken as it is); what was typed so far stands below them again."""
        with self._lock:
            if self._prompt is not None:
                sys.stdout.write("\r\x1b[K" if LINES is not None else "\n")
            for line in lines:
                # Into a file or a pipe, a message stays one line.
                self._console.print(
                    Text(line) if isinstance(line, str) else line, soft_wrap=not self._console.is_terminal
                )
            if self._prompt is not None:
                sys.stdout.write(self._prompt + (LINES.get_line_buffer() if LINES is not None else ""))
            sys.stdout.flush()

    def problem(self, text: str) -> None:
        """Prints what went wrong."""
        self.show(Text(f"× {text}", style="red"))

    def ask(self, prompt: str, style: str) -> str:
        """Reads one line. Blocks.

        Raises:
            EOFError: the input has ended.
            KeyboardInterrupt: Ctrl-C.
        """
        plain, hidden = self._coloured(prompt, style)

        with self._lock:
            # Not in a hook of readline, which would know better when the prompt stands: it swallows a Ctrl-C.
            self._prompt = plain
        try:
            return input(hidden)
        finally:
            with self._lock:
                self._prompt = None

    def _coloured(self, prompt: str, style: str) -> tuple[str, str]:
        """The prompt as it is printed, and as readline wants it: with marks around what has no width."""
        if LINES is None or not self._console.color_system:
            return prompt, prompt
        with self._console.capture() as captured:
            self._console.print(Text(prompt, style=style), end="", soft_wrap=True)
        plain = captured.get()
        start, _, end = plain.partition(prompt)
        return plain, f"\x01{start}\x02{prompt}\x01{end}\x02"
