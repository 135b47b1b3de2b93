"""How likely the tokens of each row are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch.nn import functional

from taskzoo import IGNORE_INDEX
from taskzoo.models.vocabulary import HiddenStates


def aligned(outputs: Any, labels: torch.Tensor) -> tuple[Any, torch.Tensor]:
    """Hidden states or logits at each position and the label that they predict, which is the one after it."""
    if isinstance(outputs, HiddenStates):
        return replace(outputs, states=outputs.states[:, :-1]), labels[:, 1:]
    return outputs.logits[:, :-1], labels[:, 1:]


def row_losses(outputs: Any, labels: torch.Tensor) -> list[tuple[float, int]]:
    """Nats and number of the labelled tokens of each row, which is computed by itself to save memory."""
    predicted, labels = aligned(outputs, labels)
    found = []
    for row, wanted in enumerate(labels):
        active = wanted != IGNORE_INDEX
        if isinstance(predicted, HiddenStates):
            logits = replace(predicted, states=predicted.states[row][active]).logits()
        else:
            logits = predicted[row][active]
        nats = functional.cross_entropy(logits.float(), wanted[active], reduction="sum")
        found.append((float(nats), int(active.sum())))
    return found
