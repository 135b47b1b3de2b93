"""Examples of a text, or of a pair of texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from taskzoo.errors import DataError, RequestError
from taskzoo.types import Example, Prediction, Row


def text_example(row: Row, gold: Any, soft: Mapping[str, float] | None = None) -> Example:
    """An example of ``text``, ``text_pair`` (or ``None``) and ``label`` (its gold answer, ``None`` if unknown).

    ``soft``, the probabilities of labels, is only there where they are given.

    Raises:
        DataError: a text that is missing, empty or not text.
    """
    text = _text(row, "text", row.get("text"))
    pair = row.get("text_pair")
    further = {} if soft is None else {"soft": soft}
    return row.example(
        text=text, text_pair=None if pair is None else _text(row, "text_pair", pair), label=gold, **further
    )


def name_example(name: str, gold: Any, source: str) -> Example:
    """An example whose text is the name of a class, in words: ``card_arrival`` is "card arrival".

    It has ``is_name``, and so do its features: contrastive training treats names apart.

    Raises:
        RequestError: there is no letter in it.
    """
    words = " ".join(re.sub(r"[\W_]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)).split())
    if not any(character.isalpha() for character in words):
        raise RequestError(
            f"label_names=true trains on the names of labels, and {name!r} has no letters; leave it out."
        )
    label = [name] if isinstance(gold, list) else gold
    return Example({"text": words, "text_pair": None, "label": label, "is_name": True}, source)


def whole_text(example: Example) -> str:
    """The text, and its pair on a line of its own."""
    return str(example["text"]) if example["text_pair"] is None else f"{example['text']}\n{example['text_pair']}"


def shown(example: Example) -> Prediction:
    """What a prediction repeats of its example."""
    pair = example["text_pair"]
    return {"text": example["text"], **({} if pair is None else {"text_pair": pair})}


def _text(row: Row, role: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        found = "is missing or empty" if value is None or isinstance(value, str) else f"is {value!r}, not text"
        raise DataError(f"the {role} {found}; fill it in or remove the row.", file=row.source, line=row.line)
    return value
