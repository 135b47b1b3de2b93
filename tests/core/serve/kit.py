"""A model that does as it is told, and a server around it on the loopback interface."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2 as httpx

from taskzoo.errors import DataError
from taskzoo.serve.app import make_app
from taskzoo.serve.limits import Limits
from taskzoo.serve.served import Served
from taskzoo.serve.server import listen, make_server


@dataclass
class Echo:
    """Repeats its inputs. ``bad`` is an input that cannot be used, ``broken`` one that it crashes on."""

    free: threading.Event = field(default_factory=threading.Event)
    batches: list[list[Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.free.set()

    def predict(
        self, inputs: list[Any], *, min_confidence: float | None = None, coverage: float | None = None
    ) -> list[dict[str, Any]]:
        self.batches.append(list(inputs))
        assert self.free.wait(30)
        texts = [value["text"] if isinstance(value, dict) else value for value in inputs]
        for number, text in enumerate(texts, 1):
            if text == "bad":
                raise DataError("the text is bad.", file="input", line=number)
            if text == "broken":
                raise ZeroDivisionError("a secret of the server")
        return [{"text": text, "label": "a", "score": 0.75, "scores": {"a": 0.75, "b": 0.25}} for text in texts]


def served(model: Echo, name: str = "echo") -> Served:
    return Served(name, "classification", ("text",), model, tensors={"label": "BYTES", "score": "FP64"})


@dataclass
class Running:
    """A server that answers at ``url``."""

    url: str
    port: int
    server: Any
    thread: threading.Thread

    def client(self, **settings: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=30, verify=False, **settings)  # TLS costs a second

    def post(self, path: str, value: Any = None, **settings: Any) -> httpx.Response:
        with self.client() as client:
            return client.post(path, json=value, **settings) if value is not None else client.post(path, **settings)

    def get(self, path: str, **settings: Any) -> httpx.Response:
        with self.client() as client:
            return client.get(path, **settings)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)


@contextlib.contextmanager
def running(*models: Served, key: str | None = None, **limits: Any) -> Iterator[Running]:
    """A server of these models in a thread of this process."""
    ready = threading.Event()
    chosen = Limits(**limits)
    server = make_server(make_app(models, chosen, key), chosen.timeout, ready.set)
    with listen("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            assert ready.wait(20)
            yield Running(f"http://127.0.0.1:{port}", port, server, thread)
        finally:
            server.should_exit = True
            thread.join(30)
            assert not thread.is_alive()


def read_response(connection: socket.socket) -> tuple[int, bytes]:
    """Status and body of the one response that a connection gives until it is closed."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while chunk := connection.recv(65536):
            received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until it holds, or fail."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
