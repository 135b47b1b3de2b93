"""Nothing that only lists or refuses waits for torch."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "accelerate", "peft", "evaluate", "datasets", "numpy")
REPORT = f"""
import atexit, sys
atexit.register(lambda: print("HEAVY", *(m for m in {HEAVY!r} if m in sys.modules), file=sys.stderr))
"""


def loaded(code: str, *arguments: str) -> tuple[int, list[str], str]:
    """Exit code, heavy modules imported, and what was printed."""
    result = subprocess.run(
        [sys.executable, "-c", REPORT + code, *arguments], capture_output=True, text=True, check=False
    )
    lines = result.stderr.splitlines()
    (report,) = [line for line in lines if line.startswith("HEAVY")]
    return result.returncode, report.split()[1:], result.stdout


COMMANDS = {
    "": 0,
    "--help": 0,
    "-h": 0,
    "--version": 0,
    "run --help": 0,
    "tasks": 0,
    "models": 0,
    "datasets": 0,
    "plugins": 0,
    "tasks --json": 0,
    "info ner": 0,
    "run nre": 2,
    "run ner --set lerning_rate=1": 2,
    "run ner --model minilmm": 2,
    "run --config no-such-file": 2,
}
ONE_AFTER_THE_OTHER = f"""
import contextlib, io, json, sys
from taskzoo.cli import main
for line in sys.argv[1:]:
    sys.argv = ["zoo", *line.split()]
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            main()
        except SystemExit as stopped:
            code = stopped.code
    print(json.dumps([code, [m for m in {HEAVY!r} if m in sys.modules], out.getvalue()]))
"""


@pytest.fixture(scope="module")
def outcomes() -> dict[str, tuple[int, list[str], str]]:
    """Of each command its exit code, the heavy modules that it or one before it imported, and what it printed."""
    status, _, out = loaded(ONE_AFTER_THE_OTHER, *COMMANDS)
    assert status == 0
    return dict(zip(COMMANDS, map(json.loads, out.splitlines()), strict=True))


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_import_nothing_heavy(outcomes: dict[str, tuple[int, list[str], str]], line: str) -> None:
    status, heavy, out = outcomes[line]
    assert status == COMMANDS[line]
    assert not set(heavy) - {"numpy"}
    assert out or status


def test_the_package_imports_nothing_heavy():
    assert loaded("import taskzoo; taskzoo.TaskSpec; taskzoo.hookimpl; taskzoo.registry; dir(taskzoo)")[1] == []


def test_public_names_are_all_there():
    code = "import taskzoo; [getattr(taskzoo, name) for name in taskzoo.__all__]; print(len(taskzoo.__all__))"
    status, _, out = loaded(code)
    assert status == 0
    assert int(out) >= 10


def test_an_unknown_public_name():
    import taskzoo

    with pytest.raises(AttributeError, match="no attribute 'fintune'"):
        _ = taskzoo.fintune
