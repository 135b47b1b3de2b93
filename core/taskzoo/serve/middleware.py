"""What happens around every request: the API key, counting, and headers for browsers."""

from __future__ import annotations

import hmac
import time

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .failures import HttpError
from .metrics import Metrics
from .wire import error_response

OPEN = frozenset({"/health", "/v2/health/live", "/v2/health/ready"})
"""Paths that need no key, besides the page itself (``GET /``)."""


class ApiKey:
    """Refuse requests without the key, which is compared in constant time."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app, self._key = app, key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _is_open(scope) or self._has_key(Request(scope)):
            await self._app(scope, receive, send)
            return
        error = HttpError(401, "The API key is missing or wrong; send the header Authorization: Bearer KEY.")
        await error_response(error)(scope, receive, send)

    def _has_key(self, request: Request) -> bool:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        given = token.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")
        return hmac.compare_digest(given.encode(), self._key)


def _is_open(scope: Scope) -> bool:
    reads = scope["method"] in ("GET", "HEAD")
    return reads and (scope["path"] in OPEN or scope["path"] == "/")


class OneLength:
    """Refuse requests that say twice how long they are: a proxy in front may have believed the other one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not {b"content-length", b"transfer-encoding"} <= {n for n, _ in scope["headers"]}:
            await self._app(scope, receive, send)
            return
        response = error_response(
            HttpError(400, "The request has Content-Length and Transfer-Encoding; send one of them.")
        )
        response.headers["Connection"] = "close"
        await response(scope, receive, send)


class Counting:
    """Count requests by endpoint and status."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begin, status = time.perf_counter(), 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-content-type-options", b"nosniff")]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            name = getattr(scope.get("endpoint"), "__name__", "none")
            self._metrics.request(name, status, time.perf_counter() - begin)
