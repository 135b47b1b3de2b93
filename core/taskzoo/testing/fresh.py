"""What a finished run predicts in a process that trained nothing.

That process is started on first use and answers for every run after it: importing torch and transformers takes seconds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
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
    process, errors = _process(tuple(sys.path))
    try:
        print(json.dumps([str(run), str(rows), inputs]), file=process.stdin, flush=True)
        answer = json.loads(process.stdout.readline() if process.stdout else "")
    except (OSError, ValueError):
        _process.cache_clear()
        process.kill()
        errors.seek(0)
        answer = {"error": (errors.read().decode(errors="replace").splitlines() or ["it ended"])[-1]}
    if "error" in answer:
        raise AssertionError(f"a new process cannot load the run: {answer['error']}")
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


def _answer() -> None:
    """Read a question per line, write an answer per line. Whatever else prints goes to the standard error."""
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        run, rows, inputs = json.loads(line)
        try:
            answer = json.dumps(_predictions(Path(run), Path(rows), inputs), allow_nan=False)
        except Exception as error:  # whatever a plugin raises
            answer = json.dumps({"error": f"{type(error).__name__}: {error}"})
        print(answer, file=answers, flush=True)


if __name__ == "__main__":
    _answer()
