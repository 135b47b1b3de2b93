"""Models that suit a task, with what the catalogue says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from taskzoo import registry
from taskzoo.errors import RequestError
from taskzoo.languages import as_language, language_code
from taskzoo.models.digests import weight_files
from taskzoo.models.refs import ModelRef, checkpoint_folder, resolve_model
from taskzoo.option_names import option_name
from taskzoo.registry import ModelEntry, TaskEntry
from taskzoo.runs.request import check_kind

from .result import Reading, RowFacts
from .wording import language_text

FULL_TRAINING = 16
"""Bytes that training takes for each parameter in float32: the weight, its gradient and two moments of Adam."""
NAMED = 3
"""Languages of a model that are named; of more, their number."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that may be taken.

    Args:
        name: what ``--model`` takes.
        ref: what it stands for.
        entry: its entry in the catalogue, if it has one.
        here: whether its files are on this machine, installed or in the cache of the hub.
    """

    name: str
    ref: ModelRef
    entry: ModelEntry | None
    here: bool

    @property
    def parameters(self) -> int | None:
        return self.ref.parameters or (self.entry.parameters if self.entry else None)

    @property
    def license(self) -> str:
        return (self.entry.license if self.entry else None) or ""

    def reads(self, language: str) -> Reading:
        """Whether the catalogue lists ``language`` for it."""
        known = self.entry.languages if self.entry else ()
        if not language:
            return Reading("unknown", "the language of the texts is not known")
        if not known:
            return Reading("unknown", "the catalogue does not say which languages it reads")
        if language in {as_language(one) or one for one in known}:
            return Reading("yes", f"it was trained on {language_text(language)}")
        few = " and ".join(map(language_text, known[:NAMED]))
        trained = few if len(known) <= NAMED else f"{len(known)} languages"
        return Reading("no", f"it was trained on {trained}, and {language_text(language)} is not listed")


def named_language(name: str) -> str:
    """The code of a language: one that has a name here, or that the catalogue lists for a model.

    Raises:
        UnknownNameError: it is neither.
    """
    listed = any(name in entry.languages for entry in registry.models())
    return name if listed and as_language(name) is None else language_code(name)


def find_candidates(task: TaskEntry, names: Sequence[str] = ()) -> list[Candidate]:
    """The models that are named, or all of the catalogue that suit; those on this machine first.

    Raises:
        UnknownNameError, RequestError: a name that is no model, or a model of a kind that does not suit.
    """
    entries = {entry.name: entry for entry in registry.models(task)}
    every = {entry.name: entry for entry in registry.models()}
    found = []
    for name in dict.fromkeys(names) if names else entries:
        ref = _ref(name, every.get(name))
        if ref is None:
            continue
        check_kind(task, name, ref.kind)
        if ref.is_scratch:
            raise RequestError(f"The model {name!r} starts untrained: nothing is known of it before it is trained.")
        folder = checkpoint_folder(ref)
        entry = every.get(ref.entry or "") or next((one for one in every.values() if one.hub == name), None)
        found.append(Candidate(name, ref, entry, folder is not None and bool(weight_files(folder))))
    if not found:
        raise RequestError(f"The catalogue has no model for {task.name}; name one ({option_name('models')}).")
    return sorted(found, key=lambda one: not one.here)


def _ref(name: str, entry: ModelEntry | None) -> ModelRef | None:
    """The model; ``None`` for an entry that is neither installed nor on the hub."""
    if entry is not None and not entry.hub and entry.find() is None:
        return None
    return resolve_model(name)


def facts_against(one: Candidate, reads: Reading, rows: RowFacts, free: int) -> list[str]:
    """What the catalogue's facts say against a model, a clause each."""
    found = [reads.reason] if reads.word == "no" else []
    length = one.entry.context_length if one.entry else None
    if length is not None and rows.words > length:
        found.append(f"it reads {length:,} tokens, and one in twenty texts has more than {rows.words:,} words")
    if one.parameters and FULL_TRAINING * one.parameters > free:
        needed = FULL_TRAINING * one.parameters / 2**30
        found.append(f"training all of it takes {needed:.1f} GiB or more, and {free / 2**30:.1f} GiB are free")
    if one.entry and one.entry.gated and not one.here:
        found.append("its terms must be agreed to on the hub")
    return found
