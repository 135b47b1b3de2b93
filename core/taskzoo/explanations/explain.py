"""``taskzoo.explain``: predictions of a finished run with the words that speak for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskzoo.engine.progress import Reporter, Silent
from taskzoo.errors import DataError, RequestError, UnknownNameError
from taskzoo.evidence import Claim, Word
from taskzoo.hub.load import load
from taskzoo.runs.inputs import input_rows, is_blank, is_single
from taskzoo.runs.load import Run
from taskzoo.types import Row

from .asking import Asked, Subject
from .chosen import AUTO, chosen_method
from .explanation import (
    GRADIENT_X_INPUT,
    INTEGRATED_GRADIENTS,
    LEAVE_ONE_OUT,
    METHODS,
    Explained,
    Explanation,
    WordEvidence,
)
from .occlusion import leave_one_out
from .tokens import shared_out, unread_words
from .words import INSTEAD

if TYPE_CHECKING:
    from taskzoo.runs.load import Input


LARGE_RESIDUAL = 0.05
"""Of the difference to the baseline; above it, more steps are advised."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How predictions are to be explained.

    Args:
        method: one of :data:`~taskzoo.explanations.explanation.METHODS`, or ``auto``.
        steps: of integrated gradients.
        label: explain this label in place of the predicted one.
        nearest: how many training rows with similar vectors to add.
    """

    method: str = AUTO
    steps: int = 32
    label: str | None = None
    nearest: int = 0

    def check(self) -> None:
        """Refuse what cannot be.

        Raises:
            UnknownNameError: no such method.
            RequestError: a number that is too small or too large.
        """
        if self.method not in (AUTO, *METHODS):
            known = [AUTO, *METHODS]
            raise UnknownNameError("method of explanation", self.method, known, f"There are {', '.join(known)}.")
        if not 1 <= self.steps <= 1000:
            raise RequestError(f"steps={self.steps} must be from 1 to 1,000.")
        if self.nearest < 0:
            raise RequestError(f"nearest={self.nearest} must be 0 or more.")


def explain(
    run: Run | str | Path,
    inputs: Input | Iterable[Input],
    *,
    method: str = AUTO,
    steps: int = 32,
    label: str | None = None,
    nearest: int = 0,
) -> Any:
    """Predictions with the evidence of every word: an :class:`Explanation` for one input, a list for several.

    Args:
        run: a finished run or an export of one, or where it is.
        inputs: as :meth:`taskzoo.Run.predict` takes them.
        method: ``integrated-gradients``, ``gradient-x-input``, ``leave-one-out``, or ``auto``: the one that
            :func:`~taskzoo.explanations.faithfulness.measure` found best for this run, else ``leave-one-out``, and
            integrated gradients for long texts.
        steps: at which integrated gradients take the gradient.
        label: explain this label in place of the predicted one: why, or why not?
        nearest: add this many training rows whose vectors are most similar.

    Raises:
        RequestError: an input has no words, or the method cannot be used with this run.
        UnknownNameError: no such label or method, with the nearest there are.
        DataError: an input cannot be used.
    """
    wanted = Wanted(method, steps, label, nearest)
    wanted.check()
    loaded = run if isinstance(run, Run) else load(run)
    rows = input_rows(loaded.spec, loaded.task, inputs)
    found = explain_rows(loaded, rows, wanted)
    return found[0] if is_single(loaded.task, inputs) else found


def explain_rows(run: Run, rows: Sequence[Row], wanted: Wanted, reporter: Reporter | None = None) -> list[Explanation]:
    """An explanation of each row as a reader gives it; raises as :func:`explain`."""
    wanted.check()
    asked, reporter = Asked(run), reporter or Silent()
    chosen_method(asked, wanted.method, 0)  # refuses before anything is computed, as what follows
    subjects = []
    for row in rows:
        with _located(row):
            if is_blank(run.spec, row):
                raise RequestError("the input is empty, so there are no words to explain a prediction by.")
            subject = asked.subject(row)
            subjects.append((subject, asked.words(subject)))
    predictions = run.predict_rows(rows)
    found = []
    for row, (subject, words), prediction in zip(rows, subjects, predictions, strict=True):
        method, note = chosen_method(asked, wanted.method, len(words))
        notes = [note] if note else []
        if wanted.label is None:
            claims = asked.evidence.claims(prediction)
        else:
            claims = asked.evidence.instead(prediction, wanted.label)
        if not claims:
            notes.append("Nothing is predicted, so there is nothing to explain; ask about a label with --label NAME.")
        how = How(method, wanted.steps, reporter)
        with _located(row):
            explained = [explained_claim(asked, subject, claim, words, how) for claim in claims]
        unread = sum(word.evidence is None for word in explained[0].words) if explained else 0
        if unread:
            notes.append(f"{unread:,} of {len(words):,} words are cut away, and the model does not read them.")
        notes += [large_residual(one) for one in explained if large_residual(one)]
        found.append(Explanation(subject.texts, prediction, explained, notes=notes))
    if wanted.nearest:
        from .neighbours import add_nearest

        add_nearest(asked, rows, found, wanted.nearest, reporter)
    return found


@contextmanager
def _located(row: Row) -> Iterator[None]:
    """What a row is refused for, with where the row is from; data errors say that themselves."""
    try:
        yield
    except DataError:
        raise
    except RequestError as error:
        raise RequestError(f"{row.source}, line {row.line}: {error}" if row.line else error) from None


@dataclass(frozen=True, slots=True)
class How:
    """By which method, with how many steps, and where progress is said."""

    method: str
    steps: int
    reporter: Reporter


def explained_claim(asked: Asked, subject: Subject, claim: Claim, words: Sequence[Word], how: How) -> Explained:
    """The evidence of each word for one claim."""
    unit = asked.evidence.unit(claim)
    if how.method == LEAVE_ONE_OUT:
        unread = [] if asked.exported or not asked.evidence.differentiable else _unread(asked, subject, claim, words)
        value, evidence = leave_one_out(asked, subject, claim, words, unread, how.reporter)
        check_read(evidence)
        baseline = "the text without the word"
        if claim.span is not None:
            baseline += f" (a word of the entity itself is replaced by {INSTEAD!r})"
        return Explained(claim, how.method, unit, value, _shown(subject.texts, words, evidence), baseline)
    from .gradients import Gradients

    gradients = Gradients(asked, asked.question(subject, claim))
    if how.method == GRADIENT_X_INPUT:
        found = gradients.gradient_x_input()
    else:
        found = gradients.integrated(how.steps, how.reporter)
    evidence, elsewhere = shared_out(found, words)
    check_read(evidence)
    return Explained(
        claim,
        how.method,
        unit,
        found.value,
        _shown(subject.texts, words, evidence),
        f"{found.baseline} in place of every token" if found.baseline else "none: the slope at the text itself",
        found.baseline_value,
        found.residual,
        elsewhere,
    )


def check_read(evidence: Sequence[float | None]) -> None:
    """Refuse, by a :class:`RequestError`, a text of which the model reads no word."""
    if all(each is None for each in evidence):
        raise RequestError("The model reads none of the words of this text: all of them are cut away or unknown to it.")


def large_residual(one: Explained) -> str:
    """A sentence where the sum of the evidence is far from what it should be; else ``""``."""
    if one.method != INTEGRATED_GRADIENTS or one.residual is None or one.baseline_value is None:
        return ""
    whole = abs(one.value - one.baseline_value)
    if abs(one.residual) <= max(LARGE_RESIDUAL * whole, 0.01):
        return ""
    return (
        f"The evidence for {one.claim.name!r} adds up to {one.residual:+.3f} less than the difference of "
        f"{one.value - one.baseline_value:+.3f} that it shares out; more --steps make it exact."
    )


def _unread(asked: Asked, subject: Subject, claim: Claim, words: Sequence[Word]) -> list[Word]:
    """The words that are cut away, as far as that can be seen."""
    question = asked.question(subject, claim)
    try:
        places = asked.evidence.places(question, asked.features(question), asked.run.processor)
    except RequestError:
        return []
    return unread_words(places, words)


def _shown(texts: Mapping[str, str], words: Sequence[Word], evidence: Sequence[float | None]) -> list[WordEvidence]:
    return [
        WordEvidence(word.role, word.start, word.end, texts[word.role][word.start : word.end], value)
        for word, value in zip(words, evidence, strict=True)
    ]
