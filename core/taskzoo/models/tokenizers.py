"""Tokenizers, set up so that word-level and long inputs come out right."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskzoo.errors import RequestError

from .directories import vocabulary_files
from .loading import explain_load_errors, load_config
from .position_limit import position_limit
from .settings_files import broken_json, positive

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from .refs import ModelRef

_ONLY_SETTINGS = {"tokenizer_config.json", "merges.txt", "added_tokens.json", "special_tokens_map.json"}

_PAIRED = {"encoder-decoder"}
"""Model types whose two sides each have a table of their own."""

UNLIMITED = 10**9
"""What ``model_max_length`` is when the model sets no limit (relative positions)."""


def load_tokenizer(ref: ModelRef) -> PreTrainedTokenizerBase:
    """The tokenizer of a model with a pad token, its true length limit and ``add_prefix_space`` where needed.

    Byte-level BPE (RoBERTa, GPT-2, ModernBERT, ...) puts the space before a word into its first token, so a word
    encoded alone without that space is another token than the one seen in pre-training.
    Models without a pad token (GPT-2) get their end-of-text token: inputs are masked by length, never by id.

    Raises:
        RequestError: it cannot be loaded, has no vocabulary, or has neither pad nor end token.
    """
    with explain_load_errors(ref, "tokenizer"):
        config = load_config(ref)
        tokenizer = _read(ref)
        if _lacks_prefix_space(tokenizer):
            tokenizer = _read(ref, add_prefix_space=True)
            if _lacks_prefix_space(tokenizer):  # some classes keep the flag as an attribute only
                _set_prefix_space(tokenizer)
    if tokenizer.pad_token_id is None:
        if tokenizer.eos_token_id is None:
            raise RequestError(f"The tokenizer of {ref.name!r} has neither a pad nor an end token.")
        tokenizer.pad_token = tokenizer.eos_token
    own = positive(tokenizer.model_max_length) or UNLIMITED  # some files have it as a text
    tokenizer.model_max_length = min(own, context_length(config), UNLIMITED)
    return tokenizer


def _read(ref: ModelRef, **settings: Any) -> PreTrainedTokenizerBase:
    from transformers import AutoTokenizer

    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(ref.location, **ref.loading, **settings)
    except Exception as error:
        if not _has_vocabulary_file(ref, None):
            raise _no_tokenizer(ref) from error
        if ref.is_local and (broken := broken_json(Path(ref.location))):
            raise RequestError(f"{str(broken)!r} is not JSON; copy or download it again.") from error
        raise
    special = {*tokenizer.all_special_tokens, *tokenizer.added_tokens_encoder, "▁"}
    if not _has_vocabulary_file(ref, tokenizer) or special >= set(tokenizer.get_vocab()):
        raise _no_tokenizer(ref)
    if unknown := _missing_unknown(tokenizer):
        raise RequestError(
            f"The vocabulary of the tokenizer of {ref.name!r} has no {unknown}, its token for unknown words, so it is "
            "not complete; copy or download the tokenizer's files again."
        )
    return tokenizer


def _missing_unknown(tokenizer: PreTrainedTokenizerBase) -> str:
    """The token for unknown words, if the vocabulary of whole words and their parts lacks it; else ``""``."""
    from tokenizers.models import WordLevel, WordPiece

    model = getattr(getattr(tokenizer, "backend_tokenizer", None), "model", None)
    if not isinstance(model, (WordLevel, WordPiece)) or model.token_to_id(model.unk_token) is not None:
        return ""
    return str(model.unk_token)


def _has_vocabulary_file(ref: ModelRef, tokenizer: PreTrainedTokenizerBase | None) -> bool:
    """Whether the directory holds a vocabulary; without one ``transformers`` makes an empty tokenizer.

    Some tokenizers need none (bytes, characters). A hub id is not looked into.
    """
    names = {*getattr(tokenizer, "vocab_files_names", {}).values()} - _ONLY_SETTINGS
    if not ref.is_local or (tokenizer is not None and not names):
        return True
    folder = Path(ref.location)
    return any((folder / name).is_file() for name in names) or bool(vocabulary_files(folder))


def _no_tokenizer(ref: ModelRef) -> RequestError:
    folder = Path(ref.location)
    around = [file.parent for file in sorted(folder.parent.glob("tokenizer.json"))] if ref.is_local else []
    where = f"those in {str(around[0])!r}" if around else "those of the model that it was made from"
    return RequestError(
        f"The checkpoint {ref.name!r} has no tokenizer: none of its files holds a vocabulary (tokenizer.json, "
        f"vocab.txt, spiece.model ...). Copy the tokenizer's files into it: {where}."
    )


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
    """Maximum number of tokens of one input, special tokens included."""
    found = position_limit(getattr(config, "backbone", config))  # of a pooled head
    return UNLIMITED if found is None else found


def special_tokens_around(tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """The special tokens before and after the content of a sequence."""
    probe: list[int] = tokenizer("a", add_special_tokens=False)["input_ids"]
    whole: list[int] = tokenizer("a")["input_ids"]
    start = next((i for i in range(len(whole)) if whole[i : i + len(probe)] == probe), None)
    if start is None:
        raise RequestError("The tokenizer splits a text otherwise between its special tokens than without them.")
    return whole[:start], whole[start + len(probe) :]


def fit_vocabulary(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, name: str) -> str:
    """Give the embeddings of ``model`` a row for every token, where tokens were added to the tokenizer alone.

    Args:
        model: as loaded.
        tokenizer: loaded from the same checkpoint.
        name: of the checkpoint, for messages.

    Returns:
        A line about the rows that were added; empty if there are enough.

    Raises:
        RequestError: the tokenizer is that of another model, or the model has no table of embeddings.
    """
    if not _has_table(model):
        raise RequestError(
            f"The model {name!r} ({model.config.model_type}) has no table of embeddings with a row for each token, "
            "which training needs; choose a model of another family."
        )
    highest = max(tokenizer.get_vocab().values())
    sides: list[Any] = [getattr(model, side) for side in ("encoder", "decoder") if model.config.model_type in _PAIRED]
    rows = min(_rows(part) for part in sides or [model])
    if highest < rows:
        return ""
    added = {i for i in tokenizer.added_tokens_encoder.values() if i >= rows}
    if len(added) <= highest - rows:
        raise RequestError(
            f"The tokenizer of {name!r} has {highest + 1:,} tokens and its model {rows:,} embeddings, so they belong "
            "to different models; copy the tokenizer's files of the same model."
        )
    for part in sides or [model]:
        part.resize_token_embeddings(highest + 1)
    if sides:
        model.config.vocab_size = model.config.decoder.vocab_size
    return f"{len(added)} embeddings were added, for tokens of the tokenizer that the model has none for"


def _has_table(model: Any) -> bool:
    """Whether there is a row for each token; CANINE hashes its characters."""
    try:
        return model.config.model_type in _PAIRED or model.get_input_embeddings() is not None
    except NotImplementedError:
        return False


def _rows(model: Any) -> int:
    table = model.get_input_embeddings()
    return int(table.weight.shape[0])


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
