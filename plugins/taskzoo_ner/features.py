"""Examples to model inputs: windows at word boundaries, one label per word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from taskzoo.errors import RequestError
from taskzoo.models.tokenizers import WordEncoder
from taskzoo.types import IGNORE_INDEX, Encoded, Example, Feature

from .windows import make_windows

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

LONGEST_WINDOW = 512
"""Sub-tokens per window by default: the cost of attention grows with the square of it."""


def encode_examples(
    examples: Sequence[Example],
    tokenizer: PreTrainedTokenizerBase,
    label_ids: Mapping[str, int],
    *,
    max_length: int = 0,
    overlap: int = -1,
) -> Encoded:
    """One feature per window, with these values besides ``input_ids``.

    ``positions``: for each word of the window the position of its first sub-token, -1 for a word without any;
    ``tags``: label id per word (``IGNORE_INDEX`` where the label is unknown or absent);
    ``own``: ``(first, last_exclusive)`` of the words this window is responsible for, relative to the window;
    ``first_word``: index in the row of the window's first word.

    Raises:
        RequestError: ``max_length`` is above the model's limit or leaves no room for words.
    """
    encoder = WordEncoder(tokenizer)
    limit = tokenizer.model_max_length
    if max_length > limit:
        raise RequestError(f"max_length={max_length} exceeds the limit of the model ({limit}).")
    window = max_length or min(limit, LONGEST_WINDOW)
    capacity = window - len(encoder.prefix) - len(encoder.suffix)
    if capacity < 1:
        raise RequestError(f"max_length={window} leaves no room for words.")
    context = overlap if overlap >= 0 else capacity // 8
    if 2 * context >= capacity:
        raise RequestError(f"overlap={context} on both sides does not fit windows of {window} sub-tokens.")
    counts = dict.fromkeys(("windowed_rows", "truncated_words", "words_without_tokens", "unseen_labels"), 0)
    for example in examples:
        for what, count in example["_found"].items():
            counts[what] = counts.get(what, 0) + count
    features: list[Feature] = []
    for index, example in enumerate(examples):
        text, tags = example["text"], example["tags"]
        words = encoder([text[start:end] for start, end in example["_words"]])
        windows = make_windows([min(len(word), capacity) for word in words], capacity, context)
        counts["windowed_rows"] += len(windows) > 1
        counts["truncated_words"] += sum(len(word) > capacity for word in words)
        counts["words_without_tokens"] += sum(not word for word in words)
        ids = [label_ids.get(tag, IGNORE_INDEX) for tag in tags or [""] * len(words)]
        counts["unseen_labels"] += 0 if tags is None else ids.count(IGNORE_INDEX)
        for first, last, own_first, own_last in windows:
            input_ids, positions = list(encoder.prefix), []
            for word in words[first:last]:
                positions.append(len(input_ids) if word else -1)
                input_ids.extend(word[:capacity])
            input_ids += encoder.suffix
            values = {"input_ids": input_ids, "positions": positions, "tags": ids[first:last], "first_word": first}
            values["own"] = (own_first - first, own_last - first)
            features.append(Feature(index, len(input_ids), values))
    return Encoded(features, counts)
