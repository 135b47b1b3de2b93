"""How a checkpoint wants its input, and how it starts and ends what it writes.

Families differ in this and in nothing else that matters here: in the kind of model, the token that a decoder starts
with, language codes, the words before a source. A :class:`Form` holds what was found for one checkpoint.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taskzoo.data.languages import find_code, language_name
from taskzoo.errors import RequestError
from taskzoo.models.checkpoints import model_kind
from taskzoo.models.texts import content_ids
from taskzoo.models.tokenizers import UNLIMITED, special_tokens_around

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

DEFAULT_SOURCE, DEFAULT_TARGET = 1024, 512
SEPARATOR = "\n\n"
"""Between source and target of a decoder-only model whose tokenizer has no token to begin with."""


@dataclass(frozen=True, slots=True)
class Form:
    """The form of one checkpoint's inputs and outputs; token ids throughout.

    Args:
        kind: ``encoder-decoder``; ``decoder`` (source, separator, target and end in one sequence); or ``encoder``,
            which becomes both sides of an encoder-decoder.
        before, after: tokens around a source.
        target_before, target_after: tokens around a target; ``target_after`` has the end token.
        start: what a decoder starts with (encoder-decoders).
        forced: the language token that must come first in what is written, or ``None``.
        end: ends what is written.
        pad: fills up batches.
        source_limit, target_limit: tokens of each, those around included.
        write_limit: tokens that the model can write at most.
        prefix: words before every source.
    """

    kind: str
    before: tuple[int, ...]
    after: tuple[int, ...]
    target_before: tuple[int, ...]
    target_after: tuple[int, ...]
    start: int
    forced: int | None
    end: int
    pad: int
    source_limit: int
    target_limit: int
    write_limit: int
    prefix: str = ""


def find_form(
    tokenizer: PreTrainedTokenizerBase,
    config: Any,
    *,
    languages: tuple[str, str] = ("", ""),
    prefix: str = "",
    max_source_length: int = 0,
    max_target_length: int = 0,
) -> Form:
    """The form of the checkpoint with this tokenizer and configuration. Sets the tokenizer's languages, if it has any.

    Args:
        languages: of source and target, ISO 639 codes or codes of the tokenizer; ``""``: unknown.
        prefix: words before every source.
        max_source_length, max_target_length: tokens; 0 is the model's limit, within reason.

    Raises:
        UnknownNameError: a language that the checkpoint does not know, with the nearest.
        RequestError: the checkpoint needs languages and none are given, has no end token, or is too short.
    """
    kind = "encoder-decoder" if config.is_encoder_decoder else model_kind(config.to_dict())
    tag = _set_languages(tokenizer, languages)
    before, after = special_tokens_around(tokenizer)
    target_before, target_after = _around_target(tokenizer)
    end = tokenizer.eos_token_id if kind != "encoder" else _first(tokenizer.sep_token_id, tokenizer.eos_token_id)
    if end is None and kind == "encoder-decoder":
        end = tokenizer.sep_token_id
    if end is None:
        raise RequestError("The tokenizer has no end token, so a model could not learn where to stop.")
    start = _first(getattr(config, "decoder_start_token_id", None), _decoder_start(config), tokenizer.cls_token_id,
                   tokenizer.bos_token_id, tokenizer.pad_token_id)  # fmt: skip
    forced = None
    if languages[1] and hasattr(tokenizer, "tgt_lang"):
        if (
            target_after and target_after[-1] != end
        ):  # the language stands behind the end (mBART): decoding starts with it
            start = target_after[-1]
        elif target_before:
            forced = target_before[0]
    if kind == "decoder":
        target_before, target_after = [], [end]
        if after and after[-1] == end:
            after = after[:-1]
        after = after + _separator(tokenizer, before)
    else:
        if target_before and target_before[0] == start and len(target_before) == 1:
            target_before = []  # [CLS] is what the decoder starts with; it need not write it
        if end not in target_after:
            target_after = [*target_after, end]
    limit = min(tokenizer.model_max_length, UNLIMITED)
    for name, asked in (("max_source_length", max_source_length), ("max_target_length", max_target_length)):
        if asked > limit:
            raise RequestError(f"{name}={asked} is more than the model takes ({limit}).")
    target_limit = max_target_length or min(limit // 2 if kind == "decoder" else limit, DEFAULT_TARGET)
    source_limit = max_source_length or min(limit, DEFAULT_SOURCE)
    if kind == "decoder":
        source_limit = min(source_limit, limit - target_limit)
    write_limit = limit - source_limit if kind == "decoder" else limit
    form = Form(
        kind, (*tag, *before), tuple(after), tuple(target_before), tuple(target_after), int(start), forced,
        int(end), int(tokenizer.pad_token_id), source_limit, target_limit, write_limit, prefix,
    )  # fmt: skip
    words = content_ids(tokenizer, [prefix])[0] if prefix else []
    if source_limit <= len(form.before) + len(after) + len(words) or target_limit <= len(target_before) + len(
        target_after
    ):
        raise RequestError("The limits of length leave no room for a text; take larger ones.")
    return form


def pretrained_prefix(config: Any, task: str, languages: tuple[str, str] = ("", "")) -> str:
    """The words that a T5 checkpoint was pretrained to see before a source; ``""`` for all other checkpoints.

    Such a checkpoint lists them as ``task_specific_params`` in its configuration (Raffel et al. 2020, appendix D).
    """
    known = getattr(config, "task_specific_params", None) or {}
    prefixes = {name: values.get("prefix", "") for name, values in known.items() if isinstance(values, dict)}
    if not any(prefixes.values()):
        return ""
    if task == "summarization":
        return str(prefixes.get("summarization", "summarize: "))
    source, target = languages
    if not (source and target):
        return ""
    return f"translate {language_name(source)} to {language_name(target)}: "


def _set_languages(tokenizer: PreTrainedTokenizerBase, languages: tuple[str, str]) -> list[int]:
    """Tell the tokenizer its languages; the token before a source that says the target's language, for Marian."""
    source, target = languages
    several: Any = tokenizer
    if hasattr(several, "tgt_lang"):
        codes = _codes(several)
        if not (source and target):
            raise RequestError(
                f"This checkpoint knows {len(codes)} languages and must be told which: set source=... and target=... "
                "(of a summary, language=...), e.g. en and zh."
            )
        several.src_lang, several.tgt_lang = find_code(source, codes), find_code(target, codes)
        return []
    tags = [token for token in tokenizer.get_vocab() if token.startswith(">>") and token.endswith("<<")]
    if not tags:
        return []
    if not target:
        raise RequestError("This checkpoint writes several languages and must be told which: --set target=zh.")
    return [int(tokenizer.convert_tokens_to_ids(find_code(target, tags)))]


def _codes(tokenizer: Any) -> list[str]:
    for name in ("lang_code_to_token", "lang_code_to_id"):
        codes = getattr(tokenizer, name, None)
        if codes:
            return list(codes)
    special = {tokenizer.pad_token, tokenizer.eos_token, tokenizer.bos_token, tokenizer.unk_token, tokenizer.mask_token}
    return [token for token in tokenizer.all_special_tokens if token not in special and "_" in token]


def _around_target(tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """The special tokens before and after a target."""
    probe: list[int] = tokenizer(text_target="a", add_special_tokens=False)["input_ids"]
    whole: list[int] = tokenizer(text_target="a")["input_ids"]
    start = next(i for i in range(len(whole)) if whole[i : i + len(probe)] == probe)
    return whole[:start], whole[start + len(probe) :]


def _separator(tokenizer: PreTrainedTokenizerBase, before: list[int]) -> list[int]:
    begin = tokenizer.bos_token_id
    if begin is not None and begin != tokenizer.eos_token_id and begin not in before:
        return [int(begin)]
    ids: list[int] = tokenizer(SEPARATOR, add_special_tokens=False)["input_ids"]
    return ids or [int(tokenizer.eos_token_id)]


def _decoder_start(config: Any) -> Any:
    return getattr(getattr(config, "decoder", None), "decoder_start_token_id", None)


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)
