"""Moving a batch to a device."""

from __future__ import annotations

import torch

from taskzoo.task import Batch


def to_device(batch: Batch, device: torch.device) -> Batch:
    """The batch with its tensors on ``device``; anything else in it stays as it is."""
    return {
        part: {
            name: value.to(device, non_blocking=True) if isinstance(value, torch.Tensor) else value
            for name, value in content.items()
        }
        for part, content in batch.items()
    }
