"""``zoo learning-curve``: what more labels would bring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import Columns, Data, Format, GroupBy, Holdout, Test, Train, Validation

if TYPE_CHECKING:
    from taskzoo.runs.curve import Curve

WIDTH = 40
"""Characters of the plot."""


def learning_curve(
    task: Annotated[str, typer.Argument(help="A task; `zoo tasks` lists them.")],
    model: Annotated[
        str | None, typer.Option(help="Registry name, hub id or local directory (default: the task's own).")
    ] = None,
    data: Data = None,
    train: Train = None,
    validation: Validation = None,
    test: Test = None,
    columns: Columns = None,
    format: Format = None,
    group_by: GroupBy = None,
    holdout: Holdout = None,
    method: Annotated[
        str | None, typer.Option(help="linear-probe (default: texts are encoded once), full, lora or contrastive.")
    ] = None,
    sizes: Annotated[
        str | None,
        typer.Option(help="Training rows per draw, e.g. 16,64,256,all or 10%,25%,100% (default: 8 per class to all)."),
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Draws per size.")] = 3,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Any other setting as name=value; `zoo info TASK` lists them.")
    ] = None,
    output: Annotated[str | None, typer.Option(help="Directory (default: runs/TASK-curve-MODEL-TIME).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the curve as JSON.")] = False,
) -> None:
    """Train on ever more of the training rows and say what more labels would bring."""
    from taskzoo.config import parse_assignments
    from taskzoo.runs.directory import new_run_path
    from taskzoo.runs.plan import make_config, make_plan

    settings: dict[str, Any] = parse_assignments(set_ or [])
    if method is not None:
        settings["method"] = method
    elif not settings.get("lora"):
        settings.setdefault("method", "linear-probe")
    config, recipe, sources = make_config(
        task, model=model, data=data, train=train, validation=validation, test=test, columns=columns, format=format,
        group_by=group_by, holdout=holdout, settings=settings,
    )  # fmt: skip
    path = new_run_path(output, f"{config.task}-curve", config.model)
    plan = make_plan(config, recipe=recipe, recipe_sources=sources)

    from taskzoo.engine.progress import Terminal
    from taskzoo.runs import curve as curves

    from .output import print_json

    curve = curves.learning_curve(plan, path, sizes=sizes, repeats=repeats, reporter=Terminal())
    if as_json:
        print_json(curve.to_dict())
        return
    _print(curve)
    print()
    print(curves.verdict(curve))
    if curve.forecast:
        print(curves.limits(curve))
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
        [size, shown(middle), shown(low), shown(high), draws, _strip(middle, low, high, left, right)]
        for size, middle, low, high, draws in lines
    ]
    print_table(["rows", curve.metric, "lowest", "highest", "draws", f"{shown(left)} to {shown(right)}"], rows)


def _strip(middle: float, low: float, high: float, left: float, right: float) -> str:
    """``..|--o-|....``: the values between ``left`` and ``right``."""
    scale = (WIDTH - 1) / max(right - left, 1e-12)
    first, place, last = (round((value - left) * scale) for value in (low, middle, high))
    signs = ["."] * WIDTH
    signs[first : last + 1] = "-" * (last + 1 - first)
    signs[first] = signs[last] = "|"
    signs[place] = "o"
    return "".join(signs)
