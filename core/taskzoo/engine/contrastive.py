"""Training the backbone on pairs of texts of one class, before a linear layer is fitted on top.

The idea is SetFit's (Tunstall et al. 2022): a few labelled texts make many labelled pairs. Where SetFit shows one pair
at a time, a batch here compares all its texts with one another (supervised contrastive loss, Khosla et al. 2020).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from taskzoo.errors import RequestError
from taskzoo.task import Objective, Task
from taskzoo.types import Batch, Collate, Feature, Loss

from .last_layer import captured_input, chosen_vectors, last_linear

CHUNK = 16
"""Texts that a CPU encodes at once: chunks of similar length hold less padding than the whole batch."""
NAMES = 128
"""At most so many class names are added to a batch, those of its own classes first."""


class ContrastiveObjective(Objective):
    """Vectors of texts ``[N, H]``, and a loss that compares them with one another.

    The forward pass of ``task`` is taken up to the input of the last layer; cosines are divided by ``temperature``.
    """

    batch_coupled = True

    def __init__(self, task: Task, temperature: float) -> None:
        self._task, self._temperature = task, temperature

    def forward(self, model: PreTrainedModel, batch: Batch) -> Tensor:
        """The vectors of a batch, without the dropout of the head: vectors that are compared are compared whole."""
        heads = [child for name, child in model.named_children() if name != model.base_model_prefix]
        for module in (module for head in heads for module in head.modules() if isinstance(module, nn.Dropout)):
            module.eval()
        inputs, mask = batch.inputs, batch.inputs.get("attention_mask")
        if mask is None or mask.device.type != "cpu" or any(v.shape != mask.shape for v in inputs.values()):
            return self._encode(model, inputs)
        order = mask.sum(1).argsort(stable=True)
        parts = [self._encode(model, _rows(inputs, rows)) for rows in torch.split(order, CHUNK)]
        return torch.cat(parts)[order.argsort()]

    def _encode(self, model: PreTrainedModel, inputs: dict[str, Any]) -> Tensor:
        layer = last_linear(model)
        with captured_input(layer) as kept:
            outputs = self._task.forward(model, Batch(inputs, {}))
        return chosen_vectors(kept.pop(), layer, outputs).float()

    def loss(self, outputs: Tensor, batch: Batch, *, label_smoothing: float = 0.0) -> Loss:
        """:func:`supervised_contrastive` of a batch of pairs, and :func:`name_loss` where class names are added."""
        classes, names = batch.targets["classes"], batch.targets["names"]
        texts = outputs[: len(classes)]
        total, count = supervised_contrastive(texts, classes, self._temperature)
        if len(names):
            total = total + name_loss(texts, classes, outputs[len(classes) :], names, self._temperature)
        return Loss(total, count)


def _rows(inputs: dict[str, Any], rows: Tensor) -> dict[str, Any]:
    """These rows of all ``inputs`` ``[N, T]``, without the positions that none of them uses."""
    used = inputs["attention_mask"][rows].any(0).nonzero()
    span = slice(int(used.min()), int(used.max()) + 1)
    return {name: value[rows, span] for name, value in inputs.items()}


def name_loss(texts: Tensor, classes: Tensor, names: Tensor, name_classes: Tensor, temperature: float) -> Tensor:
    """Cross-entropy of finding the name of a text's class by cosines, summed over the texts.

    A name is encoded like any text and moves with the model, so each class has a place that words have chosen. Texts
    ``[N, H]`` have ``classes`` ``[N]``, names ``[K, H]`` have ``name_classes`` ``[K]``, all different. A text whose
    class is not among these does not count. Cosines are divided by ``temperature``.
    """
    texts, names = (nn.functional.normalize(vectors, dim=-1) for vectors in (texts, names))
    own = classes[:, None] == name_classes[None]
    target = torch.where(own.any(-1), own.float().argmax(-1), -100)
    return nn.functional.cross_entropy(texts @ names.T / temperature, target, ignore_index=-100, reduction="sum")


def supervised_contrastive(vectors: Tensor, classes: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """The loss L_out of Khosla et al. 2020 over cosines: its sum over the texts and their number, scalars.

    ``vectors`` are ``[N, H]`` and ``classes`` ``[N]``, each at least twice. Cosines are divided by ``temperature``.
    """
    unit = nn.functional.normalize(vectors, dim=-1)
    itself = torch.eye(len(unit), dtype=torch.bool, device=unit.device)
    logs = (unit @ unit.T / temperature).masked_fill(itself, -torch.inf).log_softmax(-1)
    same = (classes[:, None] == classes[None]) & ~itself
    terms = -torch.where(same, logs, 0.0).sum(-1) / same.sum(-1).clamp(min=1)
    return terms.sum(), same.any(-1).sum()


def by_class(features: Sequence[Feature]) -> dict[int, list[int]]:
    """Class -> the indices of its features; a :class:`RequestError` if they have no single class each, or all one."""
    if not all(type(feature.get("target")) is int for feature in features):
        raise RequestError("method=contrastive needs exactly one class per row; use linear-probe, lora or full.")
    members: dict[int, list[int]] = defaultdict(list)
    for index, feature in enumerate(features):
        members[feature["target"]].append(index)
    if len(members) < 2:
        raise RequestError("method=contrastive needs at least two classes in the training rows.")
    return members


def make_pairs(features: Sequence[Feature], per_row: int, seed: int) -> list[Feature]:
    """``per_row`` pairs for every feature, each with another row of its class, drawn by ``seed``.

    Features are in row order. A pair is a feature as long as its first text, with ``pair``, the two features. A class
    with one row pairs its texts with themselves, which dropout tells apart (Gao et al. 2021). Raises as
    :func:`by_class`.
    """
    members = by_class(features)
    rows = {name: np.array([features[i].row for i in indices]) for name, indices in members.items()}
    generator = np.random.default_rng(seed)
    pairs: list[Feature] = []
    for index, feature in enumerate(features):
        same = members[feature["target"]]
        first, end = np.searchsorted(rows[feature["target"]], [feature.row, feature.row + 1]).tolist()
        others = len(same) - (end - first)  # without its own windows
        drawn = [index] * per_row
        if others:
            count, rounds = min(per_row, others), range(-(-per_row // others))
            places = np.concatenate([generator.choice(others, count, replace=False) for _ in rounds])[:per_row]
            drawn = [same[i if i < first else i + end - first] for i in places.tolist()]
        pairs += [Feature(feature.row, feature.length, {"pair": (feature, features[other])}) for other in drawn]
    return pairs


def pair_collator(collate: Collate, names: Sequence[Feature] = ()) -> Collate:
    """Batches of pairs: the first texts, then the second ones, then ``names`` of classes, :data:`NAMES` at most.

    The targets are ``classes`` ``[2B]`` of the texts and ``names`` ``[K]``, the classes of the names.
    """

    def collate_pairs(pairs: Sequence[Feature]) -> Batch:
        features = [feature["pair"][side] for side in (0, 1) for feature in pairs]
        shown = list(names)
        if len(names) > NAMES:
            own = {feature["pair"][0]["target"] for feature in pairs}
            order = np.random.default_rng([feature.row for feature in pairs]).permutation(len(names)).tolist()
            shown = sorted((names[i] for i in order), key=lambda name: name["target"] not in own)[:NAMES]
        classes, of_names = (torch.tensor([f["target"] for f in fs], dtype=torch.long) for fs in (features, shown))
        return Batch(collate([*features, *shown]).inputs, {"classes": classes, "names": of_names})

    return collate_pairs


def split_names(features: Sequence[Feature]) -> tuple[list[Feature], list[Feature]]:
    """Texts, and the names of classes (``is_name``), one feature for each class."""
    names = {feature["target"]: feature for feature in reversed(features) if feature.get("is_name")}
    return [f for f in features if not f.get("is_name")], [names[target] for target in sorted(names)]


def trained_weights(model: nn.Module) -> dict[str, Tensor]:
    """Copies of the parameters that training moves."""
    return {name: p.detach().clone() for name, p in model.named_parameters() if p.requires_grad}


@torch.no_grad()
def average_weights(model: nn.Module, start: Mapping[str, Tensor], share: float) -> None:
    """Move the parameters of ``model`` towards ``start``: ``share`` of that, the rest of what they are.

    Weights between the pretrained and the fine-tuned ones keep more of what pretraining taught (Wortsman et al. 2022).
    """
    parameters = dict(model.named_parameters())
    for name, value in start.items():
        parameters[name].lerp_(value, share)
