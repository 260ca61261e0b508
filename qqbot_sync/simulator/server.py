"""One port for everything: accepts, tells HTTP from WebSocket, and serves each connection on a thread of its own."""

from __future__ import annotations

import itertools
import logging
import selectors
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from pathlib import Path

__all__ = ["Server"]

_log = logging.getLogger("qqbot_sync.simulator")
_BACKLOG = 512
_HANDSHAKE = 10.0
"""Seconds a client has for its TLS handshake."""


class Server:
    """A listening socket and the threads of its connections. `start` and `stop` belong to one thread; `refuse` and
    `accept_again` are thread-safe.

    Args:
        host: the address to listen on.
        port: 0 picks a free one.
        serve: serves one connection until it ends; called on a thread of its own, closes nothing.
        certificate: files of a certificate chain and its key; None speaks plain TCP.
    """

    def __init__(
        self,
        host: str,
        port: int,
        serve: Callable[[socket.socket], None],
        *,
        certificate: tuple[str | Path, str | Path] | None = None,
    ) -> None:
        self._address = (host, port)
        self._serve = serve
        self._tls = _tls(certificate) if certificate is not None else None
        self._lock = threading.Lock()
        self._connections: dict[int, tuple[threading.Thread, socket.socket]] = {}
        self._numbers = itertools.count(1)
        self._listener: socket.socket | None = None
        self._refuses = False
        self._ends = False
        self._obeyed = threading.Event()

    @property
    def scheme(self) -> str:
        """ "http" or "https"."""
        return "http" if self._tls is None else "https"

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, known once started."""
        return self._address

    def start(self) -> None:
        """Listens.

        Raises:
            OSError: the port is in use, or the address is none of this machine.
        """
        self._ends = self._refuses = False
        self._listener = self._bind()
        self._listener.listen(_BACKLOG)
        self._address = (self._address[0], self._listener.getsockname()[1])
        self._wake_out, self._wake_in = socket.socketpair()
        self._thread = threading.Thread(target=self._accept, name="qqbot-sim-accept", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stops listening, ends every connection and joins every thread."""
        with self._lock:
            self._ends = True
        self._wake_out.send(b"!")
        self._thread.join()
        if self._listener is not None:
            self._listener.close()
        self._wake_out.close()
        self._wake_in.close()
        with self._lock:
            connections = list(self._connections.values())
        for _, sock in connections:
            _shut(sock)
        for thread, _ in connections:
            thread.join()

    def refuse(self) -> None:
        """New connections are refused, as if nobody listened, until `accept_again`. The port stays ours."""
        self._set_refusing(True)

    def accept_again(self) -> None:
        """Ends `refuse`."""
        self._set_refusing(False)

    def _set_refusing(self, refuses: bool) -> None:
        with self._lock:
            if self._ends or self._refuses == refuses:
                return
            self._refuses = refuses
            self._obeyed.clear()
        self._wake_out.send(b"!")
        self._obeyed.wait(5.0)

    def _bind(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            if sys.platform != "win32":
                # On Windows this option would let two programs listen on one port.
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(self._address)
        except OSError as error:
            listener.close()
            host, port = self._address
            raise OSError(
                error.errno,
                f"无法监听 {host}:{port},端口可能已被占用,请换一个或用 0 / cannot listen on {host}:{port}, "
                f"the port may be in use; choose another, or 0 for any free one ({error.strerror})",
            ) from error
        listener.setblocking(False)
        return listener

    def _accept(self) -> None:
        while True:
            with selectors.DefaultSelector() as selector:
                selector.register(self._wake_in, selectors.EVENT_READ)
                if self._listener is not None and not self._refuses:
                    selector.register(self._listener, selectors.EVENT_READ)
                if not self._accept_until_told(selector):
                    return

    def _accept_until_told(self, selector: selectors.BaseSelector) -> bool:
        while True:
            ready = {key.fileobj for key, _ in selector.select()}
            if self._wake_in in ready:
                self._wake_in.recv(4096)
                if self._ends:
                    return False
                self._turn()
                return True
            self._take()

    def _turn(self) -> None:
        """Swaps the listener for a socket that only holds the port, or has that socket listen."""
        try:
            if self._refuses or self._listener is None:
                if self._listener is not None:
                    self._listener.close()
                    self._listener = None
                self._listener = self._bind()
            if not self._refuses:
                self._listener.listen(_BACKLOG)
        except OSError:
            _log.exception("the port was lost while connections were refused")
        finally:
            self._obeyed.set()

    def _take(self) -> None:
        assert self._listener is not None
        try:
            sock, _ = self._listener.accept()
        except OSError:
            # The client has gone again, or the process is out of descriptors: the next one may do better.
            return
        number = next(self._numbers)
        thread = threading.Thread(
            target=self._run, args=(number, sock), name=f"qqbot-sim-connection-{number}", daemon=True
        )
        with self._lock:
            self._connections[number] = (thread, sock)
        thread.start()

    def _run(self, number: int, sock: socket.socket) -> None:
        try:
            sock.setblocking(True)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                sock.settimeout(_HANDSHAKE)
                sock = self._tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
                with self._lock:
                    if self._ends:
                        return
                    self._connections[number] = (threading.current_thread(), sock)
                sock.do_handshake()
                sock.settimeout(None)
            self._serve(sock)
        except OSError as error:
            _log.debug("connection %d ended: %r", number, error)
        except Exception:  # noqa: BLE001  logged; the other connections go on
            _log.exception("connection %d failed", number)
        finally:
            sock.close()
            with self._lock:
                self._connections.pop(number, None)


def _tls(certificate: tuple[str | Path, str | Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


def _shut(sock: socket.socket) -> None:
    try:
        # Past the TLS object: its own shutdown would talk to a peer that may not listen.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
    except OSError:
        pass
