"""The best trial and the default settings, run again with seeds that chose nothing; only these runs see test rows."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace as changed
from pathlib import Path
from statistics import fmean
from typing import Any

from taskzoo.errors import Interrupted, TrainingError
from taskzoo.runs.directory import RunDirectory, read_json
from taskzoo.runs.repeats import Repeats, leaves, run_repeats
from taskzoo.runs.reporters import BarsOnly
from taskzoo.runs.request import Resolved
from taskzoo.runs.summary import SEEDS, SUMMARY_FILE, read_summary
from taskzoo.types import Score

from .trial import Watching, applied, same_rows

BEST, DEFAULT = "best", "default"
Z95 = 1.96
"""Half of a 95% interval in standard errors."""


@dataclass(frozen=True, slots=True)
class Reruns:
    """Runs with the same settings and other seeds.

    Args:
        directory: of the runs.
        seeds: theirs.
        validation: the score of each on the validation rows.
        test: on the test rows; empty if there are none.
        rows_error: the standard error of a score for other validation rows, by the bootstrap; 0 if it is not known.
    """

    directory: Path
    seeds: tuple[int, ...]
    validation: tuple[float, ...]
    test: tuple[float, ...] = ()
    rows_error: float = 0.0


def rerun(
    resolved: Resolved, settings: Mapping[str, Any], place: Path, seeds: int, score: Score, watching: Watching
) -> Reruns | str:
    """Run ``settings`` with ``seeds`` seeds after that of the request, on the rows of the request; resumes.

    Returns:
        The runs; or why there are none.

    Raises:
        Interrupted: somebody asked to stop.
        RequestError: the test rows cannot be used.
    """
    config = applied(resolved.config, settings)
    config = same_rows(config, config.training.seed + 1)
    wanted = json.loads(json.dumps(config.to_dict()))
    if (place / SUMMARY_FILE).is_file() and leaves(dict(read_summary(place).config)) != leaves(wanted):
        shutil.rmtree(place)
    watching.reporter.say(f"again     the {place.name} settings with {seeds} other seeds")
    try:
        made = run_repeats(
            changed(resolved, config=config),
            Repeats(SEEDS, seeds),
            place,
            reporter=BarsOnly(watching.reporter),
            stop=watching.stop,
        )
    except Interrupted as error:
        raise Interrupted(str(error).partition(" To continue")[0]) from None
    except TrainingError as error:
        return str(error)
    directories = [RunDirectory(place / part.directory) for part in made.parts]
    found: dict[str, list[float]] = {"validation": [], "test": []}
    rows_errors: list[float] = []
    for directory in directories:
        metrics = read_json(directory.metrics)
        low, high = metrics["validation"].get(f"{score.name}_ci95") or (0.0, 0.0)
        rows_errors.append((high - low) / (2 * Z95))
        for split, values in found.items():
            if (value := metrics.get(split, {}).get(score.name)) is not None:
                values.append(float(value))
    if len(found["validation"]) < len(directories):
        return f"{score.name} is undefined"
    test = found["test"] if len(found["test"]) == len(directories) else []
    used = tuple(part.seed for part in made.parts)
    return Reruns(place, used, tuple(found["validation"]), tuple(test), fmean(rows_errors))
