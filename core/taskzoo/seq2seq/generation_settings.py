"""The one place where the settings of generation come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taskzoo.errors import RequestError

from .seq2seq_options import GENERATION_OPTIONS
from .sequence_format import SequenceFormat

KEPT = ("bad_words_ids", "suppress_tokens", "begin_suppress_tokens")
"""What is kept of a checkpoint's own settings: tokens that it must never generate."""


def check_generation(options: Mapping[str, Any]) -> None:
    """Refuse generation options that no model could follow.

    Raises:
        RequestError: which.
    """
    least, most = options["min_new_tokens"], options["max_new_tokens"]
    if most and least > most:
        raise RequestError(f"min_new_tokens={least} is greater than max_new_tokens={most}; lower it.")
    if options["top_p"] > 1:
        raise RequestError(f"top_p={options['top_p']:g} must be at most 1; it is a probability.")


def check_effects(options: Mapping[str, Any]) -> None:
    """Refuse, where a run begins, generation options that would change nothing.

    Raises:
        RequestError: which.
    """
    for names, needed, on in (
        (("length_penalty",), "num_beams=2 or more", options["num_beams"] > 1),
        (("temperature", "top_k", "top_p", "sample_seed"), "sample=true", options["sample"]),
    ):
        for name in names:
            default = GENERATION_OPTIONS[name].default
            if not on and options[name] != default:
                raise RequestError(
                    f"{name}={options[name]:g} has no effect without {needed}; add that, or set {name}={default:g}."
                )


def own_settings(config: Any) -> dict[str, Any]:
    """:data:`KEPT` of a checkpoint's ``GenerationConfig``, as far as they are set."""
    return {name: getattr(config, name) for name in KEPT if getattr(config, name, None)}


def generation_settings(
    options: Mapping[str, Any], form: SequenceFormat, own: Mapping[str, Any], *, longest_target: int
) -> dict[str, Any]:
    """Settings by the names of ``GenerationConfig``, from the task's options alone: the same wherever it generates.

    A checkpoint's own settings would change the scores in silence (4 beams and at least 56 tokens for BART's summaries,
    at most 20 tokens elsewhere), so only :data:`KEPT` and its token ids are taken from it.

    Args:
        options: of the task.
        form: of the checkpoint.
        own: of :func:`own_settings`.
        longest_target: tokens of the longest training target, which sets the limit where no option does.

    Raises:
        RequestError: more tokens are asked for than the model can generate.
    """
    usual = min(form.target_limit, longest_target + max(8, longest_target // 4))
    limit = options["max_new_tokens"] or max(usual, options["min_new_tokens"])
    if limit > form.generation_limit:
        name = "max_new_tokens" if options["max_new_tokens"] else "min_new_tokens"
        raise RequestError(
            f"{name}={limit} exceeds the {form.generation_limit} tokens that this model can generate; lower it."
        )
    settings: dict[str, Any] = {
        "pad_token_id": form.pad,
        "eos_token_id": form.end,
        "max_new_tokens": limit,
        "num_beams": options["num_beams"],
        "do_sample": options["sample"],
        "use_cache": True,
    }
    if form.kind != "decoder":
        settings["decoder_start_token_id"] = form.start
    if form.forced is not None:
        settings["forced_bos_token_id"] = form.forced
    if options["num_beams"] > 1:
        settings["length_penalty"] = options["length_penalty"]
    if options["no_repeat_ngram"]:
        settings["no_repeat_ngram_size"] = options["no_repeat_ngram"]
    if options["min_new_tokens"]:
        settings["min_new_tokens"] = options["min_new_tokens"]
    if options["sample"]:
        settings.update(temperature=options["temperature"], top_k=options["top_k"], top_p=options["top_p"])
    return {**settings, **own}
