"""A run of a classifier and one of a tagger with a CRF, both exported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TEXTS = [f"{word} number {i}" for i, word in enumerate(["rain", "sun", "snow", "wind"] * 8)]
LABELS = ["wet", "dry", "wet", "dry"] * 8
LONG = "rain and sun " * 400


@pytest.fixture(scope="session")
def classifier(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Callable[..., Path]) -> Any:
    """A finished run, on rows that it knows by heart, and which reads long texts in windows."""
    from taskzoo import finetune

    rows = (TEXTS, LABELS)
    settings = {"precision": "fp32", "epochs": 12, "batch_size": 8, "learning_rate": 5e-3, "long_texts": "windows"}
    settings |= {"method": "full", "baseline": False, "seed": 1}
    output = tmp_path_factory.mktemp("classifier") / "run"
    splits = dict.fromkeys(("train", "validation", "test"), rows)
    return finetune("classification", model=str(tiny_checkpoint()), output=output, **splits, **settings)


@pytest.fixture(scope="session")
def made(classifier: Any) -> Any:
    """The classifier's export to ``RUN/onnx``."""
    from taskzoo.export.export import ExportRequest, export_run

    return export_run(ExportRequest(classifier.path))


@pytest.fixture(scope="session")
def exported(made: Any) -> Path:
    """Its directory."""
    path: Path = made.path
    return path
