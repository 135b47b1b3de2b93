"""Whether the hub can be reached, found out once and quickly, so that nothing waits for retries that must fail."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

KEPT_SECONDS = 60.0
"""How long an answer holds."""

_lock = threading.RLock()
_answers: dict[str, tuple[float, str]] = {}


@contextmanager
def hub_access() -> Iterator[None]:
    """Within it, ``huggingface_hub`` uses what is on this machine and nothing else, if the hub cannot be reached.

    Without it every file is asked for six times, with waits between, and a warning each time. One thread at a time.
    """
    from huggingface_hub import constants

    with _lock:
        before = constants.HF_HUB_OFFLINE
        constants.HF_HUB_OFFLINE = before or bool(why_unreachable())
        try:
            yield
        finally:
            constants.HF_HUB_OFFLINE = before


def why_unreachable() -> str:
    """Why the hub cannot be reached, in words; ``""``: it can. One request, waited for 10 seconds at most."""
    from huggingface_hub import constants

    endpoint = constants.ENDPOINT
    with _lock:
        when, answer = _answers.get(endpoint, (0.0, ""))
        if when and time.monotonic() - when < KEPT_SECONDS:
            return answer
        if constants.HF_HUB_OFFLINE:
            return "HF_HUB_OFFLINE is set"
        answer = _ask(endpoint, float(constants.HF_HUB_ETAG_TIMEOUT))
        _answers[endpoint] = time.monotonic(), answer
        return answer


def unreachable_hub() -> str:
    """``the hub (https://huggingface.co) cannot be reached: no route to host``; ``""``: it can be."""
    from huggingface_hub import constants

    why = why_unreachable()
    return f"the hub ({constants.ENDPOINT}) cannot be reached ({why})" if why else ""


def _ask(endpoint: str, seconds: float) -> str:
    """Any answer at all means that it is there. In a thread, since looking a name up has no time limit."""
    found: list[str] = []

    def ask() -> None:
        from huggingface_hub import get_session

        try:
            get_session().head(endpoint, timeout=seconds)
        except Exception as error:  # whatever the client raises for an address that does not answer
            found.append(_words(error))
        else:
            found.append("")

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    return found[0] if found else f"no answer within {seconds:g} seconds"


def _words(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text.partition("] ")[2] or text if text.startswith("[Errno") else text[:120]
