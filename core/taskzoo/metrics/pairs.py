"""Generated texts and their references as strings, for metrics of either."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from taskzoo.errors import DataError

from .base import check_lengths, column


def text_pairs(predictions: Sequence[Any], references: Sequence[Any]) -> list[tuple[str, list[str]]]:
    """``(generated text, reference texts)`` of each example.

    Args:
        predictions: one dict per example: ``text``; or ``targets``, of which the first counts as generated, so that
            references can be scored like predictions.
        references: one dict per example: ``targets``, at least one string, which may be empty.

    Raises:
        DataError: unequal numbers, or an example without a text or a target (it is named, from 0).
    """
    check_lengths(predictions, references)
    targets = _targets(references, "references")
    return [(_text(index, given), targets[index]) for index, given in enumerate(predictions)]


def _text(index: int, given: Mapping[str, Any]) -> str:
    if "text" not in given:
        if "targets" in given:
            return _targets([given], "predictions", index)[0][0]
        keys = ", ".join(given) or "no keys"
        raise DataError(f"Example {index} of the predictions has no 'text'; it has {keys}.")
    text = given["text"]
    if not isinstance(text, str):
        raise DataError(f"The 'text' of example {index} of the predictions is {text!r:.80}, not a text.")
    return text


def _targets(examples: Sequence[Any], side: str, first: int = 0) -> list[list[str]]:
    found = column(examples, "targets", side)
    for index, targets in enumerate(found, first):
        if isinstance(targets, str) or not all(isinstance(target, str) for target in targets):
            raise DataError(f"The 'targets' of example {index} of the {side} are {targets!r:.80}, not a list of texts.")
        if not targets:
            raise DataError(f"Example {index} of the {side} has no target to compare with; give at least one.")
    return [list(targets) for targets in found]
