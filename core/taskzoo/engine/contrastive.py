"""Training the backbone on pairs of texts of one class, before a linear layer is fitted on top.

The idea is SetFit's (Tunstall et al. 2022): a few labelled texts make many labelled pairs. Where SetFit shows one pair
at a time, a batch here compares all its texts with one another (supervised contrastive loss, Khosla et al. 2020).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedModel

from taskzoo.errors import RequestError
from taskzoo.task import Batch, Feature

from .probe import captured_input, last_linear


class PairEncoder(nn.Module):
    """The model up to the input of its last layer: ``[2B, H]`` for 2B texts."""

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, **inputs: Any) -> torch.Tensor:
        with captured_input(last_linear(self.model)) as kept:
            self.model(**inputs)
        return kept.pop().float()


class ContrastiveObjective:
    """Stands in for the task while the pairs are learnt: it gives the trainer a loss."""

    primary_metric = "loss"

    def __init__(self, temperature: float) -> None:
        self._temperature = temperature

    def loss(
        self, outputs: torch.Tensor, batch: Batch, *, label_smoothing: float = 0.0
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """:func:`supervised_contrastive` of a batch of pairs."""
        return supervised_contrastive(outputs, batch["targets"]["classes"], self._temperature)


def supervised_contrastive(
    vectors: torch.Tensor, classes: torch.Tensor, temperature: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss L_out of Khosla et al. 2020 over cosines.

    Args:
        vectors: shape ``[N, H]``.
        classes: shape ``[N]``; every class occurs at least twice.
        temperature: cosines are divided by it.

    Returns:
        Sum over the texts and their number, scalars.
    """
    unit = nn.functional.normalize(vectors, dim=-1)
    itself = torch.eye(len(unit), dtype=torch.bool, device=unit.device)
    logs = (unit @ unit.T / temperature).masked_fill(itself, -torch.inf).log_softmax(-1)
    same = (classes[:, None] == classes[None]) & ~itself
    terms = -torch.where(same, logs, 0.0).sum(-1) / same.sum(-1).clamp(min=1)
    return terms.sum(), same.any(-1).sum()


def by_class(features: Sequence[Feature]) -> dict[int, list[int]]:
    """Class -> the indices of its features.

    Raises:
        RequestError: the features have no single class each, or all the same.
    """
    if not all(type(feature.get("target")) is int for feature in features):
        raise RequestError("method=contrastive needs exactly one class per row; take linear-probe, lora or full.")
    members: dict[int, list[int]] = defaultdict(list)
    for index, feature in enumerate(features):
        members[feature["target"]].append(index)
    if len(members) < 2:
        raise RequestError("method=contrastive needs at least two classes in the training rows.")
    return members


def make_pairs(features: Sequence[Feature], per_row: int, seed: int) -> list[Feature]:
    """``per_row`` pairs for every feature, each with another row of its class, drawn by ``seed``.

    Features stand in row order. A pair is a feature with ``input_ids`` of the first text and ``pair``, the two
    features. A class with one row pairs its texts with themselves, which dropout tells apart (Gao et al. 2021).

    Raises:
        RequestError: as :func:`by_class`.
    """
    members = by_class(features)
    rows = {name: np.array([features[i]["row"] for i in indices]) for name, indices in members.items()}
    generator = np.random.default_rng(seed)
    pairs: list[Feature] = []
    for index, feature in enumerate(features):
        same = members[feature["target"]]
        first, end = np.searchsorted(rows[feature["target"]], [feature["row"], feature["row"] + 1])  # its own windows
        others = len(same) - int(end - first)
        drawn = [index] * per_row
        if others:
            rounds = [
                generator.choice(others, min(per_row, others), replace=False) for _ in range(-(-per_row // others))
            ]
            drawn = [same[i if i < first else i + int(end - first)] for i in np.concatenate(rounds)[:per_row].tolist()]
        for other in drawn:
            pairs.append({"input_ids": feature["input_ids"], "pair": (feature, features[other]), "row": feature["row"]})
    return pairs


def pair_collator(collate: Callable[[Sequence[Feature]], Batch]) -> Callable[[Sequence[Feature]], Batch]:
    """Batches of pairs: the first texts, then the second ones, with their ``classes`` ``[2B]``."""

    def collate_pairs(pairs: Sequence[Feature]) -> Batch:
        features = [feature["pair"][side] for side in (0, 1) for feature in pairs]
        batch = collate(features)
        return {"inputs": batch["inputs"], "targets": {"classes": torch.tensor([f["target"] for f in features])}}

    return collate_pairs
