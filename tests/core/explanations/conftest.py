"""One run that was trained, in which a nonsense word gives the label away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .kit import planted_rows


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its directory; nobody may change it."""
    from taskzoo import finetune
    from taskzoo.testing import make_tiny_checkpoint

    folder = tmp_path_factory.mktemp("planted")
    rows = planted_rows(80, 1)
    checkpoint = make_tiny_checkpoint(folder / "tiny", "bert", [row["text"] for row in rows])
    splits = {"train": rows, "validation": planted_rows(24, 2), "test": planted_rows(8, 3)}
    settings = {"precision": "fp32", "epochs": 6, "batch_size": 8, "learning_rate": 5e-3, "method": "full"}
    settings |= {"baseline": False, "seed": 1}
    return finetune("classification", model=str(checkpoint), output=folder / "run", **splits, **settings).path


@pytest.fixture
def copied(planted: Path, tmp_path: Path) -> Callable[[], Path]:
    """A function that makes a copy of the run, to be changed."""
    import shutil

    def copy() -> Path:
        return Path(shutil.copytree(planted, tmp_path / "copied"))

    return copy
