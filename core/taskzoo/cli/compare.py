"""``zoo compare``: whether one run is better than another, on the same rows."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .completions import run_paths

if TYPE_CHECKING:
    from taskzoo.comparison.result import ChangedRow, Comparison, Pair

EXAMPLES = 3
"""Rows of each kind that are shown."""
LETTERS = 26
WIDTH = 60
"""Characters of a text that are shown."""


def compare(
    runs: Annotated[
        list[str],
        typer.Argument(
            help="Run directories, directories of --seeds or --folds, or folders of `zoo eval --output`.",
            autocompletion=run_paths,
        ),
    ],
    rows: Annotated[str | None, typer.Option(help="Write all rows with other answers to this JSON lines file.")] = None,
    output: Annotated[str | None, typer.Option(help="Write the comparison as a page to this HTML file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """Compare runs of one task on the test rows they have in common, with paired intervals and tests."""
    from taskzoo.comparison.compare import compare as compared
    from taskzoo.errors import RequestError
    from taskzoo.runs.directory import check_not_inside, check_output, write_jsonl

    from .output import print_json, remark

    files = {name: Path(file) for name, file in (("--rows", rows), ("--output", output)) if file is not None}
    for name, file in files.items():
        check_output(file, name)
        check_not_inside(file, name, runs)
    if len({file.resolve() for file in files.values()}) < len(files):
        raise RequestError(f"--rows and --output name one file, {rows!r}; name two.")
    found = compared(*runs)
    if rows is not None:
        write_jsonl(Path(rows), (_record(pair, row) for pair in found.pairs for row in pair.changed))
        remark(f"{sum(len(pair.changed) for pair in found.pairs):,} rows written to {rows}.")
    if output is not None:
        from taskzoo.report.compared import write_comparison

        remark(f"Page written to {write_comparison(found, output)}.")
    if as_json:
        print_json(found.to_dict())
    else:
        _print(found)


def _record(pair: Pair, row: ChangedRow) -> dict[str, Any]:
    names = {"first": pair.first, "second": pair.second}
    return {
        "runs": [pair.first, pair.second],
        "better": names.get(row.change),
        "scores": [row.first, row.second],
        **row.input,
        "reference": row.reference,
        "outputs": list(row.outputs),
    }


def _print(found: Comparison) -> None:
    from taskzoo.comparison.wording import difference_text, p_text
    from taskzoo.score_text import score_text

    from .output import print_facts, print_table

    for note in found.notes:
        print(f"{_visible(note)}\n")
    over = f", means over the seeds {', '.join(map(str, found.seeds))}" if found.seeds else ""
    print(f"{found.rows:,} common test row{'s' * (found.rows != 1)} of {found.task}{over}\n")
    letters = [chr(ord("A") + i) if i < LETTERS else f"run {i + 1}" for i in range(len(found.runs))]
    print_facts(*zip(letters, found.runs, strict=True))
    print()
    if len(found.pairs) == 1:
        lines = [
            [one.metric, score_text(one.first), score_text(one.second), difference_text(one), p_text(one.p)]
            for one in found.pairs[0].differences
        ]
        print_table(["score", *letters, "A - B [95%]", "p"], lines)
    else:
        _print_scores(found, letters)
        lines = [
            [f"{one} - {two}", difference_text(pair.primary), p_text(pair.primary.p), p_text(pair.p_adjusted)]
            for (one, two), pair in zip(combinations(letters, 2), found.pairs, strict=True)
        ]
        print_table(["pair", f"{found.pairs[0].primary.metric} [95%]", "p", "p (Holm)"], lines)
    for pair in found.pairs:
        print(f"\n{_visible(pair.verdict)}")
        _print_changes(pair, means=bool(found.seeds))


def _print_scores(found: Comparison, letters: list[str]) -> None:
    """A line for each score, a column for each run."""
    from taskzoo.score_text import score_text

    from .output import print_table

    firsts = found.pairs[: len(found.runs) - 1]  # the first run with each of the others
    lines = [
        [one.metric, score_text(one.first), *(score_text(pair.differences[place].second) for pair in firsts)]
        for place, one in enumerate(firsts[0].differences)
    ]
    print_table(["score", *letters], lines)
    print()


def _print_changes(pair: Pair, *, means: bool) -> None:
    """Which rows changed sides; ``means``: over seeds, of which no single output is shown."""
    if not pair.changed:
        return
    from taskzoo.comparison.wording import answer_text, p_text, short_text

    first, second, neither = (pair.count(change) for change in ("first", "second", "neither"))
    if pair.sides is not None:
        sides = pair.sides
        print(
            f"Rows: {sides.both:,} both right, {first:,} only {_visible(pair.first)}, {second:,} only "
            f"{_visible(pair.second)}, {sides.neither:,} neither; McNemar's exact p {p_text(sides.p)}."
        )
    else:
        print(
            f"Rows with other answers: {first:,} with the better one from {_visible(pair.first)}, {second:,} from "
            f"{_visible(pair.second)}, {neither:,} as good."
        )
    for change, name in (("first", pair.first), ("second", pair.second)):
        for row in [row for row in pair.changed if row.change == change][:EXAMPLES]:
            texts = [value for value in row.input.values() if isinstance(value, str)] or list(row.input.values())
            given = " | ".join(short_text(text, WIDTH) for text in texts) or "(no input kept)"
            outputs = f"{row.first:.2f} / {row.second:.2f}"
            if not means:
                outputs = " / ".join(answer_text(output, row.input, WIDTH) for output in row.outputs)
            print(f"  {_visible(name)}: {given}  ->  {outputs}  (gold {answer_text(row.reference, row.input, WIDTH)})")


def _visible(text: str) -> str:
    from taskzoo.escapes import visible

    return visible(text)
