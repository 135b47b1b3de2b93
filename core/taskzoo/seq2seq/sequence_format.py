"""How a checkpoint wants its input, and how what it generates starts and ends.

Families differ in this and in nothing else that matters here: in the kind of model, the token that a decoder starts
with, language codes, the prefix of a source. A :class:`SequenceFormat` holds what was found for one checkpoint.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taskzoo.errors import RequestError
from taskzoo.languages import find_code
from taskzoo.models.refs import model_kind
from taskzoo.models.text_encoding import content_ids
from taskzoo.models.tokenizers import UNLIMITED, special_tokens_around
from taskzoo.option_names import setting_name

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

DEFAULT_SOURCE, DEFAULT_TARGET = 1024, 512
SEPARATOR = "\n\n"
"""Between source and target of a decoder-only model whose tokenizer has no start token."""
LANGUAGE_HINT = "source_lang=en target_lang=zh"


@dataclass(frozen=True, slots=True)
class FormatRequest:
    """What a task asks of a checkpoint's format.

    Args:
        source_lang, target_lang: ISO 639 codes or codes of the tokenizer; ``""``: unknown.
        prefix: text before every source.
        max_source_length, max_target_length: tokens; 0 is the model's limit, within reason.
        language_hint: how people set the languages, for messages.
    """

    source_lang: str = ""
    target_lang: str = ""
    prefix: str = ""
    max_source_length: int = 0
    max_target_length: int = 0
    language_hint: str = LANGUAGE_HINT


@dataclass(frozen=True, slots=True)
class SequenceFormat:
    """The format of one checkpoint's inputs and outputs; token ids throughout.

    Args:
        kind: ``encoder-decoder``; ``decoder`` (source, separator, target and end in one sequence); or ``encoder``,
            which becomes both sides of an encoder-decoder.
        before, after: tokens around a source.
        target_before, target_after: tokens around a target; ``target_after`` has the end token.
        start: what a decoder starts with (encoder-decoders).
        forced: the language token that must be generated first, or ``None``.
        end: ends what is generated.
        pad: fills up batches.
        source_limit, target_limit: tokens of each, those around included.
        generation_limit: the most tokens that the model can generate.
        prefix: text before every source.
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
    generation_limit: int
    prefix: str = ""


def find_sequence_format(
    tokenizer: PreTrainedTokenizerBase, config: Any, request: FormatRequest = FormatRequest()
) -> SequenceFormat:
    """The format of the checkpoint with this tokenizer and configuration. Sets the tokenizer's languages, if any.

    Raises:
        UnknownNameError: a language that the checkpoint does not know, with the nearest.
        RequestError: the checkpoint needs languages and none are given, has no end token, or is too short.
    """
    kind = "encoder-decoder" if config.is_encoder_decoder else model_kind(config.to_dict())
    tag = _set_languages(tokenizer, request)
    before, after = special_tokens_around(tokenizer)
    target_before, target_after = _around_target(tokenizer)
    end = _end_token(tokenizer, kind)
    start = _start_token(tokenizer, config)
    forced = None
    if request.target_lang and hasattr(tokenizer, "tgt_lang"):
        if target_after and target_after[-1] != end:  # mBART: the language follows the end, and decoding starts with it
            start = target_after[-1]
        elif target_before:
            forced = target_before[0]
    if kind == "decoder":
        target_before, target_after = [], [end]
        after = [*(after[:-1] if after and after[-1] == end else after), *_separator(tokenizer, before)]
    else:
        if target_before == [start]:
            target_before = []  # [CLS] is what the decoder starts with; it need not generate it
        if end not in target_after:
            target_after = [*target_after, end]
    source_limit, target_limit, generation_limit = _limits(tokenizer, kind, request)
    form = SequenceFormat(
        kind=kind,
        before=(*tag, *before),
        after=tuple(after),
        target_before=tuple(target_before),
        target_after=tuple(target_after),
        start=int(start),
        forced=forced,
        end=end,
        pad=int(tokenizer.pad_token_id),  # load_tokenizer sees to it
        source_limit=source_limit,
        target_limit=target_limit,
        generation_limit=generation_limit,
        prefix=request.prefix,
    )
    prefix = content_ids(tokenizer, [form.prefix])[0] if form.prefix else []
    around = len(form.before) + len(form.after) + len(prefix)
    if source_limit <= around or target_limit <= len(target_before) + len(target_after):
        why, what = "", "raise"
        if kind == "decoder":
            why, what = f" (a decoder has {source_limit + generation_limit} tokens for source and target)", "change"
        raise RequestError(
            f"The length limits leave no room for text{why}; {what} max_source_length or max_target_length."
        )
    return form


def pretrained_prefixes(config: Any) -> dict[str, str]:
    """Task -> the prefix that a T5 checkpoint was pretrained to see before a source; empty for all other checkpoints.

    Such a checkpoint lists them as ``task_specific_params`` in its configuration (Raffel et al. 2020, appendix D).
    """
    known = getattr(config, "task_specific_params", None) or {}
    prefixes = {name: str(values.get("prefix", "")) for name, values in known.items() if isinstance(values, dict)}
    return prefixes if any(prefixes.values()) else {}


def _set_languages(tokenizer: PreTrainedTokenizerBase, request: FormatRequest) -> list[int]:
    """Tell the tokenizer its languages; the token before a source that says the target's language, for Marian."""
    source, target = request.source_lang, request.target_lang
    multilingual: Any = tokenizer
    if hasattr(multilingual, "tgt_lang"):
        codes = _codes(multilingual)
        if not (source and target):
            raise RequestError(
                f"This checkpoint supports {len(codes)} languages; set the ones to use: "
                f"{setting_name(request.language_hint)}."
            )
        multilingual.src_lang, multilingual.tgt_lang = find_code(source, codes), find_code(target, codes)
        return []
    tags = [token for token in tokenizer.get_vocab() if token.startswith(">>") and token.endswith("<<")]
    if not tags:
        return []
    if not target:
        raise RequestError(
            f"This checkpoint supports several target languages; set one: {setting_name(request.language_hint)}."
        )
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


def _end_token(tokenizer: PreTrainedTokenizerBase, kind: str) -> int:
    separator, end = tokenizer.sep_token_id, tokenizer.eos_token_id
    candidates = {"encoder": (separator, end), "encoder-decoder": (end, separator), "decoder": (end,)}
    found = _first(*candidates[kind])
    if found is None:
        raise RequestError("The tokenizer has no end token, so a model cannot learn where to stop; use another model.")
    return int(found)


def _start_token(tokenizer: PreTrainedTokenizerBase, config: Any) -> int:
    """What the configuration says, unless that is the library's default for another vocabulary (as in Marian)."""
    sides = (config, getattr(config, "decoder", None))
    stated = _first(*(getattr(side, "decoder_start_token_id", None) for side in sides))
    if stated is not None and stated not in tokenizer.all_special_ids:
        default = getattr(type(config), "decoder_start_token_id", None)
        if stated == default or not 0 <= stated < len(tokenizer):
            stated = None
    return int(_first(stated, tokenizer.cls_token_id, tokenizer.bos_token_id, tokenizer.pad_token_id))


def _separator(tokenizer: PreTrainedTokenizerBase, before: list[int]) -> list[int]:
    begin = tokenizer.bos_token_id
    if begin is not None and begin != tokenizer.eos_token_id and begin not in before:
        return [int(begin)]
    ids: list[int] = tokenizer(SEPARATOR, add_special_tokens=False)["input_ids"]
    return ids or [int(tokenizer.eos_token_id)]


def _limits(tokenizer: PreTrainedTokenizerBase, kind: str, request: FormatRequest) -> tuple[int, int, int]:
    """Tokens of a source, of a target, and that can be generated."""
    limit = min(tokenizer.model_max_length, UNLIMITED)
    for name in ("max_source_length", "max_target_length"):
        if getattr(request, name) > limit:
            raise RequestError(f"{name}={getattr(request, name)} exceeds the limit of the model ({limit}).")
    source, target = request.max_source_length, request.max_target_length
    if kind != "decoder":
        return source or min(limit, DEFAULT_SOURCE), target or min(limit, DEFAULT_TARGET), limit
    if source + target > limit:  # a decoder's source and target share its positions
        raise RequestError(
            f"max_source_length={source} and max_target_length={target} together exceed the limit of the model "
            f"({limit} tokens for both); lower one of them, or leave it out."
        )
    target = target or min(limit // 2, limit - source, DEFAULT_TARGET)
    source = source or min(limit - target, DEFAULT_SOURCE)
    return source, target, limit - source


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)
