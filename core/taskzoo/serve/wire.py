"""JSON as ``zoo predict`` prints it, and responses that carry it."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

from taskzoo.escapes import visible_json

from .failures import HttpError

JSON = "application/json"


def json_line(value: Any) -> str:
    """``value`` as a line of ``zoo predict``."""
    return visible_json(json.dumps(value, ensure_ascii=False, allow_nan=False))


def json_response(text: str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A response of JSON; half characters, which UTF-8 cannot have, become the escapes of JSON."""
    return Response(f"{text}\n".encode(errors="backslashreplace"), status, headers, JSON)


def error_response(error: HttpError) -> Response:
    """``{"error": "one sentence"}``."""
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return json_response(json_line({"error": str(error)}), error.status, headers)
