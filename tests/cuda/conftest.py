"""All tests of this folder need a CUDA device; without one they are skipped, and default runs leave them out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

HERE = Path(__file__).parent
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when CUDA begins; without it, no repeatable products


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.cuda)
            item.add_marker(pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"))


@pytest.fixture
def repeatable() -> Iterator[None]:
    """Kernels that give the same bits each time; an error where torch has none."""
    torch.use_deterministic_algorithms(True)  # with a warning alone, kernels of attention add in any order
    yield
    torch.use_deterministic_algorithms(False)
