"""Training low-rank adapters and the head only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskzoo.config import Training
from taskzoo.engine.session import Session
from taskzoo.task import Task

from .full import Full

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class Lora(Full):
    """The training loop on adapters; the run keeps them and serves the merged model, which is the same function."""

    name = "lora"
    keeps_adapter = True

    def describe(self, settings: Training) -> str:
        packed = f" over {settings.lora_quantize}" if settings.lora_quantize else ""
        return f"{super().describe(settings)}, LoRA rank {settings.lora_rank}{packed}"

    def likes_probe(self, task: Task) -> bool:
        """From a random head, adapters may learn nothing in the epochs of a recipe."""
        return True

    def freeze(self, session: Session) -> Any:
        import torch

        from taskzoo.engine.accelerator import HALF
        from taskzoo.engine.lora import add_lora

        dtype = HALF.get(session.accelerator.mixed_precision, torch.float32)
        return add_lora(super().freeze(session), session.settings, dtype, session.accelerator.device)

    def finish(self, session: Session) -> PreTrainedModel:
        from taskzoo.engine.lora import merge_lora

        return merge_lora(session.trained)
