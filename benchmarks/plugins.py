"""What installed plugins cost: commands with many of them and with none, in alternation.

``python benchmarks/plugins.py --count 200 --repeats 9`` writes packages as an installer leaves them (a module, its
metadata, a task with columns, options and a recipe), one of which fails, and runs each command with the folder on the
path and without. It prints median times and their ratio, in seconds of processor time and of the clock, and whether the
one that fails is named.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMMANDS = ("--help", "tasks", "plugins", "models")
BROKEN = "bench-broken"
MODULE = """\
from taskzoo import Column, Option, TaskSpec, hookimpl


@hookimpl
def taskzoo_register_tasks(register):
    register(
        TaskSpec(
            id="{name}",
            contract=2,
            entry_point="{module}_task:Task",
            summary="one of many",
            columns={{
                "text": Column("a text", required=True, names=("body", "content")),
                "label": Column("a label", required=True, target=True),
            }},
            options={{"max_length": Option(0, "tokens per text (0: the model's limit)", minimum=0)}},
            default_model="minilm",
        )
    )


@hookimpl
def taskzoo_register_catalogue(add):
    add({{"version": 2, "recipes": [{{"tasks": ["{name}"], "set": {{"epochs": 5}}, "note": "measured"}}]}})
"""


def write_plugins(folder: Path, count: int) -> None:
    """``count`` plugins in ``folder``; the last one, :data:`BROKEN`, fails when it is imported."""
    for number in range(count):
        name = BROKEN if number == count - 1 else f"bench-{number:03}"
        module = f"zoo_{name.replace('-', '_')}"
        code = "import a_module_that_is_not_there\n" if name == BROKEN else MODULE.format(name=name, module=module)
        (folder / f"{module}.py").write_text(code, encoding="utf-8")
        info = folder / f"taskzoo_{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: taskzoo-{name}\nVersion: 1.0\n", encoding="utf-8")
        (info / "entry_points.txt").write_text(f"[taskzoo]\n{name} = {module}\n", encoding="utf-8")


def timed(command: str, site: Path | None) -> tuple[float, float, str]:
    """Processor time and time of ``zoo COMMAND`` in seconds, and what it printed."""
    paths = filter(None, [str(site or ""), os.environ.get("PYTHONPATH")])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "taskzoo", command], env=environment, capture_output=True, text=True, check=True
    )
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, seconds, done.stdout


def compare(command: str, site: Path, repeats: int) -> tuple[list[float], list[float]]:
    """Median processor time and time of a command, ``[without, with the plugins]`` each; one run of each warms up."""
    processor: tuple[list[float], list[float]] = ([], [])
    clock: tuple[list[float], list[float]] = ([], [])
    for turn in range(repeats + 1):
        for place, folder in enumerate((None, site)):
            used, seconds, _ = timed(command, folder)
            if turn:
                processor[place].append(used)
                clock[place].append(seconds)
    return [statistics.median(times) for times in processor], [statistics.median(times) for times in clock]


def main() -> None:
    """Write the plugins, run the commands, print a line for each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=200, help="number of plugins")
    parser.add_argument("--repeats", type=int, default=9, help="runs of each command, with and without")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        site = Path(scratch)
        write_plugins(site, arguments.count)
        print(f"{arguments.count} plugins, medians of {arguments.repeats}, seconds")
        print(f"{'command':<14}{'none':>8}{'all':>8}{'ratio':>8}   by the clock")
        for command in COMMANDS:
            (few, many), (fast, slow) = compare(command, site, arguments.repeats)
            times = f"{few:>8.3f}{many:>8.3f}{many / few:>8.2f}   {fast:.3f} {slow:.3f} {slow / fast:.2f}"
            print(f"{'zoo ' + command:<14}{times}", flush=True)
        _, _, listed = timed("plugins", site)
        print(next(line for line in listed.splitlines() if line.startswith(BROKEN)))


if __name__ == "__main__":
    main()
