"""The last linear layer of a head: what it is given for each text or token, and what a task makes of its logits.

The backbone's output is the same in every epoch, so methods that train only this layer encode each text once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from taskzoo.data.batching import plan_evaluation
from taskzoo.data.features import lengths_of, rows_of
from taskzoo.errors import Interrupted, PluginError, RequestError
from taskzoo.task import Task
from taskzoo.types import IGNORE_INDEX, Batch, Feature, Loss

from .batches import to_device
from .evaluation import as_evaluated, by_row, sums, weights_cast_once
from .freezing import new_module_names
from .scoring import MAX_EXAMPLES, Decoded, most_tokens
from .session import Session

SAME = 1e-3
"""Logits that differ by no more are those of the same token."""


@dataclass(slots=True)
class Inputs:
    """What the last layer is given: ``vectors`` ``[N, H]`` in float32, and the targets of the same examples."""

    vectors: Tensor
    targets: dict[str, Tensor]
    features: Tensor
    """Which feature each is of, ``[N]``."""

    def take(self, indices: np.ndarray) -> Inputs:
        """The examples at ``indices``."""
        chosen = torch.as_tensor(indices, device=self.vectors.device)
        targets = {name: value[chosen] for name, value in self.targets.items()}
        return Inputs(self.vectors[chosen], targets, self.features[chosen])

    def joined(self, other: Inputs) -> Inputs:
        """These examples, then those."""
        targets = {name: torch.cat([value, other.targets[name].to(value)]) for name, value in self.targets.items()}
        features = torch.cat([self.features, other.features])
        return Inputs(torch.cat([self.vectors, other.vectors]), targets, features)


@dataclass(frozen=True, slots=True)
class Seen:
    """A batch of an evaluation, the numbers of its features, and what the last layer was given for it."""

    indices: list[int]
    batch: Batch
    given: Tensor


def last_linear(model: PreTrainedModel) -> nn.Linear:
    """The linear layer that makes the logits; a :class:`RequestError` if the head does not end in one."""
    for name in reversed(new_module_names(model)):
        layers = [m for m in model.get_submodule(name).modules() if isinstance(m, nn.Linear)]
        if layers:
            return layers[-1]
    raise RequestError("This method fits the last linear layer of the head, but this head has none; use method=full.")


@contextmanager
def captured_input(layer: nn.Linear) -> Iterator[list[Tensor]]:
    """Within the context, what ``layer`` is given in each forward pass is kept in the list."""
    kept: list[Tensor] = []
    hook = layer.register_forward_pre_hook(lambda _, inputs: kept.append(inputs[0]))
    try:
        yield kept
    finally:
        hook.remove()


@torch.no_grad()
def encode_once(
    session: Session,
    features: Sequence[Feature],
    title: str,
    *,
    tokens: bool = False,
    seen: list[Seen] | None = None,
) -> Inputs:
    """One forward pass over ``features`` without dropout, in their order, with a bar named ``title``.

    There is one vector per feature, or, with ``tokens`` and a :attr:`taskzoo.task.Task.token_target`, per token that
    has a target. The batches are those of an evaluation; to ``seen`` each is added, for :func:`decode_seen`.

    Raises:
        RequestError: the layer does not work on one vector per feature.
        Interrupted: stopped on request.
    """
    model, accelerator = session.model, session.accelerator
    layer, was_training = last_linear(model), model.training
    model.eval()
    parts: list[Inputs] = []
    token_target, done = session.task.token_target if tokens else "", 0
    lengths, on_cpu = lengths_of(features)[0], accelerator.device.type == "cpu"
    most = session.settings.evaluation_tokens or most_tokens(session.task, on_cpu=on_cpu)
    batches = plan_evaluation(lengths, max_tokens=most, max_examples=MAX_EXAMPLES)
    try:
        with (
            captured_input(layer) as kept,
            session.reporter.bar(title, len(features)) as bar,
            weights_cast_once(accelerator),
        ):
            for indices in batches:
                batch = to_device(session.collate([features[i] for i in indices]), accelerator.device)
                with as_evaluated(session.task, accelerator):
                    outputs = session.task.forward(model, batch)
                    if not token_target and len(kept) == 1:
                        kept[0] = chosen_vectors(kept[0], layer, outputs)
                owners = torch.tensor(indices, device=accelerator.device)
                parts.append(_vectors(kept, batch, owners, token_target))
                if seen is not None:
                    seen.append(Seen(indices, batch, kept[0]))
                kept.clear()
                done += len(indices)
                bar.update(done)
                if session.stop():
                    raise Interrupted(f"Stopped while {title}.")
    finally:
        model.train(was_training)
    if not all(isinstance(value, Tensor) for value in parts[0].targets.values()):
        raise RequestError(
            "method=linear-probe and method=contrastive require targets that are tensors; use method=full or "
            "method=lora."
        )
    targets = {name: torch.cat([part.targets[name] for part in parts]) for name in parts[0].targets}
    found = Inputs(torch.cat([p.vectors for p in parts]), targets, torch.cat([p.features for p in parts]))
    return found.take(found.features.argsort(stable=True).cpu().numpy())


def chosen_vectors(given: Tensor, layer: nn.Linear, outputs: Any) -> Tensor:
    """Of the vectors ``[B, T, H]`` of all tokens those ``[B, H]`` of which the logits in ``outputs`` are made.

    Heads of decoders apply their layer to every token and choose one afterwards. Where there is nothing to choose, or
    the logits are not those of single tokens, ``given`` is returned as it is.
    """
    if given.dim() != 3:
        return given
    with only_logits():
        logits = outputs.logits
    if not isinstance(logits, Tensor) or logits.dim() != 2 or len(logits) != len(given):
        return given
    made = nn.functional.linear(given, layer.weight, layer.bias)
    distance, position = (made - logits.unsqueeze(1)).detach().abs().amax(-1).min(-1)
    if distance.max() > SAME:
        return given
    return given[torch.arange(len(given), device=given.device), position]


def _vectors(given: list[Tensor], batch: Batch, features: Tensor, token_target: str) -> Inputs:
    """What the layer was given for the features of a batch, or for those of their tokens that have ``token_target``."""
    if token_target:
        labels = batch.targets[token_target]
        if len(given) != 1 or given[0].shape[:-1] != labels.shape:
            raise RequestError(f"The last layer of this head does not work on the tokens of {token_target!r}.")
        active = labels != IGNORE_INDEX
        owners = features.unsqueeze(1).expand_as(labels)[active]
        return Inputs(given[0][active].float(), {token_target: labels[active]}, owners)
    if len(given) != 1 or given[0].dim() != 2 or len(given[0]) != len(features):
        raise RequestError(
            "method=linear-probe and method=contrastive require one vector per text, but this head works on every "
            "token or on several vectors; use method=full or method=lora, or pooling=mean if the task has that option."
        )
    return Inputs(given[0].float(), batch.targets, features)


def loss_of(task: Task, logits: Tensor, targets: dict[str, Tensor]) -> Loss:
    """The task's loss on outputs that hold nothing but ``logits``; a :class:`RequestError` if it needs more."""
    with only_logits():
        return task.loss(SimpleNamespace(logits=logits), Batch({}, targets))


def decode_vectors(model: PreTrainedModel, task: Task, inputs: Inputs) -> list[Any]:
    """One part per example, from what the last layer of ``model`` makes of ``inputs``; raises as :func:`loss_of`."""
    with torch.no_grad(), only_logits():
        outputs = SimpleNamespace(logits=last_linear(model)(inputs.vectors))
        return task.decode(outputs, Batch({}, inputs.targets))


@torch.no_grad()
def decode_seen(session: Session, seen: Sequence[Seen], features: Sequence[Feature], rows: int) -> Decoded:
    """What an evaluation on ``features`` of ``rows`` examples gives, from what the last layer was given for them.

    It is the same to the last bit, without a pass through the rest of the model; raises as :func:`loss_of`.
    """
    model, task, parts = session.model, session.task, list[tuple[list[int], Any]]()
    layer, total = last_linear(model), torch.zeros(2, dtype=torch.float64, device=session.accelerator.device)
    with weights_cast_once(session.accelerator), only_logits():
        for one in seen:
            with as_evaluated(task, session.accelerator):
                outputs = SimpleNamespace(logits=layer(one.given))
            parts.append((one.indices, task.predict_batch(model, one.batch, outputs)))
            total += sums(task.loss(outputs, one.batch)).to(total)
    loss_sum, weight = total.tolist()
    return Decoded(by_row(parts, rows_of(features), rows), loss_sum / weight if weight else None)


@contextmanager
def only_logits() -> Iterator[None]:
    """Within the context, what fails for lack of anything but logits and targets is a :class:`RequestError`."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, PluginError) as error:
        cause = error.__cause__ if isinstance(error, PluginError) else error  # one is wrapped in the other
        if not isinstance(cause, (AttributeError, KeyError, TypeError)):
            raise
        raise RequestError(
            "method=linear-probe and method=contrastive fit only the layer that outputs the logits, but this task's "
            f"loss needs more than logits and targets ({type(cause).__name__}: {cause}); use method=full or "
            "method=lora."
        ) from error
