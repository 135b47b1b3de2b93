"""Texts and pairs of texts to features of bounded length, and features to batches."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from taskzoo.errors import RequestError
from taskzoo.task import Batch, Encoded, Feature

from .tokenizers import special_tokens_around

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

LONG_TEXTS = ("truncate", "head_tail", "windows")
"""What becomes of a text longer than the limit: its beginning; its beginning and end; all of it, in windows."""
DEFAULT_LENGTH = 512
HEAD_SHARE = 0.25
"""Of the tokens kept by ``head_tail``, the share from the beginning (Sun et al. 2019: 128 of 510)."""


def encode_texts(
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[str],
    pairs: Sequence[str | None] | None = None,
    *,
    max_length: int = 0,
    long_texts: str = "truncate",
) -> Encoded:
    """One feature per text, or several windows, with ``input_ids``, ``row`` and, for pairs, ``token_type_ids``.

    A text is never read for special tokens: ``</s>`` in it is four characters. Windows overlap by a quarter. The longer
    text of a pair is cut first. A row is encoded alike whatever the others are. ``counts`` says how many rows lost
    tokens and how many tokens, or how many windows were made.

    Args:
        texts: one per row.
        pairs: the second text of each row, where it has one.
        max_length: tokens per feature, special ones included; 0 is the model's limit, at most 512.
        long_texts: one of :data:`LONG_TEXTS`.

    Raises:
        RequestError: a limit that is too large for the model or too small for any content; windows over pairs.
    """
    limit = tokenizer.model_max_length
    if max_length > limit:
        raise RequestError(f"max_length={max_length} is more than the model takes ({limit}).")
    limit = max_length or min(limit, DEFAULT_LENGTH)
    prefix, suffix = special_tokens_around(tokenizer)
    room = limit - len(prefix) - len(suffix)
    if room < 1:
        raise RequestError(f"max_length={limit} leaves no room between the model's special tokens; take a larger one.")
    content = content_ids(tokenizer, texts)
    second = {row: pair for row, pair in enumerate(pairs or ()) if pair is not None}
    template, second_ids = None, {}
    if second:
        if long_texts != "truncate":
            raise RequestError(f"long_texts={long_texts} is for single texts; pairs are truncated.")
        template = _PairTemplate(tokenizer, limit)
        second_ids = dict(zip(second, content_ids(tokenizer, list(second.values())), strict=True))
    features: list[Feature] = []
    counts = {"truncated_rows": 0, "cut_tokens": 0}
    windows = 0
    for row, ids in enumerate(content):
        if template is not None and row in second_ids:
            feature, cut = template.fill(ids, second_ids[row])
            _count_cut(counts, cut)
            features.append({**feature, "row": row})
            continue
        if not (ids or prefix or suffix):  # characters that the tokenizer drops; a model needs a token
            ids = [tokenizer.pad_token_id if tokenizer.unk_token_id is None else tokenizer.unk_token_id]
        pieces = _pieces(ids, room, long_texts)
        if len(pieces) > 1:
            windows += len(pieces)
        elif len(pieces[0]) < len(ids):
            _count_cut(counts, len(ids) - len(pieces[0]))
        features += [{"input_ids": prefix + piece + suffix, "row": row} for piece in pieces]
    return Encoded(features, {**counts, **({"windows_of_long_rows": windows} if windows else {})})


def content_ids(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], *, targets: bool = False) -> list[list[int]]:
    """Ids without special tokens, also where a text spells one; a text may come out empty (a zero-width space).

    Args:
        texts: the texts.
        targets: whether they are what a model shall write, which some tokenizers cut up in another way.
    """

    def encode(texts: Sequence[str]) -> list[list[int]]:
        given = {"text_target" if targets else "text": list(texts)}
        ids: list[list[int]] = tokenizer(
            **given, add_special_tokens=False, return_attention_mask=False, return_token_type_ids=False,
            split_special_tokens=True, verbose=False,
        )["input_ids"]  # fmt: skip
        return ids

    encoded = encode(texts) if texts else []
    special = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    inside = (f"(?<={re.escape(token[0])})(?={re.escape(token[1:])})" for token in tokenizer.all_special_tokens)
    spelled = re.compile("|".join(inside))
    for row, ids in enumerate(encoded):
        if not special.isdisjoint(ids):  # unigram models have them among their pieces, so the spelling is cut in two
            parts = encode([part for part in spelled.split(texts[row]) if part])
            encoded[row] = [i for part in parts for i in part if i not in special]
    return encoded


def _pieces(ids: list[int], room: int, long_texts: str) -> list[list[int]]:
    if len(ids) <= room:
        return [ids]
    if long_texts == "truncate":
        return [ids[:room]]
    if long_texts == "head_tail":
        head = max(int(room * HEAD_SHARE), min(1, room - 1))
        return [ids[:head] + ids[len(ids) - (room - head) :]]
    count = math.ceil((len(ids) - room) / max(1, room - room // 4)) + 1
    last = len(ids) - room
    return [ids[start : start + room] for start in (last * i // (count - 1) for i in range(count))]


def _count_cut(counts: dict[str, int], cut: int) -> None:
    counts["truncated_rows"] += cut > 0
    counts["cut_tokens"] += cut


class _PairTemplate:
    """Where the two texts of a pair stand among the special tokens, found by encoding a pair of one letter each."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, limit: int) -> None:
        probe: list[int] = tokenizer("a", add_special_tokens=False)["input_ids"]
        whole = tokenizer("a", "a")
        ids: list[int] = whole["input_ids"]
        size = len(probe)
        found = [i for i in range(len(ids) - size + 1) if ids[i : i + size] == probe]
        first, second = found[0], found[-1]
        self._before, self._between, self._after = ids[:first], ids[first + size : second], ids[second + size :]
        if not self._between:  # decoders join the two texts without a word; a line break keeps them apart
            self._between = tokenizer("\n", add_special_tokens=False)["input_ids"]
        types: list[int] | None = whole.get("token_type_ids")
        self._types = None if types is None else (types[first], types[second])
        self._room = limit - len(self._before) - len(self._between) - len(self._after)
        if self._room < 2:
            raise RequestError(f"max_length={limit} leaves no room for two texts; take a larger one.")

    def fill(self, a: list[int], b: list[int]) -> tuple[Feature, int]:
        """The feature, and how many tokens were cut, from the longer text first."""
        cut = max(0, len(a) + len(b) - self._room)
        if cut:
            a = a[: max(self._room - len(b), self._room - self._room // 2)]
            b = b[: self._room - len(a)]
        feature: Feature = {"input_ids": self._before + a + self._between + b + self._after}
        if self._types is not None:
            head, tail = len(self._before) + len(a) + len(self._between), len(b) + len(self._after)
            feature["token_type_ids"] = [self._types[0]] * head + [self._types[1]] * tail
        return feature, cut


@dataclass(frozen=True, slots=True)
class SequenceCollator:
    """Features to one right-padded batch.

    ``inputs``: ``input_ids``, ``attention_mask`` and, where features have them, ``token_type_ids``, all ``[B, T]``.
    ``targets``, from each feature's ``target`` (``None`` where unknown): for ``single`` ``labels`` ``[B]``, -100 where
    unknown; for ``multi`` ``labels`` ``[B, num_labels]`` of 0 and 1, NaN where unknown, from a list of ids; for
    ``value`` ``values`` ``[B]``, NaN where unknown.
    """

    pad_token_id: int
    kind: str
    num_labels: int = 1

    def __call__(self, features: Sequence[Feature]) -> Batch:
        size, length = len(features), max(len(f["input_ids"]) for f in features)
        inputs = {
            "input_ids": torch.full((size, length), self.pad_token_id),
            "attention_mask": torch.zeros((size, length), dtype=torch.long),
        }
        if any("token_type_ids" in f for f in features):
            inputs["token_type_ids"] = torch.zeros((size, length), dtype=torch.long)
        for b, feature in enumerate(features):
            count = len(feature["input_ids"])
            inputs["input_ids"][b, :count] = torch.tensor(feature["input_ids"])
            inputs["attention_mask"][b, :count] = 1
            if "token_type_ids" in feature:
                inputs["token_type_ids"][b, :count] = torch.tensor(feature["token_type_ids"])
        return {"inputs": inputs, "targets": self._targets([f["target"] for f in features])}

    def _targets(self, given: list[Any]) -> dict[str, torch.Tensor]:
        if self.kind == "single":
            return {"labels": torch.tensor([-100 if t is None else t for t in given])}
        if self.kind == "value":
            return {"values": torch.tensor([math.nan if t is None else t for t in given], dtype=torch.float32)}
        labels = torch.zeros((len(given), self.num_labels))
        for b, target in enumerate(given):
            if target is None:
                labels[b] = math.nan
            else:
                labels[b, target] = 1.0
        return {"labels": labels}
