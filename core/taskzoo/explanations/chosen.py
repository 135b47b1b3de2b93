"""Which method explains, where nobody names one: the one that was measured to be best for the run."""

from __future__ import annotations

from typing import Any

from taskzoo.errors import RequestError
from taskzoo.runs.directory import read_json

from .asking import Asked
from .explanation import INTEGRATED_GRADIENTS, LEAVE_ONE_OUT, METHODS

FILE = "explain.json"
"""In the run directory: what :mod:`.faithfulness` measured."""
AUTO = "auto"
LONG_TEXT = 300
"""Words above which :data:`AUTO` takes gradients, if there are any: leaving each word out would take long."""


def chosen_method(asked: Asked, method: str, words: int) -> tuple[str, str]:
    """The method for a text of so many words, and a sentence where it is so for their number.

    Raises:
        RequestError: gradients are asked for and cannot be had.
    """
    if method == LEAVE_ONE_OUT:
        return method, ""
    why = why_no_gradients(asked)
    if method != AUTO:
        if why:
            raise RequestError(f"--method {method} needs gradients, and {why}; use --method leave-one-out.")
        return method, ""
    if why:
        return LEAVE_ONE_OUT, ""
    best = measured_best(asked) or METHODS[0]
    if best == LEAVE_ONE_OUT and words > LONG_TEXT:
        return INTEGRATED_GRADIENTS, (
            f"The text has {words:,} words, so that leaving each of them out would take long; these are integrated "
            "gradients. --method leave-one-out does it all the same."
        )
    return best, ""


def methods_of(asked: Asked) -> list[str]:
    """The methods that can be used with a run."""
    return [LEAVE_ONE_OUT] if why_no_gradients(asked) else list(METHODS)


def why_no_gradients(asked: Asked) -> str:
    """Why there are no gradients for a run; ``""``: there are."""
    if asked.exported:
        return "an export has none"
    if not asked.evidence.differentiable:
        return "this task does not say of what they are to be taken"
    if not getattr(asked.run.processor, "is_fast", False):
        return "this model's tokenizer does not tell where in the text its tokens stand"
    from .gradients import check_gradients

    try:
        check_gradients(asked)
    except RequestError as error:
        return str(error).partition(":")[2].partition(";")[0].strip()
    return ""


def measured_best(asked: Asked) -> str:
    """The best method according to the run's :data:`FILE`; ``""`` without one.

    Raises:
        RequestError: the file is damaged.
    """
    file = asked.run.path / FILE
    if not file.is_file():
        return ""
    found: Any = read_json(file)
    best = found.get("best") if isinstance(found, dict) else None
    if best not in METHODS:
        raise RequestError(f"{str(file)!r} is damaged: it names no method as best. Measure again, or remove it.")
    return str(best)
