"""The test kit for task plugins, the same that taskzoo's own tasks pass.

A plugin's whole test suite can be one class (see :class:`TaskContract`)::

    from taskzoo.testing import TaskContract

    class TestPoetry(TaskContract):
        task = "poetry"

``zoo check poetry`` runs the same checks without pytest.
"""

from __future__ import annotations

from .bench import Bench
from .contract import TaskContract
from .tiny_models import FAMILIES, make_tiny_checkpoint

__all__ = ["FAMILIES", "Bench", "TaskContract", "make_tiny_checkpoint"]
