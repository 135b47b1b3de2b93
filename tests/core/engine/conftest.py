"""Tiny checkpoints of true architectures, made once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from taskzoo.testing import make_tiny_checkpoint

TEXTS = ["Austin Abernathy , chief executive of Cobaltine Software , said demand in Canada was strong ."] * 3


@pytest.fixture(scope="package", autouse=True)
def _one_thread() -> Iterator[None]:
    """Threads cost more than they save on models this small."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """``tiny("bert")`` is the directory of a tiny checkpoint of that family."""
    made = {}

    def make(family: str) -> str:
        if family not in made:
            folder = tmp_path_factory.mktemp("models") / family
            made[family] = str(make_tiny_checkpoint(folder, family, TEXTS, vocabulary=120))
        return made[family]

    return make
