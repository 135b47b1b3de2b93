"""The process around the application: its socket, its connections, and its end."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from taskzoo.errors import RequestError

from .wire import json_line

BACKLOG, CONNECTIONS = 2048, 1000
"""Connections that wait to be accepted, and that are open at once; of more, requests are refused with 503."""
LATE_SECONDS = 1.0
"""For the headers of a connection that was accepted while the server stops."""


class Connection(H11Protocol):
    """One connection. What is not HTTP is answered in JSON, and headers have to arrive in time."""

    header_seconds = 30.0
    _timer: asyncio.TimerHandle | None = None

    def stops(self) -> bool:
        """Whether the server takes no more requests."""
        return False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.stops():
            self.header_seconds = LATE_SECONDS
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.stops() and self.cycle is not None:
            self.cycle.keep_alive = False
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_watching()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        error = sys.exception()
        if isinstance(error, h11.RemoteProtocolError) and error.error_status_hint == 431:
            self._refuse(b"431 Request Header Fields Too Large", "The request has too long headers.")
        else:
            self._refuse(b"400 Bad Request", "This is not an HTTP request that can be understood.")

    def _watch(self) -> None:
        """The clock runs from the first byte of a request (or from the connection) to the end of its headers."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_watching()
        elif self._timer is None:
            self._timer = self.loop.call_later(self.header_seconds, self._late)

    def _stop_watching(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        if self.conn.their_state is h11.SEND_BODY:  # it was answered already, and the rest of its body does not end
            self.transport.close()
            return
        self._refuse(b"408 Request Timeout", f"The request did not arrive within {self.header_seconds:g} seconds.")

    def _refuse(self, status: bytes, message: str) -> None:
        if self.transport.is_closing():
            return
        body = f"{json_line({'error': message})}\n".encode()
        head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        self.transport.write(head % (status, len(body)) + body)
        self.transport.close()


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 takes any that is free.

    Raises:
        RequestError: that is impossible.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        what = error.strerror if isinstance(error, OSError) else "ports go from 0 to 65535"
        raise RequestError(f"Cannot listen at {host}, port {port}: {what}; choose another --host or --port.") from None


def make_server(app: ASGIApp, timeout: float, started: Callable[[], object] = lambda: None) -> uvicorn.Server:
    """A server; ``.run(sockets=[listen(...)])`` serves until SIGTERM or Ctrl-C, answers what it accepted, and returns.

    In the main thread, it installs signal handlers while it runs, and at its end raises the signal again for the
    handlers of its caller.

    Args:
        app: the application.
        timeout: seconds that a request may take to arrive, and again to be answered.
        started: is called when requests are answered.
    """

    class Own(Connection):
        header_seconds = timeout

        def stops(self) -> bool:
            return server.should_exit

    config = uvicorn.Config(
        app,
        http=Own,
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=int(2 * timeout) + 5,
    )
    server = _Server(config, started)
    return server


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, started: Callable[[], object]) -> None:
        super().__init__(config)
        self._told = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._told()
