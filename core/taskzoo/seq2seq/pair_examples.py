"""Rows of a source and its targets, as examples and as references."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from taskzoo.errors import DataError
from taskzoo.types import Example, Prediction, Row


def pair_example(row: Row, split: str) -> Example:
    """An example with ``source`` (text), ``targets`` (list of texts, empty where unknown) and ``split``.

    Args:
        row: ``source`` a text or a list of sentences, ``target`` a text or a list of references.
        split: the part it belongs to; ``predict`` needs no target.

    Raises:
        DataError: a source or target that is missing, empty or not a text.
    """
    source = row.get("source")
    if isinstance(source, list | tuple):
        sentences = [s for s in source if not isinstance(s, str) or s.strip()]  # empty ones are left out
        source = " ".join(_text(row, "source", sentence).strip() for sentence in sentences)
    source = _text(row, "source", source)
    target = row.get("target")
    if target is None and split == "predict":
        targets: list[str] = []
    elif isinstance(target, list | tuple) and target:
        targets = [_text(row, "target", text) for text in target]
    else:
        targets = [_text(row, "target", target)]
    return row.example(source=source, targets=targets, split=split)


def target_references(examples: Sequence[Example]) -> list[Prediction]:
    """The raw targets of each example; its source is for metrics only."""
    return [{"targets": list(example["targets"]), "_source": example["source"]} for example in examples]


def text_predictions(examples: Sequence[Example], texts: Sequence[str]) -> list[Prediction]:
    """One text for each example, in the form of predictions."""
    return [{"source": example["source"], "text": text} for example, text in zip(examples, texts, strict=True)]


def _text(row: Row, role: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        found = "is missing or empty" if not value or isinstance(value, str) else f"is {value!r:.60}, not text"
        raise DataError(f"the {role} {found}; fill it in or remove the row.", file=row.source, line=row.line)
    return value
