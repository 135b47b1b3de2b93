"""The test kit for task plugins, the same that taskzoo's own tasks pass.

A plugin's whole test suite can be two lines (see :class:`TaskContract`)::

    from taskzoo.testing import contract

    TestContract = contract("poetry")

``zoo check poetry`` runs the same checks without pytest.
"""

from __future__ import annotations

from .bench import Bench
from .task_contract import TaskContract, contract
from .tiny_models import FAMILIES, make_tiny_checkpoint

__all__ = ["FAMILIES", "Bench", "TaskContract", "contract", "make_tiny_checkpoint"]
