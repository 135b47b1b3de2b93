"""The contract as a test class: a plugin's tests inherit it, or make it in one line, and name their task."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from .bench import Bench, NoRun
from .checks import explanations, learning, predictions, rows, spec, storage
from .checks.common import NotApplicable
from .checks.promise import Check, Follows


def _test(check: Check) -> Callable[[TaskContract], None]:
    def test(self: TaskContract) -> None:
        import pytest

        try:
            check(self.bench)
        except (NotApplicable, NoRun, Follows) as reason:
            pytest.skip(str(reason))
        except AssertionError as error:
            raise AssertionError(f"{error}\nWhy it matters: {check.why}\nWhat to do: {check.fix}") from error

    test.__doc__ = check.holds
    return test


class TaskContract:
    """Inherit from this in a test module; pytest runs one test per check, all on one tiny model and one short run.

    ::

        class TestPoetry(TaskContract):
            task = "poetry"
            settings: ClassVar = {"rhyme": True, "method": "lora"}

    :func:`contract` makes such a class in one line. A check that fails after one that it builds on is skipped.

    Attributes:
        task: the task's name, ``distribution/id``, ``path/to/task.py:Class``, or the class itself.
        family: architecture of the tiny model (:data:`taskzoo.testing.FAMILIES`; default: of the task's default model).
        settings: engine settings and task options of the run.
        size: training rows taken from the demo set.
        data: a variant of the demo set, by the name of its folder there (``"stars"`` for ``demo/stars``).
    """

    task: ClassVar[Any]
    family: ClassVar[str | None] = None
    settings: ClassVar[Mapping[str, Any]] = {}
    size: ClassVar[int] = 24
    data: ClassVar[str] = ""

    bench: ClassVar[Bench]
    _threads: ClassVar[int]
    _folder: ClassVar[tempfile.TemporaryDirectory[str]]

    @classmethod
    def setup_class(cls) -> None:
        """Make an empty bench; checks fill it as they need. One thread: more are slower on models this small."""
        import torch

        cls._threads = torch.get_num_threads()
        torch.set_num_threads(1)
        cls._folder = tempfile.TemporaryDirectory(prefix="taskzoo-contract-", ignore_cleanup_errors=True)
        asked: dict[str, Any] = {name: getattr(cls, name) for name in ("family", "settings", "size", "data")}
        cls.bench = Bench(cls.task, cls._folder.name, **asked)

    @classmethod
    def teardown_class(cls) -> None:
        """Remove checkpoint and runs."""
        import torch

        torch.set_num_threads(cls._threads)
        cls._folder.cleanup()

    test_spec = _test(spec.check_spec)
    test_import = _test(spec.check_import)
    test_members = _test(spec.check_members)
    test_rows = _test(rows.check_rows)
    test_fit = _test(rows.check_fit)
    test_encoding = _test(rows.check_encoding)
    test_long_inputs = _test(rows.check_long_inputs)
    test_token_ids = _test(rows.check_token_ids)
    test_loss = _test(learning.check_loss)
    test_packing = _test(learning.check_packing)
    test_probe = _test(learning.check_probe)
    test_gradients = _test(learning.check_gradients)
    test_run = _test(learning.check_run)
    test_options = _test(spec.check_options)
    test_batching = _test(predictions.check_batching)
    test_accumulation = _test(learning.check_accumulation)
    test_state = _test(storage.check_state)
    test_predictions = _test(predictions.check_predictions)
    test_metrics = _test(predictions.check_metrics)
    test_evidence = _test(explanations.check_evidence)
    test_plain_transformers = _test(storage.check_plain_transformers)
    test_save_and_load = _test(storage.check_save_and_load)
    test_plain_use = _test(storage.check_plain_use)


def contract(
    task: Any,
    *,
    family: str | None = None,
    settings: Mapping[str, Any] | None = None,
    size: int = TaskContract.size,
    data: str = "",
) -> type[TaskContract]:
    """A test class for a task, with the attributes of :class:`TaskContract`: the tests of a package in one line.

    It is collected under the name that it is given::

        TestPoetry = contract("poetry")
    """
    values = {"task": task, "family": family, "settings": settings or {}, "size": size, "data": data}
    return type("Contract", (TaskContract,), values)
