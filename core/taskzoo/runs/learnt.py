"""The rows of a request, and those that earlier runs have learnt, read again as their own configurations give them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from taskzoo.data.readers import expand, require_source
from taskzoo.errors import RequestError, TaskZooError
from taskzoo.option_names import option_name
from taskzoo.task import Task

from .data import NONE, REST, Splits, load_splits, paired_languages
from .earlier_run import EarlierRun
from .large import is_large, load_large_splits
from .old_rows import join_rows
from .reporters import BarsOnly
from .request import Resolved

if TYPE_CHECKING:
    from taskzoo.engine.progress import Reporter

    from .memory import MemoryRows


def read_rows(
    resolved: Resolved, memory: Mapping[str, MemoryRows] | None, reporter: Reporter | None
) -> tuple[Task, Splits, bool]:
    """The task, fitted on the training rows; the rows; and whether they are on disk.

    Arguments and errors are those of :func:`taskzoo.runs.plan.make_plan`.
    """
    config, entry, spec = resolved.config, resolved.entry, resolved.entry.spec
    languages = {role: str(config.options[name]) for role, name in spec.languages.items()}
    for pattern in (*(path for paths in config.data.files.values() for path in paths), config.data.unlabelled):
        if pattern not in (None, NONE, REST):  # before anything heavy is imported
            for path in expand(pattern):
                require_source(path, spec.columns, paired_languages(spec, languages))
    earlier = resolved.continued
    task = entry.load()(config.options) if earlier is None else earlier.task(entry, config.options)
    if config.training.baseline and not task.has_baseline:
        raise RequestError(f"The task {spec.id!r} has no baseline; leave {option_name('baseline')} out.")
    if reporter is None and config.training.streaming:
        raise RequestError("streaming=true is for training; here all rows have to be at hand, so leave it out.")
    on_disk = reporter is not None and not memory and is_large(config)
    splits = load_large_splits(spec, task, config, reporter) if reporter is not None and on_disk else None
    if splits is None:
        splits = load_splits(spec, task, config.data, seed=config.rows_seed, memory=memory)
    if earlier is None:
        task.fit(splits.examples["train"])
    else:
        old = old_splits(resolved, earlier, reporter) if config.training.mix_old else ""
        join_rows(splits, task, earlier, config.training, old)
        task.extend(splits.examples["train"])
    return task, splits, on_disk


def learnt_rows(resolved: Resolved, run: EarlierRun, reporter: Reporter | None) -> Iterator[Splits | str]:
    """The rows of ``run``, then of each run from which it was continued or that taught it, and so on.

    Each run is read once, when it is asked for. Instead of its rows there may be the reason why they cannot be had.
    """
    todo, known = [run], set[Path]()
    while todo:
        one = todo.pop()
        if one.path.resolve() in known:
            continue
        known.add(one.path.resolve())
        found = old_splits(resolved, one, reporter)
        yield f"of the run {one.path.name!r}: {found}" if isinstance(found, str) and one is not run else found
        for before in (one.teacher, one.before):
            try:
                todo += filter(None, [before()])
            except TaskZooError as error:
                yield str(error)


def old_splits(resolved: Resolved, earlier: EarlierRun, reporter: Reporter | None) -> Splits | str:
    """The rows of an earlier run, as its own configuration gives them; or why they cannot be had."""
    try:
        config = earlier.config()
        if config.training.streaming:
            return "they were read as a stream"
        was = Resolved(config, resolved.entry, resolved.ref, resolved.recipe, continued=earlier.before())
        _, found, _ = read_rows(was, None, None if reporter is None else BarsOnly(reporter))
    except TaskZooError as error:
        return str(error)
    recorded = earlier.manifest.get("data", {})
    for split, source in found.sources.items():
        kept = recorded.get(split, {})
        if any(kept.get(name) != source.get(name) for name in ("sha256", "revision", "rows") if name in kept):
            return f"its {split} data ({source.get('source')}) changed since it was made"
    return found
