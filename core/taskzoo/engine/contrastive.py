"""Training the backbone on pairs of texts of one class, before a linear layer is fitted on top.

The idea is SetFit's (Tunstall et al. 2022): a few labelled texts make many labelled pairs. Where SetFit shows one pair
at a time, a batch here compares all its texts with one another (supervised contrastive loss, Khosla et al. 2020).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedModel

from taskzoo.errors import RequestError
from taskzoo.task import Batch, Feature

from .probe import captured_input, last_linear

PIECE = 16
"""Texts that a processor encodes at once: pieces of like length hold less padding than the whole batch."""
NAMES = 128
"""At most so many names of classes stand beside a batch, those of its own classes first."""


class PairEncoder(nn.Module):
    """The model up to the input of its last layer, without the dropout of its head: ``[N, H]`` for N texts."""

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model
        heads = [child for name, child in model.named_children() if name != model.base_model_prefix]
        self._dropouts = [m for head in heads for m in head.modules() if isinstance(m, nn.Dropout)]

    def train(self, mode: bool = True) -> PairEncoder:
        """As always, but vectors that are compared are compared whole."""
        super().train(mode)
        for dropout in self._dropouts:
            dropout.eval()
        return self

    def forward(self, **inputs: torch.Tensor) -> torch.Tensor:
        mask = inputs["attention_mask"]
        if mask.device.type != "cpu":
            return self._encode(inputs)
        order = mask.sum(1).argsort(stable=True)
        parts = [self._encode(_rows(inputs, rows)) for rows in torch.split(order, PIECE)]
        return torch.cat(parts)[order.argsort()]

    def _encode(self, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        with captured_input(last_linear(self.model)) as kept:
            self.model(**inputs)
        return kept.pop().float()


def _rows(inputs: dict[str, torch.Tensor], rows: torch.Tensor) -> dict[str, torch.Tensor]:
    """These rows of all ``inputs`` ``[N, T]``, without the positions that none of them uses."""
    used = inputs["attention_mask"][rows].any(0).nonzero()
    span = slice(int(used.min()), int(used.max()) + 1)
    return {name: value[rows, span] for name, value in inputs.items()}


class ContrastiveObjective:
    """Stands in for the task while the pairs are learnt: it gives the trainer a loss."""

    primary_metric = "loss"

    def __init__(self, temperature: float) -> None:
        self._temperature = temperature

    def loss(
        self, outputs: torch.Tensor, batch: Batch, *, label_smoothing: float = 0.0
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """:func:`supervised_contrastive` of a batch of pairs, and :func:`name_loss` where names stand beside it."""
        classes, names = batch["targets"]["classes"], batch["targets"]["names"]
        texts = outputs[: len(classes)]
        total, count = supervised_contrastive(texts, classes, self._temperature)
        if len(names):
            total = total + name_loss(texts, classes, outputs[len(classes) :], names, self._temperature)
        return total, count


def name_loss(
    texts: torch.Tensor, classes: torch.Tensor, names: torch.Tensor, name_classes: torch.Tensor, temperature: float
) -> torch.Tensor:
    """Cross-entropy of telling by cosines which name is that of a text's class, summed over the texts.

    A name is encoded as any text and moves with the model, so it is a place for its class that words have chosen.

    Args:
        texts: shape ``[N, H]``, their ``classes`` ``[N]``.
        names: shape ``[K, H]``, their ``name_classes`` ``[K]``, all different. A text whose class is not among them
            does not count.
        temperature: cosines are divided by it.
    """
    texts, names = (nn.functional.normalize(vectors, dim=-1) for vectors in (texts, names))
    own = classes[:, None] == name_classes[None]
    target = torch.where(own.any(-1), own.float().argmax(-1), -100)
    return nn.functional.cross_entropy(texts @ names.T / temperature, target, ignore_index=-100, reduction="sum")


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


def pair_collator(
    collate: Callable[[Sequence[Feature]], Batch], names: Sequence[Feature] = ()
) -> Callable[[Sequence[Feature]], Batch]:
    """Batches of pairs: the first texts, then the second ones, then ``names`` of classes, :data:`NAMES` at most.

    The targets are ``classes`` ``[2B]`` of the texts and ``names`` ``[K]``, the classes of the names.
    """

    def collate_pairs(pairs: Sequence[Feature]) -> Batch:
        features = [feature["pair"][side] for side in (0, 1) for feature in pairs]
        shown = _some_names(names, pairs)
        classes, of_names = (torch.tensor([f["target"] for f in fs], dtype=torch.long) for fs in (features, shown))
        return {
            "inputs": collate([*features, *shown])["inputs"],
            "targets": {"classes": classes, "names": of_names},
        }

    return collate_pairs


def split_names(features: Sequence[Feature]) -> tuple[list[Feature], list[Feature]]:
    """Texts, and the names of classes (``is_name``), one feature for each class."""
    names = {feature["target"]: feature for feature in reversed(features) if feature.get("is_name")}
    return [f for f in features if not f.get("is_name")], [names[target] for target in sorted(names)]


def _some_names(names: Sequence[Feature], pairs: Sequence[Feature]) -> list[Feature]:
    if len(names) <= NAMES:
        return list(names)
    own = {feature["pair"][0]["target"] for feature in pairs}
    order = np.random.default_rng([feature["row"] for feature in pairs]).permutation(len(names))
    chosen = sorted(order.tolist(), key=lambda i: names[i]["target"] not in own)
    return [names[i] for i in chosen[:NAMES]]


def trained_weights(model: nn.Module) -> dict[str, torch.Tensor]:
    """Copies of the parameters that training moves."""
    return {name: p.detach().clone() for name, p in model.named_parameters() if p.requires_grad}


@torch.no_grad()
def average_weights(model: nn.Module, start: Mapping[str, torch.Tensor], share: float) -> None:
    """Move the parameters of ``model`` towards ``start``: ``share`` of that, the rest of what they are.

    Weights between the pretrained and the fine-tuned ones keep more of what pretraining taught (Wortsman et al. 2022).
    """
    for name, parameter in model.named_parameters():
        if name in start:
            parameter.lerp_(start[name], share)
