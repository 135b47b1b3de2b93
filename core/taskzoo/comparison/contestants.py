"""Who is compared: single runs, or directories of runs with several seeds, checked to be comparable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

from taskzoo.errors import RequestError
from taskzoo.runs.scored_rows import Key, ScoredRows, read_scored_rows
from taskzoo.runs.summary import FOLDS, SUMMARY_FILE, read_summary

_SHOWN = 5
"""Labels that a message names."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """What is compared under one name: a run, or one for each of several seeds.

    Args:
        name: for people, different from those of the others.
        path: its directory.
        members: the runs, in the order of ``seeds``.
        seeds: empty for a single run.
    """

    name: str
    path: Path
    members: tuple[ScoredRows, ...]
    seeds: tuple[int, ...] = ()


def read_contestants(paths: Sequence[Path]) -> list[Contestant]:
    """The runs at ``paths``, of one task and with one set of labels, none twice.

    Raises:
        RequestError: anything else.
    """
    if len(paths) < 2:
        raise RequestError("A comparison needs at least two runs; name another one.")
    for one, two in combinations(paths, 2):
        if one.resolve() == two.resolve():
            raise RequestError(f"The run {str(two)!r} is named twice; a comparison needs different runs.")
    found = [_read(path, name) for path, name in zip(paths, _names(paths), strict=True)]
    for other in found[1:]:
        _check_alike(found[0], other)
    return _with_common_seeds(found)


def on_common_rows(contestants: Sequence[Contestant]) -> tuple[list[Contestant], list[str]]:
    """The contestants with the rows that all of them have, in one order; and a sentence on other rows, if any.

    Raises:
        RequestError: there are none.
    """
    members = [member for one in contestants for member in one.members]
    known = [set(member.keys) for member in members]
    keys = [key for key in members[0].keys if all(key in keys for keys in known)]
    if not keys:
        raise RequestError(
            f"The runs have no test row in common ({_counts(contestants)} rows; a row is known by its input and its "
            "reference). Score them on one labelled file, zoo eval RUN --data FILE --output FOLDER, and compare the "
            "folders."
        )
    notes = []
    if any(len(member.keys) > len(keys) for member in members):
        notes.append(
            f"The test rows differ: {len(keys):,} rows are compared that all have in common, of {_counts(contestants)}."
        )
    return [replace(one, members=tuple(_in_order(m, keys) for m in one.members)) for one in contestants], notes


def _in_order(member: ScoredRows, keys: Sequence[Key]) -> ScoredRows:
    place = {key: i for i, key in enumerate(member.keys)}
    return member.take([place[key] for key in keys])


def _counts(contestants: Sequence[Contestant]) -> str:
    return " and ".join(f"{len(one.members[0].keys):,} ({one.name})" for one in contestants)


def _read(path: Path, name: str) -> Contestant:
    if not (path / SUMMARY_FILE).is_file():
        return Contestant(name, path, (read_scored_rows(path),))
    summary = read_summary(path)
    if summary.kind == FOLDS:  # each row is predicted once, so all of them are as the rows of one run
        return Contestant(name, path, (read_scored_rows(path),))
    finished = [part for part in summary.parts if part.metrics is not None]
    if not finished:
        raise RequestError(f"No run in {str(path)!r} is finished; start the same command again to continue it.")
    members = tuple(read_scored_rows(path / part.directory) for part in finished)
    return Contestant(name, path, members, tuple(part.seed for part in finished))


def _names(paths: Sequence[Path]) -> list[str]:
    """The last parts of the paths, as many as tell them apart."""
    absolute = [path.absolute().parts for path in paths]
    for count in range(1, max(map(len, absolute)) + 1):
        names = ["/".join(parts[-count:]) for parts in absolute]
        if len(set(names)) == len(names):
            return names
    return [str(path) for path in paths]


def _check_alike(first: Contestant, other: Contestant) -> None:
    ours, theirs = first.members[0], other.members[0]
    if ours.name != theirs.name:
        raise RequestError(
            f"{first.name} is a run of {ours.name} and {other.name} one of {theirs.name}; runs of one task can be "
            "compared."
        )
    ours_answers, theirs_answers = (sorted(member.rows[0]["reference"]) for member in (ours, theirs))
    if ours_answers != theirs_answers:
        raise RequestError(
            f"A row of {first.name} is answered by {' and '.join(ours_answers)} and one of {other.name} by "
            f"{' and '.join(theirs_answers)}, so that their scores are not of the same thing; compare runs with the "
            "same kind of answer."
        )
    if ours.labels == theirs.labels:
        return
    parts = [
        f"{one.name} alone has {_listed(mine - others)}"
        for one, mine, others in ((first, ours.labels, theirs.labels), (other, theirs.labels, ours.labels))
        if mine - others
    ]
    raise RequestError(
        f"{first.name} and {other.name} predict different labels ({'; '.join(parts)}), so that their scores are not of "
        "the same thing; compare runs with the same labels."
    )


def _listed(labels: frozenset[str]) -> str:
    some = sorted(labels)[:_SHOWN]
    return ", ".join(map(repr, some)) + (f" and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else "")


def _with_common_seeds(found: list[Contestant]) -> list[Contestant]:
    """Directories of several seeds, restricted to the seeds that all have.

    Raises:
        RequestError: single runs are among them, or no two seeds are in all.
    """
    several = [one for one in found if one.seeds]
    if not several:
        return found
    if len(several) < len(found):
        single = next(one for one in found if not one.seeds)
        raise RequestError(
            f"{several[0].name} is a directory of {len(several[0].seeds)} seeds and {single.name} is not; name one of "
            f"its runs, such as {several[0].members[0].path}, or compare it with another such directory."
        )
    seeds = [seed for seed in several[0].seeds if all(seed in one.seeds for one in several)]
    if len(seeds) < 2:
        has = " and ".join(f"{', '.join(map(str, one.seeds))} ({one.name})" for one in several)
        raise RequestError(
            f"The directories have {len(seeds) or 'no'} seed{'s' * (len(seeds) != 1)} in common: {has}. Runs are "
            "paired by seed, and two pairs are the least; train with the same --seed and --seeds."
        )
    return [
        replace(one, members=tuple(one.members[one.seeds.index(seed)] for seed in seeds), seeds=tuple(seeds))
        for one in several
    ]
