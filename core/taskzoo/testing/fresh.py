"""What a finished run predicts, and what the lines of its card give, in a process that trained nothing.

That process is started on first use and answers for every run after it: importing torch and transformers takes seconds.
"""

from __future__ import annotations

import builtins
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import IO, Any


def fresh_predictions(run: Path, rows: Path, inputs: list[Any]) -> dict[str, Any]:
    """What the other process gets from the finished run at ``run``.

    Args:
        run: its directory.
        rows: a JSON lines file of rows.
        inputs: what to pass to ``Run.predict``.

    Returns:
        ``rows`` and ``inputs`` with their predictions, the task's ``state`` and the model's ``id2label``.

    Raises:
        AssertionError: the run cannot be loaded there, with the error.
    """
    return _ask("the run cannot be loaded", {"run": str(run), "rows": str(rows), "inputs": inputs})


def fresh_states(run: Path, rows: Path) -> dict[int, Any]:
    """The states of the task of the finished run at ``run``, fitted on ``rows`` in new processes, by their hash seeds.

    Sets of texts have another order in each.

    Raises:
        AssertionError: the task cannot be fitted there, with the error.
    """
    command = [sys.executable, "-P", "-c", _FIT, str(run), str(rows)]
    path, pipe = os.pathsep.join(filter(None, sys.path)), subprocess.PIPE
    started = {}
    for seed in HASH_SEEDS:  # side by side
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": str(seed), "OMP_NUM_THREADS": "1"}
        started[seed] = subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True)
    said = {seed: process.communicate() for seed, process in started.items()}
    found = {}
    for seed, (printed, errors) in said.items():
        if started[seed].returncode:
            raise AssertionError(
                f"in a new process the task cannot be fitted: {(errors.splitlines() or ['it ended'])[-1]}"
            )
        found[seed] = json.loads(printed.splitlines()[-1])
    return found


_FIT = """
import json, sys
from pathlib import Path
from taskzoo.runs.data import file_rows
from taskzoo.runs.directory import TASK_FILE
from taskzoo.runs.identity import find_task
from taskzoo.runs.task_file import read_task
run, rows = map(Path, sys.argv[1:])
saved = read_task(run / "model" / TASK_FILE)
entry = find_task(saved.task["name"], saved.task)
task = entry.load()(saved.options)
task.fit(task.prepare(file_rows(entry.spec, task, rows, format="jsonl"), "train"))
print(json.dumps(task.state()))
"""
HASH_SEEDS = (1, 2)


def plain_values(code: str, folder: Path, names: Sequence[str]) -> dict[str, Any]:
    """What Python ``code`` that has no taskzoo to import, run in ``folder``, binds ``names`` to; others are left out.

    Raises:
        AssertionError: the code fails, with the error.
    """
    return _ask("the code fails", {"code": code, "folder": str(folder), "names": list(names)})


def _ask(failure: str, question: dict[str, Any]) -> dict[str, Any]:
    process, errors = _process(tuple(sys.path))
    try:
        print(json.dumps(question), file=process.stdin, flush=True)
        answer = json.loads(process.stdout.readline() if process.stdout else "")
    except (OSError, ValueError):
        _process.cache_clear()
        process.kill()
        errors.seek(0)
        answer = {"error": (errors.read().decode(errors="replace").splitlines() or ["it ended"])[-1]}
    if "error" in answer:
        raise AssertionError(f"in a new process {failure}: {answer['error']}")
    return dict(answer)


@cache
def _process(path: tuple[str, ...]) -> tuple[subprocess.Popen[str], IO[bytes]]:
    """The process for this import path and the file of its errors. It ends when its input is closed."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path)), "OMP_NUM_THREADS": "1"}
    errors = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
    command = [sys.executable, "-P", "-m", "taskzoo.testing.fresh"]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=errors, text=True, env=environment)
    return process, errors


def _predictions(run: Path, rows: Path, inputs: list[Any]) -> dict[str, Any]:
    import transformers

    from taskzoo.runs.data import file_rows
    from taskzoo.runs.load import load

    loaded = load(run)
    found = loaded.predict_rows(file_rows(loaded.spec, loaded.task, rows, format="jsonl"))
    labels = transformers.AutoConfig.from_pretrained(run / "model").id2label
    return {"rows": found, "inputs": loaded.predict(inputs), "state": loaded.task.state(), "id2label": labels}


def _plain_values(code: str, folder: Path, names: Sequence[str]) -> dict[str, Any]:
    """Only the code itself is kept from importing taskzoo, not what it imports."""

    def importing(name: str, *others: Any) -> Any:
        if name.partition(".")[0] == "taskzoo":
            raise ModuleNotFoundError("plain transformers has no module 'taskzoo'")
        return __import__(name, *others)

    values: dict[str, Any] = {"__builtins__": {**vars(builtins), "__import__": importing}}
    with contextlib.chdir(folder):
        exec(code, values)
    return {name: values[name] for name in names if name in values}


def _answer() -> None:
    """Read a question per line, write an answer per line. Whatever else prints goes to the standard error."""
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            if "code" in asked:
                found = _plain_values(asked["code"], Path(asked["folder"]), asked["names"])
            else:
                found = _predictions(Path(asked["run"]), Path(asked["rows"]), asked["inputs"])
            answer = json.dumps(found, allow_nan=False)
        except Exception as error:  # whatever a plugin raises
            answer = json.dumps({"error": f"{type(error).__name__}: {error}"})
        print(answer, file=answers, flush=True)


if __name__ == "__main__":
    _answer()
