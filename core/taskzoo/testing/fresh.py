"""Load a run in a process of its own and print its predictions: ``python -m taskzoo.testing.fresh RUN ROWS < TEXTS``.

``ROWS`` is a JSON-lines file of the task's own columns. Texts come as one JSON list on stdin.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def predictions(run: Path, rows: Path, texts: list[str]) -> dict[str, Any]:
    """What the finished run at ``run`` says."""
    import transformers

    from taskzoo.runs.data import read_file, task_languages
    from taskzoo.runs.load import load

    loaded = load(run)
    raw = read_file(loaded.spec, rows, {}, "jsonl", languages=task_languages(loaded.spec, loaded.task))
    config = transformers.AutoConfig.from_pretrained(run / "model")
    return {
        "rows": loaded.predict_rows(loaded.task.prepare(raw, "test")),
        "texts": loaded.predict(texts),
        "state": loaded.task.state(),
        "id2label": {str(i): label for i, label in config.id2label.items()},
    }


if __name__ == "__main__":
    print(json.dumps(predictions(Path(sys.argv[1]), Path(sys.argv[2]), json.load(sys.stdin)), allow_nan=False))
