"""How right the forecasts of `zoo recommend` and `zoo learning-curve` are, and the results that they rest on.

    python benchmarks/recommend.py summarise --data FOLDER [--results docs/results.csv]
    python benchmarks/recommend.py leave-out
    python benchmarks/recommend.py coverage [--replications 1000]
    python benchmarks/recommend.py curve [--replications 1000]

``summarise`` adds what is new in the results of ``results.py`` to ``measured.csv`` of the package: for each training of
zoo's methods, what a linear probe has by cross-validation on the same training rows (seconds for each data set).
``leave-out`` forecasts every measured result from those of the other data sets. ``coverage`` and ``curve`` simulate
data sets and count how often the 95% intervals hold what is then measured.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from statistics import mean

import numpy as np
from data_sets import data_set, draw, read
from results import Key, read_results

from taskzoo.metrics.power_law import PowerLaw
from taskzoo.recommending.forecast import ProbeScore, forecast_score
from taskzoo.recommending.measured import FILE, Measured, read_measured
from taskzoo.runs.curve import Curve, Outcome, look_ahead
from taskzoo.types import Score

METHODS = ("auto", "full", "lora", "linear-probe", "contrastive")
ACCURACY = Score("accuracy")
NORMAL = 1.96


# the measured results


def summarise(arguments: argparse.Namespace) -> None:
    """Add a line for every new result, and write the file anew after each data set."""
    results = read_results(arguments.results)
    lines = read_measured(FILE) if FILE.is_file() else []
    known = {(one.data_set, one.rows, one.model, one.seed): one for one in lines}
    done = {(one.data_set, one.rows, one.model, one.method, one.seed) for one in lines}
    for key, score in results.items():
        if key.method not in METHODS or (key.data_set, key.rows, key.model, key.method, key.seed) in done:
            continue
        cell = (key.data_set, key.rows, key.model, key.seed)
        if cell not in known:
            probed = _probe(key, score.metric, arguments.data, arguments.test)
            if probed is None:
                continue
            task = data_set(key.data_set).task
            known[cell] = Measured(
                key.data_set,
                task,
                score.metric,
                key.rows,
                key.model,
                "",
                key.seed,
                probed.unit,
                round(probed.value, 4),
                round(probed.error, 4),
                0.0,
                0.0,
            )
        reached, error = round(score.score, 4), round((score.high - score.low) / (2 * NORMAL), 4)
        values = {**asdict(known[cell]), "method": key.method, "score": reached, "score_error": error}
        lines.append(Measured(**values))
        _write(sorted(lines, key=lambda one: (one.data_set, one.rows, one.seed, one.method)))


def _probe(key: Key, metric: str, folder: Path | None, most: int) -> ProbeScore | None:
    """What `zoo recommend` would have said of the training rows; ``None`` where there is no probe."""
    from taskzoo.engine.progress import Silent
    from taskzoo.errors import RequestError
    from taskzoo.recommending.probe import probe_score
    from taskzoo.runs.execute import never
    from taskzoo.runs.plan import make_plan
    from taskzoo.runs.request import DataRequest, RunRequest, resolve_request

    data = data_set(key.data_set)
    rows = draw(read(key.data_set, folder), key.rows, key.seed, tuning=False, most=most)
    request = DataRequest(train=rows.train, validation=rows.validation, test=rows.test)
    settings = {**data.settings, "seed": key.seed}
    plan = make_plan(resolve_request(RunRequest(data.task, key.model, request, settings)), request.memory)
    try:
        found = probe_score(plan, Silent(), never, metric)
    except RequestError as reason:
        print(f"{key}: left out, {reason}", file=sys.stderr)
        return None
    if found.score.range != (0.0, 1.0):
        return None
    print(f"{key}: {found}", file=sys.stderr, flush=True)
    return found


def _write(lines: Sequence[Measured]) -> None:
    with FILE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Measured)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(asdict, lines))


def leave_out(arguments: argparse.Namespace) -> None:
    """Forecast each result from the other data sets, and count how often it is in its interval."""
    lines = read_measured(FILE)
    print("| data set | rows | method | probe | forecast | measured | inside |\n|---|---|---|---|---|---|---|")
    found: dict[str, list[tuple[bool, float, float]]] = {}
    for one in lines:
        others = [other for other in lines if other.data_set != one.data_set]
        probe = ProbeScore(ACCURACY, one.probe, one.probe_error, one.rows, one.unit)
        test_rows = max(1, round(one.rows * (one.probe_error / max(one.score_error, 1e-6)) ** 2))
        ahead = forecast_score(probe, others, one.method, train_rows=one.rows, test_rows=test_rows)
        if isinstance(ahead, str):
            continue
        found.setdefault(one.method, []).append(
            (ahead.holds(one.score), abs(ahead.value - one.score), ahead.high - ahead.low)
        )
        said = f"{ahead.value:.3f} [{ahead.low:.3f}, {ahead.high:.3f}]"
        inside = "yes" if ahead.holds(one.score) else "no"
        print(f"| {one.data_set} | {one.rows} | {one.method} | {one.probe:.3f} | {said} | {one.score:.3f} | {inside} |")
    for method, results in found.items():
        inside, errors, widths = zip(*results, strict=True)
        print(
            f"\n{method}: {sum(inside)} of {len(inside)} inside, mean absolute error {mean(errors):.3f}, mean width "
            f"{mean(widths):.3f}"
        )


# simulations


def coverage(arguments: argparse.Namespace) -> None:
    """Data sets with effects of their own, rows and test rows drawn at random; what is forecast, and what comes out."""
    print("| data sets | sd between them | training rows | test rows | inside | width |\n|---|---|---|---|---|---|")
    cases = [(k, sd, n, m) for k in arguments.sets for sd in arguments.sds for n, m in arguments.rows]
    for sets, spread, train_rows, test_rows in cases:
        generator = np.random.default_rng(0)
        inside, widths = 0, []
        for _ in range(arguments.replications):
            past = [_simulated(generator, spread, train_rows, 500, f"set {i}") for i in range(sets)]
            new = _simulated(generator, spread, train_rows, test_rows, "new")
            probe = ProbeScore(ACCURACY, new.probe, new.probe_error, train_rows, "text")
            ahead = forecast_score(probe, past, "auto", train_rows=train_rows, test_rows=test_rows)
            assert not isinstance(ahead, str)
            inside += ahead.holds(new.score)
            widths.append(ahead.high - ahead.low)
        share = inside / arguments.replications
        print(f"| {sets} | {spread:g} | {train_rows} | {test_rows} | {share:.1%} | {mean(widths):.3f} |", flush=True)


def _simulated(generator: np.random.Generator, spread: float, train_rows: int, test_rows: int, name: str) -> Measured:
    """A data set on which a probe is right with a probability of its own, and training gains 0.03 ± ``spread``."""
    level = generator.uniform(0.4, 0.88)
    reached = float(np.clip(level + 0.03 + spread * generator.normal(), 0.02, 0.98))
    probe = generator.binomial(train_rows, level) / train_rows
    score = generator.binomial(test_rows, reached) / test_rows

    def error(share: float, rows: int) -> float:
        return max(float(np.sqrt(share * (1 - share) / rows)), 1 / (rows + 2))

    return Measured(
        name,
        "t",
        "accuracy",
        train_rows,
        "m",
        "auto",
        0,
        "text",
        probe,
        error(probe, train_rows),
        score,
        error(score, test_rows),
    )


def curve(arguments: argparse.Namespace) -> None:
    """Learning curves of accuracies, by subsets that are scored on the same validation rows."""
    print("| sizes | repeats | validation rows | inside | width | by subsets alone |\n|---|---|---|---|---|---|")
    for sizes, repeats, held in arguments.curves:
        generator = np.random.default_rng(0)
        inside, alone, made, widths = 0, 0, 0, []
        for found, truth in _curves(generator, sizes, repeats, held, arguments.replications):
            ahead = look_ahead(found)
            if ahead is None:
                continue
            made += 1
            inside += ahead.low <= truth <= ahead.high
            widths.append(ahead.high - ahead.low)
            bare = [replace(one, metrics={"accuracy": one.metrics["accuracy"]}) for one in found.outcomes]
            narrow = look_ahead(Curve(ACCURACY, held, bare))
            alone += narrow is not None and narrow.low <= truth <= narrow.high
        shown = ", ".join(map(str, sizes))
        right = f"{inside / made:.1%} of {made}"
        print(f"| {shown} | {repeats} | {held} | {right} | {mean(widths):.3f} | {alone / made:.1%} |", flush=True)


def _curves(
    generator: np.random.Generator, sizes: Sequence[int], repeats: int, held: int, count: int
) -> Iterator[tuple[Curve, float]]:
    """Curves of outcomes, and the expected score with twice the rows of the largest size.

    The probability of being right rises along a power law; a subset's own is off by chance, the more the fewer rows it
    has (as 0.3 over the root of them), and as far as it is part of a larger one, the two are off together. Each
    validation row has a difficulty of its own, the same for all subsets.
    """
    for _ in range(count):
        b, c = generator.uniform(0.3, 0.8), generator.uniform(0.02, 0.25)
        first = generator.uniform(0.3, 0.6) - c
        law = PowerLaw(max(first, 0.05) * sizes[0] ** b, b, c)
        difficulty = generator.uniform(size=held)
        outcomes = []
        walks = {seed: np.cumsum(generator.normal(size=max(sizes))) for seed in range(repeats)}
        for size in sizes:
            for seed in range(repeats):
                if size == sizes[-1] and seed:
                    continue
                off = 0.3 * walks[seed][size - 1] / size
                right = np.clip(1 - law.predict(float(size)) + off, 0.01, 0.99)
                # nine tenths of a row's answer are the row's, the rest is the subset's
                own = np.where(generator.uniform(size=held) < 0.1, generator.uniform(size=held), difficulty)
                score = float((own < right).mean())
                width = NORMAL * np.sqrt(max(score * (1 - score), 1e-3) / held)
                metrics = {"accuracy": score, "accuracy_ci95": [score - width, score + width]}
                outcomes.append(Outcome(size, seed, metrics, 0.0))
        yield Curve(ACCURACY, held, outcomes), float(1 - law.predict(2.0 * sizes[-1]))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("summarise", "leave-out", "coverage", "curve"))
    parser.add_argument("--data", type=Path, help="summarise: folder with a folder for each data set")
    parser.add_argument("--results", type=Path, default=Path("docs/results.csv"))
    parser.add_argument("--test", type=int, default=500, help="summarise: at most so many test rows")
    parser.add_argument("--replications", type=int, default=1000)
    parser.add_argument("--sets", type=int, nargs="+", default=[6, 9, 15])
    parser.add_argument("--sds", type=float, nargs="+", default=[0.0, 0.02, 0.04, 0.08])
    parser.set_defaults(
        rows=[(300, 100), (300, 1000)],
        curves=[((24, 48, 96, 192, 384), 3, 100), ((24, 48, 96, 192, 384), 3, 1000), ((50, 158, 500), 3, 300)],
    )
    arguments = parser.parse_args()
    {"summarise": summarise, "leave-out": leave_out, "coverage": coverage, "curve": curve}[arguments.command](arguments)


if __name__ == "__main__":
    main()
