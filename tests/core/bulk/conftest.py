"""One finished run and one input that shards are made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.core.runs.kit import text_rows

import taskzoo
from taskzoo.testing import make_tiny_checkpoint

SETTINGS = {"max_steps": 2, "precision": "fp32", "method": "full", "validation": [], "test": []}


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of ``classification`` that has learnt next to nothing."""
    folder, rows = tmp_path_factory.mktemp("bulk"), text_rows(60, 1)
    bert = make_tiny_checkpoint(folder / "bert", "bert", [row["text"] for row in rows], vocabulary=200)
    train = [{"text": row["text"], "label": row["label"]} for row in rows]
    taskzoo.finetune("classification", model=str(bert), train=train, output=folder / "run", **SETTINGS)
    return folder / "run"


@pytest.fixture
def loaded(finished: Path) -> Any:
    """The run, on one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    run = taskzoo.load(finished, precision="fp32")
    run.say = list  # nothing is said
    yield run
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """995 rows of CSV, two of which are bad."""
    path = tmp_path_factory.mktemp("table") / "in.csv"
    lines = [f'{i},"{row["text"]}"' for i, row in enumerate(text_rows(995, 2))]
    lines[120], lines[777] = "120", '777,"two",columns'
    path.write_text("\n".join(["id,text", *lines]) + "\n", encoding="utf-8")
    return path
