"""What the hub answers, in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from taskzoo.errors import RequestError, TaskZooError
from taskzoo.hub_access import hub_access, unreachable_hub

OFFLINE = "Try again with a connection; for a mirror set HF_ENDPOINT."


@contextmanager
def explain_hub_errors(what: str, *, bars: bool = False) -> Iterator[None]:
    """Talk to the hub within this context; ``what`` begins the sentence of an error.

    Raises:
        RequestError: the hub cannot be reached, or refuses.
    """
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError

    with hub_access(), nullcontext() if bars else _without_bars():
        try:
            yield
        except TaskZooError:
            raise
        except HFValidationError as error:
            raise RequestError(f"{what}: {' '.join(str(error).split())[:200]}") from None
        except LocalTokenNotFoundError:
            raise RequestError(f"{what}: {_LOG_IN}") from None
        except HfHubHTTPError as error:
            raise RequestError(f"{what}: {_refusal(error)}") from None
        except Exception as error:  # whatever the client raises where the connection breaks off
            raise RequestError(f"{what}: {_no_connection(error)}") from None


_LOG_IN = "you are not logged in to the hub; run `hf auth login`, or set HF_TOKEN to a token with write access."


def _refusal(error: Exception) -> str:
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

    response = error.response if isinstance(error, HfHubHTTPError) else None
    code = 0 if response is None else response.status_code
    if isinstance(error, GatedRepoError):
        return "its authors must let you in first; ask on its page, then run `hf auth login`."
    if isinstance(error, RevisionNotFoundError):
        return "the hub has no such revision of it."
    if isinstance(error, RepositoryNotFoundError):
        return "the hub has no model of that name that you may see; check the name, and log in with `hf auth login`."
    if code in (401, 403):
        return "the hub does not let you write there; run `hf auth login` with a token that may, or take another name."
    said = " ".join(str(getattr(error, "server_message", "") or error).split())[:200]
    return f"the hub answered {code}: {said}"


def _no_connection(error: Exception) -> str:
    if why := unreachable_hub():
        return f"{why}, and it is not on this machine. {OFFLINE}"
    return f"{' '.join(str(error).split())[:200]}"


@contextmanager
def _without_bars() -> Iterator[None]:
    """No progress bars of ``huggingface_hub``; as they were afterwards."""
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    before = are_progress_bars_disabled()
    disable_progress_bars()
    try:
        yield
    finally:
        if not before:
            enable_progress_bars()
