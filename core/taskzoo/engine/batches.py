"""The door of a batch to a device: behind it there are tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from taskzoo.types import Batch


def to_device(batch: Batch, device: torch.device) -> Batch:
    """The batch with its tensors and arrays as tensors on ``device``; anything else in it stays as it is."""

    def moved(value: Any) -> Any:
        value = torch.from_numpy(value) if isinstance(value, np.ndarray) else value
        if not isinstance(value, torch.Tensor):
            return value
        if device.type == "cuda" and value.device.type == "cpu":
            value = value.pin_memory()  # else the copy would wait until the device is idle
        return value.to(device, non_blocking=True)

    inputs, targets = ({k: moved(v) for k, v in values.items()} for values in (batch.inputs, batch.targets))
    return Batch(inputs, targets)


def tensors(batch: Batch) -> Batch:
    """The batch with its arrays as tensors on the CPU."""
    return to_device(batch, torch.device("cpu"))
