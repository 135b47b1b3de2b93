"""Several runs of one request in one directory: with other seeds on the same rows, or one for each fold of the rows."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from taskzoo.engine.progress import Reporter, Silent
from taskzoo.errors import Interrupted, RequestError
from taskzoo.option_names import option_name

from . import execute
from .directory import RunDirectory, new_run, read_json, write_json
from .execute import Stop, never
from .old_rows import old_test_rows
from .plan import Plan, make_plan
from .repeats_summary import fold_facts, seed_facts
from .reporters import BarsOnly
from .request import Resolved
from .summary import FOLDS, SEEDS, SUMMARY_FILE, Part, Summary, read_summary
from .verdict import VERDICT, split_scores

_TITLES = {SEEDS: "seed", FOLDS: "fold"}


@dataclass(frozen=True, slots=True)
class Repeats:
    """How a request is repeated: ``kind`` is ``seeds`` or ``folds``, ``number`` how many runs that makes."""

    kind: str
    number: int

    def parts(self, seed: int) -> tuple[Part, ...]:
        """The runs before any is made, the first with ``seed``; folds all have it."""
        step = int(self.kind == SEEDS)
        title = _TITLES[self.kind]
        return tuple(Part(f"{title}-{i + 1}", seed + step * i) for i in range(self.number))


@contextmanager
def repeats_directory(output: str | None, resolved: Resolved, repeats: Repeats) -> Iterator[Path]:
    """Where the runs go: a new directory, or one that an earlier start of the same command has made.

    Raises:
        RequestError: it holds anything else, or runs of another request.
    """
    if output is None or not (Path(output) / SUMMARY_FILE).is_file():
        with new_run(output, f"{resolved.title}-{repeats.kind}", resolved.config.model) as path:
            yield path
        return
    path = Path(output)
    earlier, wanted = read_summary(path), json.loads(json.dumps(resolved.config.to_dict()))
    if (earlier.kind, len(earlier.parts)) != (repeats.kind, repeats.number):
        made = f"{len(earlier.parts)} {earlier.kind}"
        raise RequestError(
            f"The output directory {output!r} holds {made}, and {repeats.number} {repeats.kind} were asked for; choose "
            f"another {option_name('output')}."
        )
    changed = sorted(leaves(earlier.config).items() ^ leaves(wanted).items())
    if changed:
        raise RequestError(
            f"The output directory {output!r} holds runs with other settings ({changed[0][0]}); give the same ones to "
            f"continue, or choose another {option_name('output')}."
        )
    yield path


def run_repeats(
    resolved: Resolved,
    repeats: Repeats,
    path: Path,
    *,
    reporter: Reporter | None = None,
    stop: Stop = never,
) -> Summary:
    """Make the runs that are missing in ``path``, one after the other, and sum them up.

    Seeds: initialisation, order and dropout differ; the rows, and how they are split, are those of the request's own
    seed. Folds: each is tested by a run on the others; test rows that were given are not used.

    Args:
        resolved: the request.
        repeats: what is repeated.
        path: as :func:`repeats_directory` gives it.
        reporter: where progress is shown.
        stop: asked whether to stop.

    Raises:
        RequestError, TrainingError: of one of the runs; those before it are kept.
        Interrupted: stopped; the same command continues.
    """
    reporter, config = reporter or Silent(), resolved.config
    parts = list(repeats.parts(config.training.seed))
    first = make_plan(_of_part(resolved, repeats, 0), reporter=None if repeats.kind == FOLDS else reporter)
    pristine = copy.deepcopy(first.task)
    for i, part in enumerate(parts):
        plan = first if i == 0 else _plan(resolved, repeats, i, first, pristine)
        directory = RunDirectory(path / part.directory)
        if _status(directory) != "finished":
            reporter.say(f"{_TITLES[repeats.kind]:<10}{i + 1} of {len(parts)}")
            _write(path, repeats, parts, config.to_dict(), {})
            _one(plan, directory, BarsOnly(reporter) if i else reporter, stop, f"run {i + 1} of {len(parts)}")
        parts[i] = replace(part, metrics=_scores(directory))
    whole = copy.deepcopy(pristine)
    if repeats.kind == FOLDS:
        learn = whole.fit if first.continued is None else whole.extend
        learn([row for rows in first.splits.examples.values() for row in rows])
        facts = fold_facts(path, parts, replace(first, task=whole))
        known = [old_test_rows(RunDirectory(path / part.directory).read_manifest()) for part in parts]
        facts["learnt_before"] = None if None in known else sum(count or 0 for count in known)
    else:
        facts = seed_facts(path, parts, whole)
    said = {part.directory: read_json(RunDirectory(path / part.directory).metrics).get(VERDICT, []) for part in parts}
    facts["verdicts"] = {name: sentences for name, sentences in said.items() if sentences}
    return _write(path, repeats, parts, config.to_dict(), facts)


def _of_part(resolved: Resolved, repeats: Repeats, place: int) -> Resolved:
    """The request of one run, which its own ``config.yaml`` repeats."""
    config = resolved.config
    if place:  # one baseline is enough, unless it was asked for
        training = replace(config.training, baseline=bool(config.training.baseline))
        config = replace(config, training=training)
    if repeats.kind == FOLDS:
        data = replace(config.data, fold=f"{place + 1}/{repeats.number}")
        return replace(resolved, config=replace(config, data=data))
    data = replace(config.data, split_seed=config.rows_seed)
    training = replace(config.training, seed=config.training.seed + place)
    return replace(resolved, config=replace(config, data=data, training=training))


def _plan(resolved: Resolved, repeats: Repeats, place: int, first: Plan, pristine: Any) -> Plan:
    """The plan of a run after the first: other seeds have the rows and the fitted task of the first."""
    one = _of_part(resolved, repeats, place)
    if repeats.kind == FOLDS:
        return make_plan(one)
    return replace(first, config=one.config, task=copy.deepcopy(pristine))


def _one(plan: Plan, directory: RunDirectory, reporter: Reporter, stop: Stop, which: str) -> None:
    """Start or resume one run."""
    try:
        if _status(directory):
            execute.restart(plan, directory, reporter=reporter, stop=stop)
            return
        shutil.rmtree(directory.path, ignore_errors=True)  # without a manifest nothing was trained there
        execute.start(plan, directory.path, reporter=reporter, stop=stop)
    except Interrupted:
        again = f"the same command with {option_name('output', str(directory.path.parent))}"
        raise Interrupted(f"Stopped in {which}. To continue, give {again}.") from None


def _status(directory: RunDirectory) -> str:
    """Of a run that was begun; else empty."""
    return str(directory.read_manifest()["status"]) if directory.manifest.is_file() else ""


def _scores(directory: RunDirectory) -> dict[str, Any]:
    """The scores of the last split, without details."""
    splits = split_scores(read_json(directory.metrics))
    last = list(splits.values())[-1] if splits else {}
    return {n: v for n, v in last.items() if isinstance(v, float) or v is None or n == "rows"}


def _write(
    path: Path, repeats: Repeats, parts: Sequence[Part], config: dict[str, Any], facts: dict[str, Any]
) -> Summary:
    summary = Summary(repeats.kind, tuple(parts), config, facts)
    path.mkdir(parents=True, exist_ok=True)
    write_json(path / SUMMARY_FILE, summary.to_dict())
    return summary


def leaves(config: Any, name: str = "") -> dict[str, str]:
    """Dotted name -> value as text."""
    if not isinstance(config, dict):
        return {name: json.dumps(config)}
    found: dict[str, str] = {}
    for key, value in config.items():
        found |= leaves(value, f"{name}.{key}" if name else str(key))
    return found
