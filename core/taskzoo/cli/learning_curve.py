"""``zoo learning-curve``: what more labels would bring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .completions import method_names
from .options import (
    Columns,
    Data,
    Format,
    GroupBy,
    Holdout,
    Model,
    Settings,
    SkipBadRows,
    Task,
    Test,
    Train,
    TrustRemoteCode,
    Validation,
)

if TYPE_CHECKING:
    from taskzoo.runs.curve import Curve

WIDTH = 40
"""Characters of the plot."""


def learning_curve(
    task: Task,
    model: Model = None,
    data: Data = None,
    train: Train = None,
    validation: Validation = None,
    test: Test = None,
    columns: Columns = None,
    skip_bad_rows: SkipBadRows = None,
    format: Format = None,
    group_by: GroupBy = None,
    holdout: Holdout = None,
    method: Annotated[
        str | None,
        typer.Option(
            help="linear-probe (default: each text is encoded once), full, lora or contrastive.",
            autocompletion=method_names,
        ),
    ] = None,
    sizes: Annotated[
        str | None,
        typer.Option(
            help="Training rows per subset, e.g. 16,64,256,all or 10%,25%,100% (default: 8 per class to all)."
        ),
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Subsets per size.")] = 3,
    set_: Settings = None,
    trust_remote_code: TrustRemoteCode = False,
    output: Annotated[str | None, typer.Option(help="Directory (default: runs/TASK-curve-MODEL-TIME).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the curve as JSON.")] = False,
) -> None:
    """Train on ever more of the training rows and say what more labels would bring."""
    from taskzoo.config import parse_assignments, parse_columns
    from taskzoo.runs.directory import new_run
    from taskzoo.runs.plan import make_plan
    from taskzoo.runs.request import DataRequest, RunRequest, resolve_request

    settings: dict[str, Any] = {"method": "linear-probe", **parse_assignments(set_ or [])}
    if method is not None:
        settings["method"] = method
    named = parse_columns(columns or "")
    rows = DataRequest(data, train, validation, test, None, named, format, group_by, None, holdout, None, skip_bad_rows)
    resolved = resolve_request(RunRequest(task, model, rows, settings, trust_remote_code=trust_remote_code))
    with new_run(output, f"{resolved.title}-curve", resolved.config.model) as path:
        plan = make_plan(resolved)

        from taskzoo.engine.progress import Terminal
        from taskzoo.runs import learning_curve as curves
        from taskzoo.runs.wording import curve_limits, curve_verdict

        from .output import print_json
        from .process import set_up_process, stop_on_signal

        set_up_process()
        with stop_on_signal() as stop:
            curve = curves.learning_curve(plan, path, sizes=sizes, repeats=repeats, reporter=Terminal(), stop=stop)
    if as_json:
        print_json({**curve.to_dict(), "verdict": curve_verdict(curve)})
        return
    _print(curve)
    print()
    print(curve_verdict(curve))
    if curve.forecast:
        print(curve_limits(curve))
    print()
    print(f"Curve     {path}/curve.json")


def _print(curve: Curve) -> None:
    """A table with a line per size, and the forecast below."""
    from statistics import fmean

    from .output import print_table

    lines = [
        (f"{size:,}", fmean(scores), min(scores), max(scores), str(len(scores))) for size, scores in curve.sizes.items()
    ]
    ahead = curve.forecast
    if ahead:
        lines.append((f"{ahead.rows:,}", ahead.score, ahead.low, ahead.high, "forecast"))
    if not lines:
        return
    left, right = min(line[2] for line in lines), max(line[3] for line in lines)
    digits = 2 if right > 1.5 else 3

    def shown(value: float) -> str:
        return f"{value:.{digits}f}"

    rows = [
        [size, shown(middle), shown(low), shown(high), subsets, _strip(middle, low, high, left, right)]
        for size, middle, low, high, subsets in lines
    ]
    print_table(["rows", curve.score.name, "lowest", "highest", "subsets", f"{shown(left)} to {shown(right)}"], rows)


def _strip(middle: float, low: float, high: float, left: float, right: float) -> str:
    """``..|--o-|....``: the values between ``left`` and ``right``."""
    scale = (WIDTH - 1) / max(right - left, 1e-12)
    first, place, last = (round((value - left) * scale) for value in (low, middle, high))
    signs = ["."] * WIDTH
    signs[first : last + 1] = "-" * (last + 1 - first)
    signs[first] = signs[last] = "|"
    signs[place] = "o"
    return "".join(signs)
