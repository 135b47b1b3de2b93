"""The benchmarks are scripts beside each other; their folder is on the path while these tests run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def _scripts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    from accelerate.state import AcceleratorState

    monkeypatch.syspath_prepend(str(FOLDER))
    yield
    AcceleratorState._reset_state(reset_partial_state=True)  # what the peer's Trainer leaves behind
