"""What a client is told when there is no answer: a status and one sentence, never a traceback."""

from __future__ import annotations

import re

from taskzoo.errors import DataError, RequestError, TaskZooError, short_message

_PLACE = re.compile(r"^input(:\d+)?: ")
_ADVICE = re.compile(r"(; name it with|; fill it in| From Python).*")
"""How to name columns or repair rows of files, which a request does not have."""


class HttpError(Exception):
    """A request that is not answered.

    Args:
        status: the HTTP status.
        message: one sentence for a person.
        retry_after: seconds after which it may be tried again.
    """

    def __init__(self, status: int, message: str, retry_after: int | None = None) -> None:
        super().__init__(short_message(message))
        self.status, self.retry_after = status, retry_after


def input_error(error: BaseException, number: int, count: int) -> HttpError:
    """Why the model gave no prediction for input ``number`` (from 1) of ``count``, as the client is told.

    Only errors about the input are shown; others are the server's own affair and stand in its log.
    """
    if isinstance(error, HttpError):
        return error
    if not isinstance(error, RequestError):
        damaged = f": {error}" if isinstance(error, TaskZooError) else "; the server's log says why."
        return HttpError(500, f"The model failed on this input{damaged}")
    message = _ADVICE.sub(".", _PLACE.sub("", str(error)))
    if count > 1:
        return HttpError(422, f"Input {number}: {message}")
    return HttpError(422, f"{message[:1].upper()}{message[1:]}" if isinstance(error, DataError) else message)
