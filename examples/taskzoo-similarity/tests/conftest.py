"""One short run of each task on a tiny model, made once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import taskzoo_similarity.demo

import taskzoo
from taskzoo.testing import make_tiny_checkpoint

DEMO = Path(taskzoo_similarity.demo.__file__).parent
SHORT = {"max_steps": 4, "batch_size": 8, "learning_rate": 3e-3, "precision": "fp32", "seed": 1, "baseline": False}


def demo_rows(name: str, split: str = "train", count: int = 24) -> list[dict[str, Any]]:
    lines = (DEMO / name / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines[:count]]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts = [text for row in demo_rows("similarity", count=160) for text in row.values()]
    return make_tiny_checkpoint(tmp_path_factory.mktemp("tiny"), "bert", texts)


@pytest.fixture(scope="session")
def rows() -> dict[str, list[dict[str, Any]]]:
    sizes = {"train": 24, "validation": 8, "test": 8}
    return {split: demo_rows("similarity", split, count) for split, count in sizes.items()}


@pytest.fixture(scope="session")
def run(tiny: Path, rows: Any, tmp_path_factory: pytest.TempPathFactory) -> taskzoo.Run:
    output = tmp_path_factory.mktemp("similarity") / "run"
    return taskzoo.finetune("similarity", model=tiny, output=output, text_prompt="find: ", **rows, **SHORT)


@pytest.fixture(scope="session")
def reranker(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> taskzoo.Run:
    output = tmp_path_factory.mktemp("reranking") / "run"
    files = {split: str(DEMO / "reranking" / f"{split}.jsonl") for split in ("train", "validation", "test")}
    return taskzoo.finetune("reranking", model=tiny, output=output, **files, **SHORT)
