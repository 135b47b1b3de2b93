"""Moving a batch to a device."""

from __future__ import annotations

from typing import Any

import torch

from taskzoo.types import Batch


def to_device(batch: Batch, device: torch.device) -> Batch:
    """The batch with its tensors on ``device``; anything else in it stays as it is."""

    def moved(value: Any) -> Any:
        return value.to(device, non_blocking=True) if isinstance(value, torch.Tensor) else value

    inputs, targets = ({k: moved(v) for k, v in values.items()} for values in (batch.inputs, batch.targets))
    return Batch(inputs, targets)
