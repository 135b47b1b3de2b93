"""Nothing that only lists or refuses waits for torch."""

from __future__ import annotations

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


ZOO = "import sys; sys.argv[0] = 'zoo'; from taskzoo.cli import main; main()"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 0),
        (["--help"], 0),
        (["-h"], 0),
        (["--version"], 0),
        (["run", "--help"], 0),
        (["tasks"], 0),
        (["models"], 0),
        (["datasets"], 0),
        (["plugins"], 0),
        (["tasks", "--json"], 0),
        (["info", "ner"], 0),
        (["run", "nre"], 2),
        (["run", "ner", "--set", "lerning_rate=1"], 2),
        (["run", "ner", "--model", "minilmm"], 2),
        (["run", "--config", "no-such-file"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_commands_import_nothing_heavy(arguments, code):
    status, heavy, out = loaded(ZOO, *arguments)
    assert status == code
    assert not set(heavy) - {"numpy"}
    assert out or code


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
