"""What a run predicts in a new process: ``python -m taskzoo.testing.fresh RUN ROWS.jsonl < LIST_OF_INPUTS.json``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def predictions(run: Path, rows: Path, inputs: list[Any]) -> dict[str, Any]:
    """What the finished run at ``run`` predicts, its state and its labels."""
    import transformers

    from taskzoo.runs.data import file_rows
    from taskzoo.runs.load import load

    loaded = load(run)
    found = loaded.predict_rows(file_rows(loaded.spec, loaded.task, rows, format="jsonl"))
    labels = transformers.AutoConfig.from_pretrained(run / "model").id2label
    return {"rows": found, "inputs": loaded.predict(inputs), "state": loaded.task.state(), "id2label": labels}


if __name__ == "__main__":
    print(json.dumps(predictions(Path(sys.argv[1]), Path(sys.argv[2]), json.load(sys.stdin)), allow_nan=False))
