"""From a batch to outputs and parts, in the task's own way where it has one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskzoo.task import Batch, Task

if TYPE_CHECKING:
    from accelerate import Accelerator


def forward(task: Task, model: Any, batch: Batch) -> Any:
    """What ``task.loss`` and ``task.decode`` read: ``task.forward(model, batch)``, else ``model(**batch["inputs"])``.

    ``model`` may be wrapped, by adapters or for several processes.
    """
    own = getattr(task, "forward", None)
    return model(**batch["inputs"]) if own is None else own(model, batch)


def decode_batch(
    task: Task, model: Any, batch: Batch, accelerator: Accelerator, *, with_outputs: bool
) -> tuple[list[Any], Any]:
    """One part per feature, generated where the task does so and else decoded; and the outputs.

    A task that generates needs no outputs for it, so they are ``None`` unless ``with_outputs``. Call it without
    gradients.
    """
    generate = getattr(task, "generate", None)
    with accelerator.autocast():
        outputs = forward(task, model, batch) if with_outputs or generate is None else None
        generated = None if generate is None else generate(model, batch)
    return (task.decode(outputs, batch) if generated is None else generated), outputs
