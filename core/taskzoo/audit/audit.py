"""An audit: where a finished run is worse than its score says."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from taskzoo.errors import RequestError, UnknownNameError
from taskzoo.runs.data import Files, task_languages
from taskzoo.runs.directory import RunDirectory
from taskzoo.runs.given_columns import GivenColumns, read_columns
from taskzoo.runs.scored_rows import ScoredRows, read_scored_rows
from taskzoo.types import Prediction

from .audited_rows import AuditedRows, RowScore, audited_rows
from .gap import PAIRS, PERTURBATIONS, SLICES, Gap, Section, corrected
from .groups import group_section
from .lists import LANGUAGES, PairLists, pair_lists, read_pair_lists
from .row_languages import row_languages
from .slices import slice_section
from .words import Vocabulary, pull_section, word_section

if TYPE_CHECKING:
    from taskzoo.runs.load import Run

ROWS = 200
"""Test rows that are changed and predicted again."""
PARTS = (SLICES, PERTURBATIONS, PAIRS)


@dataclass(frozen=True, slots=True)
class AuditRequest:
    """What to look at.

    Args:
        by: columns of the test file whose values are slices, and groups to compare.
        data: that file; ``None``: as the run's configuration names it.
        rows: how many test rows are changed and predicted again.
        seed: which rows these are, and where texts are changed.
        only: some of :data:`PARTS`; empty: all.
        groups: a YAML file with templates and groups in place of ours.
    """

    by: Sequence[str] = ()
    data: Files | None = None
    rows: int = ROWS
    seed: int = 0
    only: Sequence[str] = ()
    groups: str | Path | None = None

    def check(self) -> None:
        """Refuse, by a :class:`RequestError`, what cannot be."""
        for name in self.only:
            if name not in PARTS:
                raise UnknownNameError("part of an audit", name, PARTS, f"There are {', '.join(PARTS)}.")
        if self.rows < 1:
            raise RequestError(f"--rows {self.rows} must be 1 or more.")
        if self.data is not None and not self.by:
            raise RequestError("--data is the file with the columns of --by; name them, or leave it out.")
        parts = {
            "--by": (SLICES, bool(self.by)),
            "--groups": (PAIRS, self.groups is not None),
            "--rows": (PERTURBATIONS, self.rows != ROWS),
            "--seed": (PERTURBATIONS, self.seed != 0),
        }
        for option, (part, given) in parts.items():
            if given and not self.wants(part):
                raise RequestError(
                    f"{option} is for {part}, and --only {','.join(self.only)} leaves them out; add them, or leave out "
                    f"{option}."
                )

    def wants(self, part: str) -> bool:
        """Whether a part is asked for."""
        return not self.only or part in self.only


DEFAULT = AuditRequest()


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found.

    Args:
        run: the name of the run.
        task: its task.
        rows: the number of test rows.
        score: what of a row is compared.
        mean: of it over all rows.
        languages: of the rows, with their numbers.
        sections: what was looked at.
        notes: what to know of all of it, a sentence each.
        skipped: what could not be done, and why.
    """

    run: str
    task: str
    rows: int
    score: str
    mean: float
    languages: Mapping[str, int]
    sections: Sequence[Section]
    notes: Sequence[str] = ()
    skipped: Sequence[str] = field(default_factory=list)

    @property
    def found(self) -> list[Gap]:
        """All gaps that are more than chance, the most severe first."""
        gaps = [gap for section in self.sections for gap in section.found]
        return sorted(gaps, key=lambda gap: (-gap.share, gap.adjusted))

    @property
    def looked_at(self) -> int:
        """How many comparisons were made."""
        return sum(len(section.gaps) for section in self.sections)

    def exceeding(self, most: float) -> list[Gap]:
        """The gaps that were found and whose whole interval lies beyond ``most``."""
        return [gap for gap in self.found if gap.exceeds(most)]


def audit(
    run: str | Path | Run, request: AuditRequest = DEFAULT, say: Callable[[str], object] = lambda _: None
) -> Audit:
    """Look for parts of the data and changes of texts for which a finished run is worse.

    Args:
        run: its directory, or the run itself; for slices alone a folder of ``zoo eval --output`` will do.
        request: what to look at.
        say: is told what is predicted next.

    Raises:
        RequestError: there is no finished run with test rows, or the request is wrong.
        DataError: the file of the columns cannot be read.
        PluginError: the task's plugin is missing or failed.
    """
    from taskzoo.runs.load import Run

    request.check()
    lists = read_pair_lists(request.groups) if request.groups is not None else None
    path = run.path if isinstance(run, Run) else Path(run)
    scored = read_scored_rows(path)
    rows, score = audited_rows(scored)
    known = task_languages(scored.spec, scored.task).get(scored.spec.input_role, "")
    languages = row_languages(rows.joined, known)
    sections, notes, skipped = list[Section](), list[str](), list[str]()
    if request.wants(SLICES):
        sections += _of_rows(scored, rows, languages, request, notes)
    asked = [part for part in (PERTURBATIONS, PAIRS) if request.wants(part)]
    if asked:
        model = run if isinstance(run, Run) else _loaded(path, request)
        if model is None:
            skipped.append("This folder holds predictions without their model, so only slices were looked at.")
        else:
            model.say = lambda _: None
            for part in asked:
                try:
                    if part == PERTURBATIONS:
                        sections.append(_perturbed(model, scored, languages, score, (request, say)))
                    else:
                        sections += _pairs(model, lists, languages, say, skipped)
                except RequestError as error:
                    if request.only:
                        raise
                    skipped.append(str(error))
    if unknown := languages.count(""):
        notes.append(
            f"The language of {unknown:,} row{'s' * (unknown != 1)} cannot be told, so no slice of a language has them "
            "and changes of texts for one language leave them out."
        )
    counts = Counter(code or "unknown" for code in languages)
    mean = float(rows.scores[rows.scores == rows.scores].mean()) if len(rows.scores) else float("nan")
    name = path.resolve().name
    return Audit(name, scored.name, len(rows.scores), score.shown, mean, counts, corrected(sections), notes, skipped)


def _of_rows(
    scored: ScoredRows, rows: AuditedRows, languages: Sequence[str], request: AuditRequest, notes: list[str]
) -> list[Section]:
    config = RunDirectory(scored.path).config
    given = read_columns(scored.task, scored.spec, config, request.by, request.data)
    columns = _columns(given, rows, [row["reference"] for row in scored.rows], notes)
    vocabulary = Vocabulary(rows.joined)
    found = [slice_section(rows, columns, languages), word_section(rows, vocabulary)]
    if any(rows.gold) and not any("entities" in row["reference"] for row in scored.rows[:1]):
        found.append(pull_section(rows, vocabulary))
        if (rates := group_section(rows, columns)) is not None:
            found.append(rates)
    return found


def _columns(
    given: GivenColumns | None, rows: AuditedRows, references: Sequence[Prediction], notes: list[str]
) -> dict[str, list[str | None]]:
    if given is None:
        return {}
    values = [given.of(texts, reference) for texts, reference in zip(rows.texts, references, strict=True)]
    if given.unknown == len(values):
        raise RequestError(
            "No test row of the run is in the file with the columns of --by: its texts have changed, or it is another "
            "file. Score the run on it: zoo eval RUN --data FILE --output FOLDER, then zoo audit FOLDER --data FILE."
        )
    notes += given.notes
    return {name: [None if one is None else one[place] for one in values] for place, name in enumerate(given.columns)}


def _loaded(path: Path, request: AuditRequest) -> Run | None:
    """The model of the run; ``None`` in a folder of predictions alone."""
    from taskzoo.runs.load import load

    if not (path / "model").is_dir():
        if request.only:
            raise RequestError(
                f"{str(path)!r} holds predictions without their model; only --only slices can be looked at there."
            )
        return None
    return load(path, precision="fp32")


def _perturbed(
    model: Run,
    scored: ScoredRows,
    languages: Sequence[str],
    score: RowScore,
    asked_for: tuple[AuditRequest, Callable[[str], object]],
) -> Section:
    from .asking import asked_rows
    from .perturbations import perturbation_section

    request, say = asked_for
    count = len(scored.rows)
    chosen = sorted(random.Random(request.seed).sample(range(count), min(request.rows, count)))
    asked = asked_rows(model, scored, chosen, say)
    own = [languages[row.line - 1] for row in asked.rows]
    section = perturbation_section(asked, own, replace(score, task=model.task), request.seed)
    note = f"{len(asked.rows):,} of {count:,} test rows, drawn with seed {request.seed}."
    return replace(section, notes=(note, *section.notes))


def _pairs(
    model: Run,
    given: PairLists | None,
    languages: Sequence[str],
    say: Callable[[str], object],
    skipped: list[str],
) -> list[Section]:
    from .pairs import TITLE, pair_section

    if given is not None:
        return [pair_section(model, given, say)]
    codes = [code for code in LANGUAGES if code in languages]
    if not codes:
        why = "the test rows are in neither" if any(languages) else "the language of the test rows cannot be told"
        skipped.append(
            f"There are templates for English and Chinese, and {why}; give your own with --groups FILE.yaml."
        )
    several = len(codes) > 1
    return [pair_section(model, pair_lists(code), say, f"{TITLE} ({code})" if several else TITLE) for code in codes]
