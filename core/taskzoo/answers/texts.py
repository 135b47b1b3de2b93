"""Rows of a text (or a pair), their encoding, and the loading of answers: what all tasks made of an answer share."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from taskzoo.errors import DataError, RequestError
from taskzoo.models.texts import encode_texts
from taskzoo.task import Encoded, Prediction, Row

from .any_labels import AnyLabels
from .base import Answer
from .labels import few
from .number import Number
from .one_label import OneLabel

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def text_row(row: Row, gold: Any) -> Row:
    """A prepared row: ``text``, ``text_pair`` (or ``None``) and ``label`` (its gold answer, ``None`` if unknown).

    Raises:
        DataError: a text that is missing, empty or no text.
    """
    text = _text(row, "text", row.get("text"))
    pair = row.get("text_pair")
    fields = {"text": text, "text_pair": None if pair is None else _text(row, "text_pair", pair), "label": gold}
    return Row(fields, row.source, row.line)


def plain_rows(texts: Sequence[str]) -> list[Row]:
    """Prepared rows without labels.

    Raises:
        DataError: an empty text.
    """
    return [text_row(Row({"text": text}, "input", number), None) for number, text in enumerate(texts, 1)]


def name_row(name: str, gold: Any, source: str) -> Row:
    """A prepared row whose text is the name of a class, in words: ``card_arrival`` is "card arrival".

    It says ``is_name``, and so do its features: contrastive training treats names apart.

    Raises:
        RequestError: there is no letter in it.
    """
    words = " ".join(re.sub(r"[\W_]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)).split())
    if not any(character.isalpha() for character in words):
        raise RequestError(f"label_names=true learns the names of labels, and {name!r} says nothing; leave it out.")
    label = [name] if isinstance(gold, list) else gold
    return Row({"text": words, "text_pair": None, "label": label, "is_name": True}, source)


def whole_text(row: Row) -> str:
    """The text, and its pair on a line of its own."""
    return str(row["text"]) if row["text_pair"] is None else f"{row['text']}\n{row['text_pair']}"


def shown(row: Row) -> Prediction:
    """What a prediction repeats of its row."""
    pair = row["text_pair"]
    return {"text": row["text"], **({} if pair is None else {"text_pair": pair})}


def encode_rows(
    rows: Sequence[Row],
    tokenizer: PreTrainedTokenizerBase,
    answer: Answer,
    *,
    max_length: int,
    long_texts: str,
    known_sources: frozenset[str],
) -> Encoded:
    """Features with targets.

    A label that no training row has cannot be predicted. Where the row comes from one of the training files
    (``known_sources``), so that chance put it there, it is counted and always wrong.

    Raises:
        DataError: such a label in any other file.
    """
    pairs = [row["text_pair"] for row in rows]
    encoded = encode_texts(
        tokenizer, [row["text"] for row in rows], pairs, max_length=max_length, long_texts=long_texts
    )
    targets, unseen = [], 0
    for row in rows:
        gold = row["label"]
        targets.append(None if gold is None else answer.target(gold))
        missing = [] if gold is None or answer.kind == "value" else _missing(gold, answer)
        if missing and row.source not in known_sources:
            raise DataError(
                f"the label {missing[0]!r} occurs in no training row; their labels are {few(answer.labels)}. "
                "Correct it, or add training rows that have it.",
                file=row.source,
                line=row.line,
            )
        unseen += bool(missing)
    for feature in encoded.features:
        feature["target"] = targets[feature["row"]]
        if rows[feature["row"]].get("is_name"):
            feature["is_name"] = True
    return Encoded(encoded.features, {**encoded.counts, "rows_with_a_label_unseen_in_training": unseen})


def load_answer(state: Mapping[str, Any]) -> Answer:
    """The answer whose ``state()`` this is."""
    kinds: dict[str, Any] = {"single": OneLabel, "multi": AnyLabels, "value": Number}
    answer: Answer = kinds[state["kind"]].from_state(state)
    return answer


def _missing(gold: Any, answer: Answer) -> list[str]:
    wanted = [gold] if isinstance(gold, str) else gold
    return [label for label in wanted if label not in answer.known]


def _text(row: Row, role: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        found = "is missing or empty" if value is None or isinstance(value, str) else f"is {value!r}, no text"
        raise DataError(f"the {role} {found}; fill it in or remove the row.", file=row.source, line=row.line)
    return value
