"""A simulator and a bot's client wired to it, for tests: what the pytest fixture `qqbot` gives."""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any

from qqbot_sync.client import BotClient, ConnectionState
from qqbot_sync.config import Environment

if TYPE_CHECKING:
    from qqbot_sync.simulator import Said, Simulator

__all__ = ["BotTest"]

DRAIN = 2.0
"""Seconds that handlers still running get at the end of a test."""


class BotTest:
    """A running simulator and a client wired to it; a context manager. Thread-safe but for `client` and `load`.

        def test_echo(qqbot):
            qqbot.client.on_message()(lambda ctx, message: ctx.reply(message.content))
            assert qqbot.say("小明", "group", "你好").replies()[0].content == "你好"

    The client starts with the first thing that a person does: handlers are registered before. Everything that is not
    here is a method of `simulator` (`drop`, `fail_http`, `log`, …) or of `client`.

    Args:
        simulator: a running one; it stays the caller's.
    """

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self._errors: SimpleQueue[BaseException] = SimpleQueue()
        self._client: BotClient | None = None
        self._lock = threading.Lock()
        self._started = False
        self._modules: dict[str, ModuleType | None] = {}
        self._paths: list[str] = []

    # ---------------------------------------------------------------- the bot

    @property
    def client(self) -> BotClient:
        """The client under test. Assign one of your own before the first message; it must be wired to this simulator,
        as `BotClient()` is while the fixture is there.

        Raises:
            ValueError: a client of another place, such as QQ itself.
            RuntimeError: the client has been started already.
        """
        if self._client is None:
            qq = self.simulator
            self.client = BotClient(qq.app_id, qq.secret, environment=Environment.local(qq.url))
        assert self._client is not None
        return self._client

    @client.setter
    def client(self, client: BotClient) -> None:
        if not isinstance(client, BotClient):
            raise TypeError(f"client 必须是 BotClient / client must be a BotClient, not {client!r}")
        if self._started:
            raise RuntimeError("client 已经启动,请在说话之前赋值 / the client runs already; assign it before that")
        if client.api.environment.api_url.rstrip("/") != self.simulator.url:
            raise ValueError(
                f"client 连的是 {client.api.environment.api_url},不是模拟器;请在测试里创建它 / the client goes to "
                f"{client.api.environment.api_url}, not to the simulator; make it inside the test, by BotClient()"
            )
        self._client = client
        client.on_error(self._failed)

    def load(self, path: str | Path, name: str | None = None) -> BotClient:
        """Imports a bot's file afresh and takes the client in it; the file must not call `run_forever()` on import.

        Args:
            path: of the file, whose folder can be imported from while the test runs.
            name: of the client in it; None when there is one only.

        Raises:
            ValueError: no such client, or several and no name.
        """
        module = self._import(Path(path))
        clients = {key: value for key, value in vars(module).items() if isinstance(value, BotClient)}
        found = {id(client): client for client in clients.values()} if name is None else {0: clients.get(name)}
        if len(found) != 1 or None in found.values():
            raise ValueError(
                f"{path} 里的 BotClient / the BotClients in {path}: {', '.join(clients) or '-'}; "
                "请用 name= 指明一个 / name one of them with name="
            )
        (client,) = found.values()
        assert client is not None
        self.client = client
        return client

    def start(self, timeout: float = 10) -> BotTest:
        """Connects the client if it is not connected yet; `say` and its like do it by themselves.

        Raises:
            BotError: it cannot connect, as `BotClient.start` says it.
        """
        with self._lock:
            client = self.client
            if not self._started:
                if client.state is ConnectionState.STOPPED:
                    client.start(timeout)
                self._started = True
        return self

    # ---------------------------------------------------------------- the persons

    def say(
        self, user: str, where: str, text: str, *, at_bot: bool = True, attachments: Sequence[Mapping[str, Any]] = ()
    ) -> Said:
        """A person writes; see `Simulator.say`."""
        return self.start().simulator.say(user, where, text, at_bot=at_bot, attachments=attachments)

    def press(self, user: str, where: str, button: str, *, data: str | None = None) -> Said:
        """A person presses a button; see `Simulator.press`."""
        return self.start().simulator.press(user, where, button, data=data)

    def join(self, user: str, where: str) -> Said:
        """A person joins; see `Simulator.join`."""
        return self.start().simulator.join(user, where)

    def leave(self, user: str, where: str) -> Said:
        """A person leaves; see `Simulator.leave`."""
        return self.start().simulator.leave(user, where)

    def push(self, name: str, d: Any, *, id: str | None = None) -> Said:
        """Dispatches any event; see `Simulator.push`."""
        return self.start().simulator.push(name, d, id=id)

    def next_error(self, timeout: float = 5) -> BaseException:
        """Waits for a handler to raise, and takes the error: it was expected. What nobody takes fails the test.

        Raises:
            AssertionError: nothing was raised within `timeout` seconds.
        """
        try:
            return self._errors.get(timeout=timeout)
        except Empty:
            raise AssertionError(f"{timeout:g} 秒内没有处理函数出错 / no handler raised in {timeout:g} s") from None

    # ---------------------------------------------------------------- the end

    def close(self) -> None:
        """Stops the client and forgets what `load` imported.

        Raises:
            AssertionError: a handler raised, and nobody took the error.
        """
        try:
            if self._client is not None:
                self._client.stop(DRAIN)
        finally:
            self._forget_modules()
        errors = [self._errors.get() for _ in range(self._errors.qsize())]
        if errors:
            said = ", ".join(repr(error) for error in errors)
            advice = "预期之中的请用 qqbot.next_error() 取走 / take expected ones with qqbot.next_error()"
            raise AssertionError(f"处理函数出错 / handlers raised: {said}; {advice}") from errors[0]

    def __enter__(self) -> BotTest:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<BotTest {self.simulator!r}>"

    def _failed(self, _ctx: object, error: BaseException) -> None:
        self._errors.put(error)

    def _import(self, path: Path) -> ModuleType:
        spec = importlib.util.spec_from_file_location(path.stem, path)
        if spec is None or spec.loader is None or not path.is_file():
            raise ValueError(f"不是 Python 文件 / not a Python file: {path}")
        module = importlib.util.module_from_spec(spec)
        self._modules.setdefault(path.stem, sys.modules.get(path.stem))
        sys.modules[path.stem] = module
        self._paths.append(str(path.resolve().parent))
        sys.path.insert(0, self._paths[-1])
        spec.loader.exec_module(module)
        return module

    def _forget_modules(self) -> None:
        for name, before in self._modules.items():
            if before is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = before
        for path in self._paths:
            if path in sys.path:
                sys.path.remove(path)
        self._modules, self._paths = {}, []
