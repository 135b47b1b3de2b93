"""The binary tensor data extension of the Open Inference Protocol, which Triton's client uses unless told otherwise.

The body is the JSON of the plain protocol, whose length a header gives, and after it the data of the tensors that have
``binary_data_size`` in place of ``data``. Requests become the plain protocol here, and its responses become these.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from starlette.responses import Response

from taskzoo.errors import shown

from .failures import HttpError
from .wire import json_line, json_response

NAME = "binary_tensor_data"
HEADER = "Inference-Header-Content-Length"


def split_body(body: bytes, header: str | None) -> tuple[bytes, bytes]:
    """The JSON of a body, and the data after it.

    Raises:
        HttpError: 400, the header is not a length within the body.
    """
    if header is None:
        return body, b""
    if not (header.isdecimal() and len(header) < 20 and int(header) <= len(body)):
        raise HttpError(400, f"The header {HEADER} is {shown(header)}, and the body has {len(body)} bytes.")
    return body[: int(header)], body[int(header) :]


def read_binary(body: Any, data: bytes) -> Any:
    """The JSON of a request, with the texts that ``data`` has of each tensor.

    Raises:
        HttpError: 400, the data is not that of the tensors.
    """
    tensors = body.get("inputs") if isinstance(body, dict) else None
    at = 0
    for tensor in tensors if isinstance(tensors, list) else ():
        parameters = tensor.get("parameters") if isinstance(tensor, dict) else None
        size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
        if size is None:
            continue
        left = len(data) - at
        if type(size) is not int or not 0 <= size <= left:
            raise HttpError(400, f"A tensor has the binary_data_size {shown(size)}; {left} bytes are left for it.")
        tensor["data"], at = list(_texts(data[at : at + size])), at + size
    if at < len(data):
        raise HttpError(400, f"The body has {len(data) - at} bytes more than its tensors; check {HEADER}.")
    return body


def _texts(data: bytes) -> Iterator[str]:
    """Each text is its number of bytes, in four bytes, and its UTF-8."""
    at = 0
    while at < len(data):
        begin = at + 4
        at = begin + int.from_bytes(data[at:begin], "little")
        if len(data) < at:
            raise HttpError(400, "A tensor's binary data ends within a text; each is its length in 4 bytes, and UTF-8.")
        try:
            yield data[begin:at].decode()
        except UnicodeDecodeError:
            raise HttpError(400, "A tensor's binary data holds a text that is not UTF-8.") from None


def answer_response(answer: dict[str, Any], body: dict[str, Any]) -> Response:
    """The response, with the tensors as binary data that the request ``body`` asks for in that form."""
    wanted = {item["name"]: item for item in body.get("outputs") or ()}
    chosen = [
        tensor
        for tensor in answer["outputs"]
        if _flag(wanted.get(tensor["name"]), "binary_data", _flag(body, "binary_data_output", default=False))
    ]
    if not chosen:
        return json_response(json_line(answer))
    parts = []
    for tensor in chosen:
        parts.append(_packed(tensor["datatype"], tensor.pop("data")))
        tensor["parameters"] = {"binary_data_size": len(parts[-1])}
    head = json_line(answer).encode(errors="backslashreplace")
    return Response(b"".join((head, *parts)), headers={HEADER: str(len(head))}, media_type="application/octet-stream")


def _flag(item: dict[str, Any] | None, name: str, default: bool) -> bool:
    parameters = item.get("parameters") if item else None
    return bool(parameters.get(name, default)) if isinstance(parameters, dict) else default


def _packed(datatype: str, values: list[Any]) -> bytes:
    if datatype == "FP64":
        return struct.pack(f"<{len(values)}d", *(float("nan") if value is None else value for value in values))
    texts = [value.encode(errors="backslashreplace") for value in values]
    return b"".join(len(text).to_bytes(4, "little") + text for text in texts)
