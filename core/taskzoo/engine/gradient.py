"""The gradient of one optimizer step, from micro-batches that fit into memory."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import torch

from taskzoo.arrays import widths_in_steps_of
from taskzoo.data.features import lengths_of
from taskzoo.errors import TrainingError
from taskzoo.faults import is_out_of_memory
from taskzoo.types import Batch

from .batches import to_device
from .compiling import begin_step
from .cpu import faster_on_cpu
from .evaluation import sums
from .freezing import GradualUnfreezing
from .job import Job
from .plan import own_share
from .session import Session

HALF_BLOCK = 8
"""In half precision, batches are as wide as a multiple of this: as many numbers as a block of its kernels."""
GRAPH_BLOCK = 32
"""For CUDA graphs, batches are as wide as a multiple of this, as every shape is recorded on its own."""


class Gradient:
    """Forward and backward passes over this process's share of a step's examples.

    Where the memory runs out, the step is tried again with half as many examples at once, and so are those after it;
    the gradient is the same. ``job.progress`` keeps the number.
    """

    def __init__(self, session: Session, job: Job, model: Any, last_step: Callable[[], int] = lambda: 0) -> None:
        """``model``: of the job, as the accelerator has wrapped it; ``last_step``: the steps that there will be."""
        self._session, self._job, self._model, self._last_step = session, job, model, last_step
        share, alone = session.settings.gradual_unfreezing, session.accelerator.num_processes == 1
        compiled, graphs = session.settings.compile, session.settings.cuda_graphs
        self._block = GRAPH_BLOCK if graphs else 1 if session.accelerator.mixed_precision == "no" else HALF_BLOCK
        self._faster = nullcontext if compiled else partial(faster_on_cpu, session.accelerator.device)
        self._unfreezing = GradualUnfreezing(job.model, share, alone=alone) if share else None
        sides = (lengths.max(initial=0) for lengths in lengths_of(session.encoded["train"].features))
        self._longest = int(min((longest for longest in sides if longest), default=0))

    def sum(self, examples: list[int]) -> torch.Tensor:
        """Leave the gradient of the summed loss over ``len(examples)`` in the parameters.

        Returns:
            The sum of the reported losses and the number of active targets, of this process: ``[2]``, float64.

        Raises:
            TrainingError: the memory ran out, and CUDA graphs do not allow for fewer examples at once.
        """
        graphs = self._session.settings.cuda_graphs
        if graphs:
            begin_step()
        while True:
            try:
                with self._frozen():
                    return self._sum(examples)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                if graphs:
                    raise TrainingError(
                        f"The memory ran out with {len(examples)} examples at once, and cuda_graphs=true does not "
                        "divide a step into micro-batches; use cuda_graphs=false, which does, or a smaller batch_size."
                    ) from error
                if not self._halves(examples):
                    raise
            self._job.model.zero_grad(set_to_none=True)  # outside of the block above, which keeps what was computed
            if torch.cuda.is_available():
                torch.cuda.empty_cache()

    def _frozen(self) -> AbstractContextManager[None]:
        """The context in which the layers that do not train yet get no gradient."""
        if self._unfreezing is None:
            return nullcontext()
        return self._unfreezing.step(self._job.progress.step, self._last_step())

    @property
    def _size(self) -> int:
        return self._job.progress.micro_batch_size or self._session.settings.micro_batch_size

    def _halves(self, examples: list[int]) -> bool:
        """Take half as many examples at once from now on, if that is possible."""
        at_once = min(self._size or len(examples), len(examples))
        if at_once < 2 or self._session.accelerator.num_processes > 1 or self._job.objective.batch_coupled:
            return False
        half = math.ceil(at_once / 2)
        self._job.progress.micro_batch_size = half
        self._session.reporter.say(
            f"warning   the memory ran out with {at_once} examples at once: going on with {half} (micro_batch_size); a "
            "step is still made of as many examples as before"
        )
        return True

    def _batch(self, indices: list[int]) -> Batch:
        accelerator, features = self._session.accelerator, self._job.features
        with widths_in_steps_of(self._block, self._longest):
            batch = self._job.collate([features[i] for i in indices])
        return to_device(batch, accelerator.device)

    def _sum(self, examples: list[int]) -> torch.Tensor:
        job, accelerator, settings = self._job, self._session.accelerator, self._session.settings
        micro_batches = own_share(examples, self._size, accelerator.num_processes, accelerator.process_index)
        found = torch.zeros(2, dtype=torch.float64, device=accelerator.device)
        for number, (indices, stand_in) in enumerate(micro_batches, start=1):
            batch = self._batch(indices)
            last = number == len(micro_batches)
            with nullcontext() if last else accelerator.no_sync(self._model), self._faster():
                with accelerator.autocast():
                    outputs = job.objective.forward(self._model, batch)
                loss = job.objective.loss(outputs, batch, label_smoothing=settings.label_smoothing)
                total = loss.total * 0 if stand_in else loss.total
                accelerator.backward(total / len(examples))
            if not stand_in:
                found += sums(loss).to(found)
        return found
