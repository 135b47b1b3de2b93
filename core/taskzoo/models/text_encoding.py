"""Texts and pairs of texts to features of bounded length."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from taskzoo.errors import RequestError
from taskzoo.types import Encoded, Feature

from .tokenizers import special_tokens_around

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

LONG_TEXTS = ("truncate", "head_tail", "windows")
"""What is kept of a text longer than the limit: its beginning; its beginning and end; all of it, in windows."""
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
    """One feature per text, or several windows, with ``input_ids`` and, for pairs, ``token_type_ids``.

    A text is never read for special tokens: ``</s>`` in it is four characters. Windows overlap by a quarter. The longer
    text of a pair is cut first. A row is encoded alike whatever the others are. ``counts`` says how many rows lost
    tokens and how many tokens, or how many windows were made.

    Args:
        tokenizer: as :func:`~taskzoo.models.tokenizers.load_tokenizer` loads it.
        texts: one per row.
        pairs: the second text of each row, where it has one.
        max_length: tokens per feature, special ones included; 0 is the model's limit, at most 512.
        long_texts: one of :data:`LONG_TEXTS`.

    Raises:
        RequestError: a limit that is too large for the model or too small for any content; windows over pairs.
    """
    layout = _Layout(tokenizer, max_length, long_texts)
    second = {row: pair for row, pair in enumerate(pairs or ()) if pair is not None}
    if second and long_texts != "truncate":
        raise RequestError(f"long_texts={long_texts} is for single texts; pairs are truncated.")
    content = content_ids(tokenizer, texts)
    second_ids = dict(zip(second, content_ids(tokenizer, list(second.values())), strict=True))
    return layout.encoded(content, second_ids)


def text_places(
    tokenizer: PreTrainedTokenizerBase, text: str, pair: str | None, features: Sequence[Feature], **limits: Any
) -> list[list[tuple[int, int, int] | None]]:
    """For each token of the features that :func:`encode_texts` makes of one row: what it was made from.

    That is the text (0, or 1 for the pair) with the first and the last, exclusive, of its characters there; ``None``
    for special tokens.

    Args:
        tokenizer: of the features.
        text: of the row.
        pair: its second text.
        features: of the row.
        limits: ``max_length`` and ``long_texts``, as the features were made with.

    Raises:
        RequestError: the tokenizer does not say it.
    """
    told: list[tuple[int, int, int]] = []
    ids: list[int] = []
    marks: list[list[int]] = []
    for number, given in enumerate([text] if pair is None else [text, pair]):
        found, spans = content_offsets(tokenizer, given)
        marks.append([_MARK + len(told) + i for i in range(len(found))])
        told += [(number, *span) for span in spans]
        ids += found
    laid_out = _Layout(tokenizer, **limits).encoded(marks[:1], {} if pair is None else {0: marks[1]}).features
    if len(laid_out) != len(features):
        raise RequestError("The tokens of this text cannot be traced back to its characters.")
    places: list[list[tuple[int, int, int] | None]] = []
    for feature, marked in zip(features, laid_out, strict=True):
        where = [mark - _MARK if mark >= _MARK else None for mark in marked["input_ids"]]
        tokens = [token if at is None else ids[at] for token, at in zip(marked["input_ids"], where, strict=True)]
        if tokens != list(feature["input_ids"]):
            raise RequestError("The tokens of this text cannot be traced back to its characters.")
        places.append([None if at is None else told[at] for at in where])
    return places


_MARK = 1 << 40
"""Above all token ids: stands for the first token of a row."""


class _Layout:
    """Where tokens of content stand between special ones; raises as :func:`encode_texts`."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, max_length: int, long_texts: str) -> None:
        limit = tokenizer.model_max_length
        if max_length > limit:
            raise RequestError(f"max_length={max_length} exceeds the limit of the model ({limit}).")
        self._tokenizer, self._long_texts = tokenizer, long_texts
        self._limit = limit = max_length or min(limit, DEFAULT_LENGTH)
        self._prefix, self._suffix = special_tokens_around(tokenizer)
        self._room = limit - len(self._prefix) - len(self._suffix)
        if self._room < 1:
            raise RequestError(
                f"max_length={limit} leaves no room between the model's special tokens; take a larger one."
            )

    def encoded(self, content: Sequence[list[int]], second_ids: Mapping[int, list[int]]) -> Encoded:
        """Features and counts of rows with these ids, and with those of a second text where a row has one."""
        tokenizer, prefix, suffix = self._tokenizer, self._prefix, self._suffix
        template = _PairTemplate(tokenizer, self._limit) if second_ids else None
        features: list[Feature] = []
        cuts: list[int] = []  # tokens
        windows = 0
        for row, ids in enumerate(content):
            if template is not None and row in second_ids:
                values, cut = template.fill(ids, second_ids[row])
                cuts.append(cut)
                features.append(Feature(row, len(values["input_ids"]), values))
                continue
            if not (ids or prefix or suffix):  # characters that the tokenizer drops; a model needs a token
                ids = [tokenizer.pad_token_id if tokenizer.unk_token_id is None else tokenizer.unk_token_id]
            pieces = _pieces(ids, self._room, self._long_texts)
            if len(pieces) > 1:
                windows += len(pieces)
            else:
                cuts.append(len(ids) - len(pieces[0]))
            for piece in pieces:
                whole = prefix + piece + suffix
                features.append(Feature(row, len(whole), {"input_ids": whole}))
        counts = {"truncated_rows": sum(cut > 0 for cut in cuts), "cut_tokens": sum(cuts)}
        return Encoded(features, counts | ({"windows_of_long_rows": windows} if windows else {}))


def content_ids(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], *, targets: bool = False) -> list[list[int]]:
    """Ids without special tokens, also where a text spells one; a text may come out empty (a zero-width space).

    ``targets``: the texts are a model's outputs, which some tokenizers split differently.
    """

    def encode(texts: Sequence[str]) -> list[list[int]]:
        given = {"text_target" if targets else "text": list(texts)}
        plain = {"add_special_tokens": False, "split_special_tokens": True, "verbose": False}
        unused = {"return_attention_mask": False, "return_token_type_ids": False}
        ids: list[list[int]] = tokenizer(**given, **plain, **unused)["input_ids"]
        return ids

    encoded = encode(texts) if texts else []
    special = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    inside = (f"(?<={re.escape(token[0])})(?={re.escape(token[1:])})" for token in tokenizer.all_special_tokens)
    spelled = re.compile("|".join(inside))
    for row, ids in enumerate(encoded):
        if not special.isdisjoint(ids):  # unigram models have them in their vocabulary, so the spelling is split in two
            parts = encode([part for part in spelled.split(texts[row]) if part])
            encoded[row] = [i for part in parts for i in part if i not in special]
    return encoded


def content_offsets(tokenizer: PreTrainedTokenizerBase, text: str) -> tuple[list[int], list[tuple[int, int]]]:
    """The ids of :func:`content_ids` of one text, and from where to where in it each was made.

    Raises:
        RequestError: the tokenizer does not know, or the text spells a special token.
    """
    if not getattr(tokenizer, "is_fast", False):
        raise RequestError(
            "Gradients are shared out among words by the places of their tokens, and this model's tokenizer does not "
            "tell them; use --method leave-one-out."
        )
    plain = {"add_special_tokens": False, "split_special_tokens": True, "verbose": False}
    found: Any = tokenizer(text, return_offsets_mapping=True, **plain)
    ids: list[int] = found["input_ids"]
    if ids != content_ids(tokenizer, [text])[0]:
        raise RequestError(
            "The text spells a special token of the model, so its tokens cannot be traced back to its characters; use "
            "--method leave-one-out."
        )
    return ids, [(int(start), int(end)) for start, end in found["offset_mapping"]]


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


class _PairTemplate:
    """The special tokens before, between and after the texts of a pair, found by encoding two texts of one letter."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, limit: int) -> None:
        probe: list[int] = tokenizer("a", add_special_tokens=False)["input_ids"]
        whole = tokenizer("a", "a")
        ids: list[int] = whole["input_ids"]
        size = len(probe)
        found = [i for i in range(len(ids) - size + 1) if ids[i : i + size] == probe]
        first, second = found[0], found[-1]
        self._before, self._between, self._after = ids[:first], ids[first + size : second], ids[second + size :]
        if not self._between:  # decoders join the two texts with nothing between; a line break separates them
            self._between = tokenizer("\n", add_special_tokens=False)["input_ids"]
        types: list[int] | None = whole.get("token_type_ids")
        self._types = None if types is None else (types[first], types[second])
        self._room = limit - len(self._before) - len(self._between) - len(self._after)
        if self._room < 2:
            raise RequestError(f"max_length={limit} leaves no room for two texts; take a larger one.")

    def fill(self, a: list[int], b: list[int]) -> tuple[dict[str, Any], int]:
        """The values of a feature, and how many tokens were cut, from the longer text first."""
        cut = max(0, len(a) + len(b) - self._room)
        if cut:
            a = a[: max(self._room - len(b), self._room - self._room // 2)]
            b = b[: self._room - len(a)]
        values: dict[str, Any] = {"input_ids": self._before + a + self._between + b + self._after}
        if self._types is not None:
            head, tail = len(self._before) + len(a) + len(self._between), len(b) + len(self._after)
            values["token_type_ids"] = [self._types[0]] * head + [self._types[1]] * tail
        return values, cut
