"""Whether the model can read the texts of a run: said before it is trained, and again with the scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from taskzoo import registry
from taskzoo.data.stored_rows import few_of
from taskzoo.errors import UnknownNameError
from taskzoo.languages import as_language, language_name

if TYPE_CHECKING:
    from taskzoo.models.refs import ModelRef
    from taskzoo.registry import ModelEntry

    from .plan import Plan

SUGGESTED = 3
"""Models of the catalogue that are named in place of one that does not fit."""


def fit_notes(plan: Plan, processor: Any) -> list[str]:
    """A sentence for inputs, and one for targets where they are texts too, that the model can't read; mostly none.

    A model fits if few tokens are unknown, unless the texts are in a language that the catalogue does not list for it
    and whose words come in small pieces; of a model that the catalogue does not know, in pieces much smaller than those
    of English. Nothing is said of a model from scratch, or one without a tokenizer.
    """
    from transformers import PreTrainedTokenizerBase

    if plan.ref.is_scratch or not isinstance(processor, PreTrainedTokenizerBase):
        return []
    inputs, targets = plan.task.vocabulary_texts(few_of(plan.splits.examples["train"]))
    notes = [_note(plan, processor, texts) for texts in (inputs, targets or []) if texts]
    return list(dict.fromkeys(filter(None, notes)))


def _note(plan: Plan, processor: Any, texts: Sequence[str]) -> str:
    from taskzoo.models.text_fit import guess_language, measure_fit, small_pieces

    fit, entry = measure_fit(processor, texts), _entry(plan.ref)
    known, name = entry.languages if entry else (), plan.ref.name
    if fit.loses_words:
        language = guess_language(texts)
        where = f", which seem to be in {_name(language)}" if language else ""
        return (
            f"{name!r} does not know {fit.unknown:.0%} of the tokens of these texts{where}. {_advice(plan, language)}"
        )
    small = None if known else small_pieces(processor, texts)
    if not small and not (known and fit.splits_words):
        return ""
    language = guess_language(texts)
    if not language or language in {as_language(one) or one for one in known or ("en",)}:
        return ""
    if small:
        pieces = f"its tokenizer divides a {small.unit} into {small.here:.1f} tokens on average"
        english = f", and one of English into {small.english:.1f}" if small.unit == "word" else ""
        found = f"{name!r} may not read these texts, which seem to be in {_name(language)}: {pieces}{english}"
    else:
        reads = " and ".join(map(_name, known)) if len(known) < SUGGESTED else "other languages"
        pieces = f"its tokenizer divides a word into {fit.tokens_per_word:.1f} tokens on average"
        found = f"{name!r} was trained on {reads}, and these texts seem to be in {_name(language)}: {pieces}"
    return f"{found}. {_advice(plan, language)}"


def _advice(plan: Plan, language: str) -> str:
    """Which models to take instead."""
    try:
        found = registry.models(task=plan.entry.name, language=language) if language else ()
    except UnknownNameError:  # the catalogue has no model for it
        found = ()
    if names := [entry.name for entry in found if entry.name != plan.ref.entry][:SUGGESTED]:
        return f"Models for {_name(language)}: {', '.join(names)}."
    return "Take a model that was trained on this language (`zoo models --language ...` lists some)."


def _entry(ref: ModelRef) -> ModelEntry | None:
    """The model's entry in the catalogue, also where it was named by its hub id."""
    return next((entry for entry in registry.models() if ref.entry == entry.name or ref.name == entry.hub), None)


def _name(language: str) -> str:
    return language_name(language) if as_language(language) else f"the language {language!r}"
