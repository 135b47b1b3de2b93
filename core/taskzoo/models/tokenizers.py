"""Tokenizers, set up so that word-level and long inputs come out right."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from taskzoo.errors import RequestError

from .loading import explain_load_errors, load_config

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from .refs import ModelRef

UNLIMITED = 10**9
"""What ``model_max_length`` is when the model sets no limit (relative positions)."""


def load_tokenizer(ref: ModelRef) -> PreTrainedTokenizerBase:
    """The tokenizer of a model with a pad token, its true length limit and ``add_prefix_space`` where needed.

    Byte-level BPE (RoBERTa, GPT-2, ModernBERT, ...) puts the space before a word into its first token, so a word
    encoded alone without that space is another token than the one seen in pre-training.
    Models without a pad token (GPT-2) get their end-of-text token: inputs are masked by length, never by id.

    Raises:
        RequestError: it cannot be loaded, or has neither pad nor end token.
    """
    from transformers import AutoTokenizer

    with explain_load_errors(ref, "tokenizer"):
        config = load_config(ref)
        tokenizer = AutoTokenizer.from_pretrained(ref.location, **ref.loading)
        if _lacks_prefix_space(tokenizer):
            tokenizer = AutoTokenizer.from_pretrained(ref.location, add_prefix_space=True, **ref.loading)
            if _lacks_prefix_space(tokenizer):  # some classes keep the flag as an attribute only
                _set_prefix_space(tokenizer)
    if tokenizer.pad_token_id is None:
        if tokenizer.eos_token_id is None:
            raise RequestError(f"The tokenizer of {ref.name!r} has neither a pad nor an end token.")
        tokenizer.pad_token = tokenizer.eos_token
    tokenizer.model_max_length = min(tokenizer.model_max_length, context_length(config), UNLIMITED)
    return tokenizer


def is_byte_level(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether the tokenizer is a byte-level BPE (looked up in its own definition, not in a list of names)."""
    step = _pre_tokenizer(tokenizer)
    return any(s.get("type") == "ByteLevel" for s in [step, *step.get("pretokenizers", [])])


def _pre_tokenizer(tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    return {} if backend is None else json.loads(backend.to_str()).get("pre_tokenizer") or {}


def _lacks_prefix_space(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether byte-level splitting is all the pre-tokenizer does, without a space before the first word.

    After a splitting step of its own (Qwen2, Llama 3) the flag would put a space before every part of a word.
    """
    step = _pre_tokenizer(tokenizer)
    return step.get("type") == "ByteLevel" and not step["add_prefix_space"]


def _set_prefix_space(tokenizer: PreTrainedTokenizerBase) -> None:
    from tokenizers import pre_tokenizers

    step = _pre_tokenizer(tokenizer)
    backend: Any = tokenizer
    backend.backend_tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(
        add_prefix_space=True, trim_offsets=step.get("trim_offsets", True), use_regex=step.get("use_regex", True)
    )


def context_length(config: Any) -> int:
    """Maximum number of tokens of one input, special tokens included.

    RoBERTa and similar models count positions from ``pad_token_id + 1``, so 514 positions hold 512 tokens.
    """
    found = (getattr(config, name, None) for name in ("max_position_embeddings", "n_positions"))
    positions = next((number for number in found if isinstance(number, int) and number > 0), None)
    if positions is None or config.model_type in {"t5", "mt5", "umt5"}:  # relative positions: no limit
        return UNLIMITED
    if config.model_type in {"roberta", "xlm-roberta", "camembert", "xlm-roberta-xl", "longformer", "mpnet"}:
        positions -= (config.pad_token_id or 0) + 1
    return positions


def special_tokens_around(tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """The special tokens before and after the content of a sequence."""
    probe: list[int] = tokenizer("a", add_special_tokens=False)["input_ids"]
    whole: list[int] = tokenizer("a")["input_ids"]
    start = next(i for i in range(len(whole)) if whole[i : i + len(probe)] == probe)
    return whole[:start], whole[start + len(probe) :]


class WordEncoder:
    """Sub-token ids of single words, as the tokenizer gives them for pre-tokenized input.

    Each distinct word is tokenized once, which is exact because pre-tokenized words never interact, and much
    faster than tokenizing every sentence. A word may come out empty (e.g. a lone zero-width space).
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        self._byte_level = is_byte_level(tokenizer)
        self._cache: dict[str, list[int]] = {}
        self.prefix, self.suffix = special_tokens_around(tokenizer)

    def __call__(self, words: Sequence[str]) -> list[list[int]]:
        """One list of ids per word."""
        new = [w for w in dict.fromkeys(words) if w not in self._cache]
        if new:
            if self._byte_level:  # the space before a word is part of its first token
                encoded = self._tokenizer([w if w[:1].isspace() else f" {w}" for w in new], add_special_tokens=False)
            else:
                encoded = self._tokenizer([[w] for w in new], is_split_into_words=True, add_special_tokens=False)
            self._cache.update(zip(new, encoded["input_ids"], strict=True))
        return [self._cache[w] for w in words]
