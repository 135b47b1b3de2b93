"""The contract as a test class: a plugin's tests inherit it and name their task."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from typing import Any, ClassVar

from . import checks
from .bench import Bench


class TaskContract:
    """Inherit from this in a test module; pytest runs one test per check, all on one tiny model and one short run.

    ::

        class TestPoetry(TaskContract):
            task = "poetry"
            settings: ClassVar = {"rhyme": True, "lora": True}

    Attributes:
        task: the task's id, or ``distribution/id``.
        family: architecture of the tiny model (:data:`taskzoo.testing.FAMILIES`); by default that of the task's
            default model.
        settings: engine settings and task options of the run.
        size: training rows taken from the demo set.
        data: a variant of the demo set, by the name of its folder there (``"stars"`` for ``demo/stars``).
        without_gradient: parts of names of parameters that rightly get no gradient.
    """

    task: ClassVar[str]
    family: ClassVar[str | None] = None
    settings: ClassVar[Mapping[str, Any]] = {}
    size: ClassVar[int] = 24
    data: ClassVar[str] = ""
    without_gradient: ClassVar[tuple[str, ...]] = ()

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
        cls.bench = Bench(
            cls.task, cls._folder.name, family=cls.family, settings=cls.settings, size=cls.size, data=cls.data
        )

    @classmethod
    def teardown_class(cls) -> None:
        """Remove checkpoint and runs."""
        import torch

        torch.set_num_threads(cls._threads)
        cls._folder.cleanup()

    def test_spec(self) -> None:
        checks.check_spec(self.bench)

    def test_protocol(self) -> None:
        checks.check_protocol(self.bench)

    def test_rows(self) -> None:
        checks.check_rows(self.bench)

    def test_fit(self) -> None:
        checks.check_fit(self.bench)

    def test_encoding(self) -> None:
        checks.check_encoding(self.bench)

    def test_loss(self) -> None:
        checks.check_loss(self.bench)

    def test_gradients(self) -> None:
        checks.check_gradients(self.bench, without=self.without_gradient)

    def test_accumulation(self) -> None:
        checks.check_accumulation(self.bench)

    def test_batching(self) -> None:
        checks.check_batching(self.bench)

    def test_state(self) -> None:
        checks.check_state(self.bench)

    def test_predictions(self) -> None:
        checks.check_predictions(self.bench)

    def test_metrics(self) -> None:
        checks.check_metrics(self.bench)

    def test_plain_transformers(self) -> None:
        checks.check_plain_transformers(self.bench)

    def test_save_and_load(self) -> None:
        checks.check_save_and_load(self.bench)
