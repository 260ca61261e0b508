"""A script whose main thread ends: the process ends quietly, whatever the handlers are at."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAD = """
import sys, threading
from qqbot_sync.clock import SystemClock
from qqbot_sync.dispatch import Dispatcher, Router
from tests.dispatch.support import GROUP, Ctx, an_event

said = []
router, running = Router(), threading.Event()
dispatcher = Dispatcher(
    router, context=Ctx, clock=SystemClock(), on_closing=said.append, workers=4, grace=GRACE, executor=EXECUTOR
)
dispatcher.start()

def feed():
    number = 0
    while True:
        number += 1
        dispatcher.offer(an_event(str(number), author=str(number % 20)))

def feeding():
    threading.Thread(target=feed, daemon=True).start()

def asking(ctx, text):
    running.set()
    with dispatcher.expect("group:g", "nobody who answers") as answer:
        answer.wait(300)
"""

CASES = {
    "idle": "",
    "idle after an event": """
router.add("event", lambda ctx, text: running.set(), event=GROUP)
dispatcher.offer(an_event())
running.wait(10)
""",
    "events arrive from a daemon thread": """
router.add("event", lambda ctx, text: running.set(), event=GROUP)
feeding()
running.wait(10)
""",
    "one handler runs": """
def slow(ctx, text):
    running.set()
    threading.Event().wait(1)
    print("ended", flush=True)
router.add("event", slow, event=GROUP)
dispatcher.offer(an_event())
running.wait(10)
""",
    "handlers run and events arrive": """
def slow(ctx, text):
    running.set()
    threading.Event().wait(0.2)
router.add("event", slow, event=GROUP)
feeding()
running.wait(10)
""",
    "one handler waits in ask": """
router.add("event", asking, event=GROUP)
dispatcher.offer(an_event())
running.wait(10)
""",
    "one waits in ask while events arrive": """
def either(ctx, text):
    if text == "7":
        asking(ctx, text)
router.add("event", either, event=GROUP)
feeding()
running.wait(10)
""",
    "one waits in wait_for and one in events() on another thread": """
def waiting(ctx, text):
    running.set()
    dispatcher.wait_for("READY", timeout=300)
router.add("event", waiting, event=GROUP)
threading.Thread(target=lambda: [None for _ in dispatcher.watch("READY")], daemon=True).start()
dispatcher.offer(an_event())
running.wait(10)
""",
    "the main thread fails": """
router.add("event", asking, event=GROUP)
dispatcher.offer(an_event())
running.wait(10)
sys.exit(3)
""",
}

OURS = "EXECUTOR = None"
THEIRS = "from concurrent.futures import ThreadPoolExecutor; EXECUTOR = ThreadPoolExecutor(4)"


def run(script: str, executor: str = OURS, grace: float = 0.5) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", f"GRACE = {grace}\n{executor}\n{HEAD}\n{script}"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("case", CASES)
def test_the_process_ends_quietly_when_the_main_thread_does(case: str) -> None:
    done = run(CASES[case])
    assert done.stderr == ""
    assert done.returncode == (3 if case == "the main thread fails" else 0)
    if case == "one handler runs":
        assert done.stdout == "ended\n", "a handler that runs comes to its end"


@pytest.mark.parametrize("case", ["idle", "one handler waits in ask", "events arrive from a daemon thread"])
def test_it_ends_as_quietly_on_an_executor_of_the_caller(case: str) -> None:
    done = run(CASES[case], THEIRS)
    assert (done.stderr, done.returncode) == ("", 0)


def test_the_last_line_counts_what_nobody_will_begin() -> None:
    """Only a stop could say it otherwise, and a program that ends by itself has none."""
    script = """
import concurrent.futures.thread as futures
import logging, os
logging.basicConfig(level=logging.INFO, format="%(message)s")
def slow(ctx, text):
    running.set()
    while not futures._shutdown:
        threading.Event().wait(0.005)
    os.write(1, f"{text}\\n".encode())
    threading.Event().wait(0.2)
router.add("event", slow, event=GROUP)
for number in range(20):
    dispatcher.offer(an_event(str(number), author=str(number)))
running.wait(10)
"""
    done = run(script, grace=0.1)
    begun = len(done.stdout.split())
    assert 1 <= begun < 20
    assert f"the program ends and {20 - begun} events were not begun" in done.stderr.splitlines()[-1]
    assert done.stderr.count("were not begun") == 1


def test_what_was_accepted_is_finished_when_the_program_ends() -> None:
    script = """
finished = []
def slow(ctx, text):
    if text == "0":
        running.set()
        threading.Event().wait(0.3)
    finished.append(text)
    if len(finished) == 300:
        print("all", flush=True)
router.add("event", slow, event=GROUP)
for number in range(300):
    dispatcher.offer(an_event(str(number)))
running.wait(10)
"""
    done = run(script, grace=10)
    assert (done.stdout, done.stderr, done.returncode) == ("all\n", "", 0)
