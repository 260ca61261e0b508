"""What this package says to people about handlers: every text in one place, Chinese first."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from qqbot_sync.events import spec_of

if TYPE_CHECKING:
    from qqbot_sync.clock import Clock

__all__ = ["WARN_EVERY", "Reminder", "log"]

log = logging.getLogger("qqbot_sync.dispatch")

WARN_EVERY = 60.0
"""Seconds between two warnings of the same kind."""


class Reminder:
    """Warns of a number that grows, at most once a minute. Thread-safe."""

    def __init__(self, clock: Clock, text: Callable[[int], str]) -> None:
        self._clock = clock
        self._text = text
        self._lock = threading.Lock()
        self._told = 0
        self._told_at: float | None = None

    def look(self, total: int, *, last: bool = False) -> None:
        """Warns of what came on top since the last warning, unless that is less than a minute ago (and not `last`)."""
        now = self._clock.now()
        with self._lock:
            grown = total - self._told
            if grown <= 0 or not (last or self._told_at is None or now - self._told_at >= WARN_EVERY):
                return
            self._told, self._told_at = total, now
        log.warning(self._text(grown))


FORMS = {
    "event": "def {name}(ctx, event): ...",
    "message": "def {name}(ctx, message): ...",
    "raw": "def {name}(ctx, envelope): ...",
    "start": "def {name}(ctx, ready): ...",
    "ready": "def {name}(ctx, ready): ...",
    "resumed": "def {name}(ctx, nothing): ...",
    "error": "def {name}(ctx, error): ...",
    "where": "def {name}(message): ...",
    "check": "def {name}(ctx): ...",
}
"""The form a function must have, by what it is used for."""


def not_callable(what: str, fn: object) -> str:
    form = FORMS[what].format(name="handler")
    return f"处理函数必须可调用,应写成 {form} / a handler must be callable, like {form} – not {fn!r}"


def wrong_arguments(what: str, name: str, signature: object) -> str:
    form = FORMS[what].format(name=name.rpartition(".")[2] if name.rpartition(".")[2].isidentifier() else "handler")
    return (
        f"{name}{signature} 的参数个数不对,应写成 {form} / "
        f"{name}{signature} takes the wrong number of arguments; write it as {form}"
    )


def is_async(name: str) -> str:
    return (
        f"{name} 是 async 函数,这里不会有人 await 它;请去掉 async 和 await,直接写阻塞代码 / "
        f"{name} is an async function and nobody would await it; drop `async` and `await` and write blocking code"
    )


def is_generator(name: str) -> str:
    return (
        f"{name} 是生成器(含 yield),调用它什么也不会执行;请去掉 yield / "
        f"{name} is a generator (it has a `yield`): calling it would run nothing; drop the `yield`"
    )


def handler_class(name: str) -> str:
    return f"请传入实例 {name}(),而不是类 / pass an instance, {name}(), not the class {name}"


def not_a_handler(value: object) -> str:
    return (
        f"handler 必须是 EventHandler 的实例 / handler must be an instance of an EventHandler subclass, not {value!r}"
    )


def target_not_model(name: str) -> str:
    return (
        f"这里的 {name} 是 send() 的目标,不是事件模型;请用 from qqbot_sync.models import {name} / "
        f"this {name} is a target of send(), not a model; use `from qqbot_sync.models import {name}`"
    )


def model_without_event(name: str) -> str:
    return (
        f'没有事件携带 {name};请写事件名,例如 on("GROUP_AT_MESSAGE_CREATE") / '
        f'no event carries a {name}; name the event, like on("GROUP_AT_MESSAGE_CREATE")'
    )


def not_an_event(value: object) -> str:
    return (
        f"on() 需要事件名、Event 成员或模型类 / on() takes an event's name, a member of Event or a model class, "
        f"not {value!r}"
    )


def on_without_event(name: str) -> str:
    return (
        f'on 需要事件名:@client.on("GROUP_AT_MESSAGE_CREATE");要接收所有消息请用 @client.on_message() / '
        f'on needs an event: @client.on("GROUP_AT_MESSAGE_CREATE"); for every message use @client.on_message() '
        f"({name})"
    )


def near_miss(name: str, near: str, where: str) -> str:
    return (
        f"没有名为 {name} 的事件,是否想写 {near}?({where}) / "
        f"there is no known event {name}; did you mean {near}? It is registered as written ({where})"
    )


def near_method(name: str, near: str, where: str) -> str:
    return (
        f"方法 {name} 不对应任何事件,不会被调用,是否想写 {near}?({where}) / "
        f"the method {name} belongs to no event and will not be called; did you mean {near}? ({where})"
    )


def never_asked(model: str, names: str, bits: str, where: str) -> str:
    return (
        f'on({model}) 不会申请特殊权限 {bits},可能收不到事件;请写 on("{names.split(", ")[0]}") 或 intents=({where}) / '
        f"on({model}) does not ask for {bits}, which has to be applied for, so its events may never come; "
        f"name the event ({names}) or pass intents= ({where})"
    )


def replaced(name: str) -> str:
    return f"{name} 重新定义,替换旧的处理函数 / {name} was defined again and replaces the older handler"


def executor_pickles(kind: str) -> str:
    return (
        f"executor={kind} 会把任务送到别的进程或解释器,处理函数无法在那里运行;请用 ThreadPoolExecutor / "
        f"executor={kind} moves tasks to another process or interpreter, where handlers cannot run; "
        f"use a ThreadPoolExecutor"
    )


def no_executor(value: object) -> str:
    return (
        f"executor 必须是 concurrent.futures.Executor / executor must be a concurrent.futures.Executor, not {value!r}"
    )


def executor_refuses(kind: str) -> str:
    return (
        f"您的 executor({kind})不再接受任务,事件无法处理,机器人停止接收;请在 client.stop() 之后再关闭它 / "
        f"your executor ({kind}) takes no more tasks, so no event can be handled and the bot stops receiving; "
        f"shut it down after client.stop()"
    )


NO_THREAD = (
    "系统无法创建新线程,事件暂时等待,每秒重试 / "
    "the system cannot start another thread; events wait, and it is tried again each second"
)
THREAD_DIED = "内部线程意外结束,机器人停止接收 / an internal thread ended unexpectedly; the bot stops receiving"
TASK_FAILED = "工作线程内部错误,机器人继续运行 / an internal error in a worker; the bot goes on"
TOO_MANY_WAITING = (
    "同时等待(ask、wait_for)的处理函数太多,请增大 max_waiting / "
    "too many handlers wait in ask or wait_for at the same time; raise max_waiting"
)
WATCH_CLOSED = "等待已取消 / the wait was cancelled"
CLIENT_STOPPED = "机器人已停止 / the client was stopped"
PROGRAM_ENDS = "程序正在退出 / the program is ending"
NOBODY_TO_ASK = (
    "这个事件没有发送者,无法等待其回答;请用 wait_for / "
    "this event has no author whose answer could be awaited; use wait_for"
)
RUN_ONCE = "一个 Dispatcher 只能运行一次 / a Dispatcher runs once: make a new one for the next start"
DRAIN_IN_HANDLER = (
    "处理函数不能等待自己结束 / a handler cannot wait for the handlers to end: drain() was called inside one"
)


def left_behind(count: int) -> str:
    return (
        f"程序结束,还有 {count} 个事件未开始处理;使用 SqliteStore 时下次启动会再次收到 / "
        f"the program ends and {count} events were not begun: with a SqliteStore they come again at the next start"
    )


def nothing_came(timeout: float | None) -> str:
    return f"{timeout:g} 秒内没有等到 / nothing came within {timeout:g} s" if timeout is not None else ""


def events_dropped(dropped: int, policy: str, size: int) -> str:
    return (
        f"队列已满({size}),按 {policy} 丢弃了 {dropped} 个事件;请加快处理函数、增大 workers 或 queue_size / "
        f"the queue is full ({size}) and {dropped} events were dropped ({policy}); "
        f"make handlers faster, or raise workers or queue_size"
    )


def watch_dropped(dropped: int) -> str:
    return (
        f"events() 的缓冲已满,丢弃了 {dropped} 个最旧的事件;请更快地取走事件 / "
        f"a buffer of events() is full and {dropped} of its oldest events were forgotten; fetch them faster"
    )


def handler_is_slow(handler: str, seconds: float, stack: str) -> str:
    return (
        f"处理函数 {handler} 已运行 {seconds:.0f} 秒 / handler {handler} has been running for {seconds:.0f} s; "
        f"it is left alone, this is where it is:\n{stack}"
    )


def queue_fills(depth: int, size: int) -> str:
    return (
        f"事件队列已用 {depth}/{size},请增加 workers 或加快处理 / the event queue holds {depth} of {size}: "
        "handlers do not keep up; more workers=, or quicker handlers"
    )


def pool_exhausted(workers: int, doing: str) -> str:
    return (
        f"全部 {workers} 个工作线程都在忙,事件在等待 / all {workers} workers are busy and events wait; "
        f"they are at:\n{doing}"
    )


def handler_failed(handler: str, event: str, event_id: str | None) -> str:
    return (
        f"处理函数 {handler} 处理 {event}({event_id})时出错 / "
        f"the handler {handler} failed on {event} (event id {event_id})"
    )


def handler_interrupted(handler: str, event: str, event_id: str | None) -> str:
    return (
        f"{handler} 正在等待时机器人停止({event} {event_id})/ "
        f"{handler} was waiting when the client stopped ({event}, event id {event_id})"
    )


def hook_failed(handler: str, error: BaseException) -> str:
    kind = type(error).__name__
    return f"on_error {handler} 在处理 {kind} 时自己出错 / on_error {handler} failed itself, on a {kind}"


def context_failed(event: str, event_id: str | None) -> str:
    return f"事件 {event}({event_id})无法交给处理函数 / the event {event} ({event_id}) could not be given to handlers"


def nobody_handles(name: str) -> str:
    """A handler stub to paste, for an event that came and that nobody handles."""
    spec = spec_of(name)
    if spec is not None and spec.is_message:
        stub = '@client.on_message()\ndef answer(ctx, message):\n    ctx.reply(f"你说:{message.content}")'
        if name == "MESSAGE_CREATE":
            stub = '@client.on("MESSAGE_CREATE")' + stub.removeprefix("@client.on_message()")
    else:
        short = re.sub(r"\W", "_", name.lower())
        short = short if short.isidentifier() else "handle"
        second = "data" if spec is None or spec.model is None else _snake(spec.model.__name__)
        stub = f'@client.on("{name}")\ndef {short}(ctx, {second}):\n    print({second})'
    return f"收到 {name},但没有处理函数(只提示一次)/ nobody handles {name} (said once); to handle it:\n\n{stub}\n"


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
