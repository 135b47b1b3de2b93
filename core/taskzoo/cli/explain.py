"""``zoo explain``: the words that made a run say what it says."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import PRECISION_HELP, AnyRun, Quiet, TrustRemoteCode

if TYPE_CHECKING:
    from rich.text import Text

    from taskzoo.engine.progress import Reporter
    from taskzoo.explanations.explanation import Explained, Explanation, Neighbour
    from taskzoo.explanations.faithfulness import Faithfulness, Mean
    from taskzoo.runs.load import Run
    from taskzoo.types import Row

LISTED, BAR = 8, 20
"""Words with their numbers, and characters of the longest bar, for each claim."""


def explain(
    run: AnyRun,
    texts: Annotated[list[str] | None, typer.Argument(help="Texts (default: one per line of stdin).")] = None,
    input: Annotated[
        list[str] | None, typer.Option(help="A file in any format of the task; several files, or a pattern.")
    ] = None,
    columns: Annotated[str | None, typer.Option(help="role=column pairs for --input, e.g. tokens=0.")] = None,
    method: Annotated[
        str,
        typer.Option(
            help="leave-one-out, integrated-gradients, gradient-x-input, or auto: as --measure found for this run, "
            "else leave-one-out, and integrated-gradients for long texts."
        ),
    ] = "auto",
    steps: Annotated[int, typer.Option(help="Points at which integrated gradients take the gradient.")] = 32,
    label: Annotated[
        str | None, typer.Option(help="Explain this label in place of the predicted one (why not NAME?).")
    ] = None,
    nearest: Annotated[int, typer.Option(help="Add this many training rows with the most similar vectors.")] = 0,
    measure: Annotated[
        int,
        typer.Option(
            help="Measure on this many validation rows (or rows of --input) which method to believe, and keep it in "
            "RUN/explain.json for --method auto."
        ),
    ] = 0,
    format: Annotated[
        str | None, typer.Option(help="text, html or json (default: by the name of --output, else text).")
    ] = None,
    output: Annotated[str | None, typer.Option(help="The file to write (default: stdout).")] = None,
    precision: Annotated[str, typer.Option(help=PRECISION_HELP)] = "fp32",
    trust_remote_code: TrustRemoteCode = False,
    quiet: Quiet = False,
) -> None:
    """Show which words speak for and against a prediction, and measure how far that can be believed."""
    from taskzoo.config import parse_columns
    from taskzoo.durable import write_text
    from taskzoo.engine.progress import Silent, Terminal
    from taskzoo.errors import RequestError
    from taskzoo.explanations.chosen import AUTO
    from taskzoo.explanations.explain import Wanted, explain_rows
    from taskzoo.hub.load import load
    from taskzoo.runs.data import file_rows
    from taskzoo.runs.directory import check_output
    from taskzoo.runs.inputs import input_rows

    from .output import remark, shape_of
    from .process import set_up_process
    from .stdin import read_lines

    shape = shape_of(format, output, "explanations")
    wanted = Wanted(method, steps, label, nearest)
    wanted.check()
    if measure < 0:
        raise RequestError(f"--measure {measure} must be 1 or more.")
    if input and texts:
        raise RequestError("Give texts or --input, not both.")
    if columns is not None and not input:
        raise RequestError("--columns names columns of the file of --input; give that, or leave --columns out.")
    given = {"--label": label, "--nearest": nearest, "--format": format, "--output": output}
    given["--method"] = None if method == AUTO else method
    if measure and not texts and (unused := [name for name, value in given.items() if value]):
        raise RequestError(
            f"--measure without texts explains none of them, which {' and '.join(unused)} would be for; leave "
            f"{'it' if len(unused) == 1 else 'them'} out, or give texts."
        )
    if output is not None:
        check_output(Path(output))
    set_up_process(run)
    loaded = load(run, precision=precision, trust_remote_code=trust_remote_code)
    loaded.say = remark
    reporter = Silent() if quiet else Terminal()
    rows: list[Row] = []
    if input:
        settings: dict[str, Any] = {"columns": parse_columns(columns or ""), "labelled": False}
        rows = list(file_rows(loaded.spec, loaded.task, input, **settings))
    if measure:
        _measure(loaded, rows, measure, steps, reporter)
        if input or not texts:
            return
    if not input:
        lines = texts or [line for line in read_lines(sys.stdin) if line.strip()]
        rows = input_rows(loaded.spec, loaded.task, lines)
    if not rows:
        raise RequestError("There is no text to explain; give one, or --input FILE.")
    found = explain_rows(loaded, rows, wanted, reporter)
    if output is None and shape == "text":
        _print(found)
        return
    written = _written(loaded, found, shape)
    if output is None:
        print(written, end="")
    else:
        write_text(Path(output), written)
        remark(f"{len(found):,} explanation{'s' * (len(found) != 1)} written to {output}")


def _written(run: Run, found: Sequence[Explanation], shape: str) -> str:
    """The explanations as text, HTML, or JSON lines."""
    import json

    from taskzoo.escapes import visible_json
    from taskzoo.report.explanations import explanations_page

    if shape == "html":
        return explanations_page(run, found)
    if shape == "json":
        return "".join(visible_json(json.dumps(one.to_dict(), ensure_ascii=False)) + "\n" for one in found)
    return "".join(line.plain + "\n" for one in found for line in explanation_lines(one, plain=True))


def _print(found: Sequence[Explanation]) -> None:
    """On a terminal in colours, unless NO_COLOR is set; elsewhere with + and - around the words."""
    from rich.console import Console

    plain = not sys.stdout.isatty()
    console = Console(soft_wrap=True, highlight=False)
    for one in found:
        for line in explanation_lines(one, plain=plain):
            if plain:
                print(line.plain)
            else:
                console.print(line)


def explanation_lines(one: Explanation, *, plain: bool) -> list[Text]:
    """An explanation for people.

    Args:
        one: the explanation.
        plain: without styles, so that words for the claim are ``[+word]``, and those against it ``[-word]``.
    """
    from rich.text import Text

    from taskzoo.escapes import visible

    lines: list[Text] = []
    if not one.explained:
        lines += [Text(visible(text)) for text in one.inputs.values()]
    for explained in one.explained:
        lines += [*_claim_lines(explained, one, plain=plain), Text()]
    lines += [Text(visible(note)) for note in one.notes]
    if one.nearest:
        lines += [Text("nearest training rows", style="bold"), *map(_neighbour_line, one.nearest), Text()]
    return lines


def _claim_lines(explained: Explained, one: Explanation, *, plain: bool) -> list[Text]:
    from rich.text import Text

    from taskzoo.escapes import visible, visible_cell
    from taskzoo.explanations.marked import claim_text, method_text, pieces

    head = Text(visible_cell(claim_text(explained, one.inputs)), style="bold")
    head.append(f"  {explained.unit} {explained.value:.3f}" + ("" if explained.claim.predicted else ", not predicted"))
    lines = [head]
    texts = pieces(explained, one.inputs)
    for role, row in texts.items():
        line = Text(f"{role}: " if len(texts) > 1 else "")
        for piece in row:
            shown, sign = visible(piece.text), "+" if piece.strength > 0 else "-"
            if not piece.strength:
                line.append(shown)
            elif plain:
                line.append(f"[{sign}{shown}]")
            else:
                line.append(shown, style="bold green" if piece.strength > 0 else "underline red")
        lines.append(line)
    strongest = explained.strongest[:LISTED]
    width = max((len(visible_cell(word.text)) for word in strongest), default=0)
    for word in strongest:
        value = word.evidence or 0.0
        bar = round(BAR * abs(value) / abs(strongest[0].evidence or 1.0)) * ("+" if value > 0 else "-")
        style = "" if plain else "green" if value > 0 else "red"
        lines.append(Text(f"  {visible_cell(word.text).ljust(width)}  {value:+9.3f}  ").append(bar, style=style))
    lines.append(Text(f"  {method_text(explained)}", style="" if plain else "dim"))
    return lines


def _neighbour_line(row: Neighbour) -> Text:
    from rich.text import Text

    from taskzoo.escapes import visible_cell

    given = " | ".join(row.inputs.values())
    return Text(f"  {row.similarity:.3f}  {visible_cell(given)}  ->  {visible_cell(row.answer)}  ({row.place})")


def _measure(run: Run, rows: Sequence[Row], count: int, steps: int, reporter: Reporter) -> None:
    """Measure, print, and keep what was found."""
    import random

    from taskzoo.explanations.chosen import FILE
    from taskzoo.explanations.faithfulness import measure
    from taskzoo.explanations.run_rows import read_split, rows_of
    from taskzoo.runs.directory import write_json

    from .output import remark

    given = list(rows) or rows_of(run, read_split(run, "validation"))
    chosen = random.Random(0).sample(given, min(count, len(given)))
    found = measure(run, chosen, steps=steps, reporter=reporter)
    _print_measured(found)
    write_json(run.path / FILE, found.to_dict())
    remark(f"Kept in {run.path / FILE}: --method auto is {found.best} for this run.")


def _print_measured(found: Faithfulness) -> None:
    from taskzoo.explanations.faithfulness import RANDOM

    from .output import print_table

    print(f"{found.rows:,} texts, {found.claims:,} predictions; changes of the {found.unit}, 95% intervals")
    if found.left_out:
        print(f"{found.left_out:,} more texts could not be explained and are left out.")
    print()
    lines = []
    for method in found.comprehensiveness:
        against = "" if method == RANDOM else _mean(found.difference[method, RANDOM])
        lines.append([method, _mean(found.comprehensiveness[method]), _mean(found.sufficiency[method]), against])
    print_table(["method", "comprehensiveness", "sufficiency", "better than random by"], lines)
    print("\nComprehensiveness minus sufficiency of two methods:")
    pairs = [([a, b], mean) for (a, b), mean in found.difference.items() if b != RANDOM]
    print_table(["first", "second", "difference"], [[*names, _mean(mean)] for names, mean in pairs])


def _mean(mean: Mean) -> str:
    ends = " (no interval: one row)" if mean.interval is None else f" [{mean.interval[0]:.3f}, {mean.interval[1]:.3f}]"
    return f"{mean.value:.3f}{ends}"
