"""Sources and targets to features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from taskzoo.metrics.sentences import split_sentences
from taskzoo.models.text_encoding import content_ids
from taskzoo.types import Encoded, Example, Feature

from .sequence_format import SequenceFormat

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def encode_pairs(
    examples: Sequence[Example],
    tokenizer: PreTrainedTokenizerBase,
    form: SequenceFormat,
    *,
    long_sources: str = "truncate",
) -> Encoded:
    """Features with ``input_ids`` (the source; of a decoder-only model with its separator) and ``target_ids``.

    An example with several targets has a feature for each, so that all are learnt from and none is lost; output is
    generated for the first only (``generate``). With ``long_sources="chunks"`` a source that is too long, outside
    training, has a feature for each chunk of whole sentences, and its targets are left out of the loss. ``counts`` says
    what was cut.

    Args:
        examples: with ``source``, ``targets`` and ``split``.
        tokenizer: with its languages set.
        form: of the checkpoint.
        long_sources: ``truncate`` or ``chunks``.
    """
    room = form.source_limit - len(form.before) - len(form.after)
    target_room = form.target_limit - len(form.target_before) - len(form.target_after)
    sources = content_ids(tokenizer, [form.prefix + example["source"] for example in examples])
    flat = [target for example in examples for target in example["targets"]]
    target_ids = iter(content_ids(tokenizer, flat, targets=True) if flat else [])
    features: list[Feature] = []
    cut_rows = cut_tokens = cut_targets = chunked = 0
    for index, (example, source) in enumerate(zip(examples, sources, strict=True)):
        targets = [next(target_ids) for _ in example["targets"]]
        if len(source) > room and long_sources == "chunks" and example["split"] != "train":
            chunks = _chunks(example["source"], tokenizer, form.prefix, room)
            chunked += 1
            features += [_feature(form, chunk, [], index) for chunk in chunks]
            continue
        if len(source) > room:
            cut_rows, cut_tokens = cut_rows + 1, cut_tokens + len(source) - room
            source = source[:room]
        cut_targets += sum(len(target) > target_room for target in targets)
        ends = [_target(form, target, target_room) for target in targets] or [[]]
        for number, target in enumerate(ends):
            features.append(_feature(form, source, target, index, generate=number == 0))
    counts = {"truncated_sources": cut_rows, "cut_tokens": cut_tokens, "truncated_targets": cut_targets}
    return Encoded(features, {**counts, **({"sources_in_chunks": chunked} if chunked else {})})


def _target(form: SequenceFormat, ids: list[int], room: int) -> list[int]:
    """A target that is too long has no end: the model shall not learn to stop in the middle."""
    if len(ids) > room:
        return [*form.target_before, *ids[: room + len(form.target_after)]]
    return [*form.target_before, *ids, *form.target_after]


def _feature(form: SequenceFormat, source: list[int], target: list[int], row: int, *, generate: bool = True) -> Feature:
    ids = [*form.before, *source, *form.after] or [form.pad]
    return Feature(row, len(ids), {"input_ids": ids, "target_ids": target, "generate": generate}, len(target))


def _chunks(text: str, tokenizer: PreTrainedTokenizerBase, prefix: str, room: int) -> list[list[int]]:
    """Token ids of the text in chunks of whole sentences, each as long as it can be and with the prefix before it."""
    sentences = split_sentences(text)
    head = content_ids(tokenizer, [prefix])[0] if prefix else []
    room = max(1, room - len(head))
    chunks: list[list[int]] = []
    for ids in content_ids(tokenizer, sentences):
        for part in (ids[i : i + room] for i in range(0, len(ids), room)):  # a sentence too long by itself is cut
            if chunks and len(chunks[-1]) + len(part) <= room:
                chunks[-1].extend(part)
            else:
                chunks.append(list(part))
    return [head + chunk for chunk in chunks]
