"""Examples to features: windows of words, with the entities in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from taskzoo import Encoded, Example, Feature, RequestError
from taskzoo.models.tokenizers import WordEncoder

from .labels import Label
from .words import covering, encode_words, label_tokens, token_places, windows

LONGEST = 384
"""Sub-tokens of a window where nothing is asked for."""


def encode_examples(
    examples: Sequence[Example], processor: Any, labels: Sequence[Label], *, max_width: int, max_length: int
) -> Encoded:
    """One feature for each window; ``lost_spans`` are those that no window holds, so that nothing learns them.

    ``places`` are those of its words in the text; ``starts`` and ``ends`` those of their first and last tokens;
    ``gold`` holds first word, width less one and label of each entity, or is ``None`` if they are not known;
    ``label_ids`` are the tokens of the labels, the same for all features.

    Raises:
        RequestError: a ``max_length`` beyond the model's limit, or without room for a word.
    """
    limit = processor.model_max_length
    if max_length > limit:
        raise RequestError(f"max_length={max_length} exceeds the limit of the model ({limit}).")
    encoder = WordEncoder(processor)
    length = max_length or min(limit, LONGEST)
    room = length - len(encoder.prefix) - len(encoder.suffix)
    if room < 1:
        raise RequestError(f"max_length={length} leaves no room for a word; choose a larger one.")
    label_ids = [label_tokens(processor, label.description) for label in labels]
    index = {label.name: i for i, label in enumerate(labels)}
    counts = {"windows": 0, "misaligned_spans": 0, "too_long_spans": 0, "lost_spans": 0}
    features: list[Feature] = []
    for row, example in enumerate(examples):
        words = encode_words(example["text"], encoder)
        cut = list(windows(words, room, max_width))
        counts["windows"] += len(cut) if len(cut) > 1 else 0
        entities = []
        for span in example["spans"] or ():
            found = covering(words.places, span.start, span.end)
            if found is None:
                counts["lost_spans"] += 1
                continue
            exact = (words.places[found[0]][0], words.places[found[1]][1]) == span[:2]
            counts["misaligned_spans"] += not exact
            too_long = found[1] - found[0] >= max_width
            counts["too_long_spans"] += too_long
            counts["lost_spans"] += not too_long and not any(a <= found[0] and found[1] < b for a, b in cut)
            entities.append((*found, span.label))
        for first, last in cut:
            ids = [word[:room] for word in words.ids[first:last]]
            starts, ends = token_places(ids, len(encoder.prefix))
            tokens = [*encoder.prefix, *(i for word in ids for i in word), *encoder.suffix]
            if not tokens:  # a model without special tokens, and nothing to read
                tokens = [processor.pad_token_id]
            gold = [
                (a - first, b - a, index[label])
                for a, b, label in entities
                if first <= a and b < last and b - a < max_width and label in index
            ]
            values = {"input_ids": tokens, "label_ids": label_ids, "starts": starts, "ends": ends}
            values |= {"places": words.places[first:last], "gold": None if example["spans"] is None else gold}
            features.append(Feature(row, len(tokens), values))
    return Encoded(features, counts)
