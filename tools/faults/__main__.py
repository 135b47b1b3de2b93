"""Kill runs, break disks, checkpoints and processes, and say what came of it.

``python tools/faults [--kills 60] [--seed 1] [--only kills|cases] [--table FILE]``: commands run in
children forked from this process, so that one costs seconds; the models are tiny, the data the built-in demo sets.
Exit code 1 if anything is not as it must be. Needs a system that can fork (Linux, macOS).
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import torch
import transformers  # noqa: F401 - loaded once, before the children are forked
from cases import NOT_TRIED, play_all
from kills import AT_FILE, Trial, campaign
from trials import make_models

BEGIN, END = "<!-- tables: python tools/faults --kills {kills} --seed {seed} -->", "<!-- end of the tables -->"


def main() -> int:
    """Run what is asked for and print a line for each trial and case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=["kills", "cases"])
    parser.add_argument("--table", type=Path, help="also write the tables into this Markdown file, between its marks")
    given = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    torch.set_num_threads(1)
    trials: list[Trial] = []
    cases: list[tuple[str, str, str]] = []
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        work = Path(folder)
        make_models(work)
        if given.only != "cases":
            for trial in campaign(work, given.kills, given.seed):
                trials.append(trial)
                print(f"{trial.setup.name}: {'; '.join(trial.kills)}: {trial.wrong or 'equal'}", flush=True)
        if given.only != "kills":
            for case, wrong in play_all(work):
                cases.append((case.name, case.must, wrong))
                print(f"{case.name}: {wrong or 'as it must be'}", flush=True)
    left_out = sum(what.startswith(NOT_TRIED) for *_, what in cases)
    wrong = sum(bool(trial.wrong) for trial in trials) + sum(bool(what) for *_, what in cases) - left_out
    print(
        f"{sum(len(trial.kills) for trial in trials)} kills, {len(cases) - left_out} cases, {wrong} not as it must be"
    )
    if given.table:
        begin = BEGIN.format(kills=given.kills, seed=given.seed)
        write_tables(given.table, "\n".join([begin, "", *kill_table(trials), "", *case_table(cases), "", END]))
    return int(wrong > 0)


def write_tables(page: Path, tables: str) -> None:
    """Put them in place of those that the page has, or at its end."""
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    before, mark, rest = text.partition(BEGIN.split("{")[0])
    after = rest.partition(END)[2] if mark else "\n"
    page.write_text(f"{before}{tables}{after}", encoding="utf-8")


def kill_table(trials: list[Trial]) -> Iterator[str]:
    """A line for each kind of run."""
    yield "| run | trials | kills | at a file operation | at a moment | ended bit for bit equal |"
    yield "|---|---|---|---|---|---|"
    for name in dict.fromkeys(trial.setup.name for trial in trials):
        mine = [trial for trial in trials if trial.setup.name == name]
        places = Counter(kill.startswith(AT_FILE) for trial in mine for kill in trial.kills)
        equal = sum(not trial.wrong for trial in mine)
        yield f"| {name} | {len(mine)} | {places.total()} | {places[True]} | {places[False]} | {equal} of {len(mine)} |"


def case_table(cases: list[tuple[str, str, str]]) -> Iterator[str]:
    """A line for each case."""
    yield "| what was done | what must come of it | what came |"
    yield "|---|---|---|"
    for name, must, wrong in cases:
        yield f"| {name} | {must} | {f'**{wrong}**' if wrong else 'the same'} |"


if __name__ == "__main__":
    raise SystemExit(main())
