"""Training only the last linear layer: each text is encoded once, then a convex problem is solved exactly.

The backbone's output is the same in every epoch, so a probe needs one pass over the data and no learning rate
(linear probing: Alain & Bengio 2016). The layer minimises the task's own loss plus a ridge penalty whose strength is
chosen on held-out rows.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from taskzoo.data.batching import plan_evaluation
from taskzoo.errors import Interrupted, PluginError, RequestError, TrainingError
from taskzoo.task import Task
from taskzoo.types import Batch, Feature, Loss

from .batches import to_device
from .events import tell
from .freezing import new_module_names
from .label_spreading import UNKNOWN, spread_labels
from .progress import Progress, Silent
from .session import Session

PENALTIES = (1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0, 3.0)
"""Strengths of the ridge that are tried, on inputs of mean 0 and mean square 1."""
FOLDS = 5
ITERATIONS = 200
MAX_EXAMPLES = 128


@dataclass(slots=True)
class Inputs:
    """What the last layer is given: ``vectors`` ``[N, H]`` in float32, and the targets of the same examples."""

    vectors: Tensor
    targets: dict[str, Tensor]

    def take(self, indices: np.ndarray) -> Inputs:
        """The examples at ``indices``."""
        chosen = torch.as_tensor(indices, device=self.vectors.device)
        return Inputs(self.vectors[chosen], {name: value[chosen] for name, value in self.targets.items()})

    def joined(self, other: Inputs) -> Inputs:
        """These examples, then those."""
        targets = {name: torch.cat([value, other.targets[name].to(value)]) for name, value in self.targets.items()}
        return Inputs(torch.cat([self.vectors, other.vectors]), targets)


def last_linear(model: PreTrainedModel) -> nn.Linear:
    """The linear layer that makes the logits; a :class:`RequestError` if the head does not end in one."""
    for name in reversed(new_module_names(model)):
        layers = [m for m in model.get_submodule(name).modules() if isinstance(m, nn.Linear)]
        if layers:
            return layers[-1]
    raise RequestError("This method trains the last linear layer of the head, and this head has none.")


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
def encode_once(session: Session, features: Sequence[Feature], title: str) -> Inputs:
    """One forward pass over ``features`` without dropout, in their order, with a bar named ``title``.

    Raises:
        RequestError: the layer does not work on one vector per feature.
        Interrupted: stopped on request.
    """
    model, accelerator = session.model, session.accelerator
    layer, was_training = last_linear(model), model.training
    model.eval()
    order: list[int] = []
    vectors, targets = [], []
    lengths, tokens = [f.length for f in features], session.settings.evaluation_tokens
    batches = plan_evaluation(lengths, max_tokens=tokens, max_examples=MAX_EXAMPLES)
    try:
        with captured_input(layer) as kept, session.reporter.bar(title, len(features)) as bar:
            for indices in batches:
                batch = to_device(session.collate([features[i] for i in indices]), accelerator.device)
                with accelerator.autocast():
                    session.task.forward(model, batch)
                vectors.append(_one_vector_each(kept, len(indices)))
                kept.clear()
                order += indices
                targets.append(batch.targets)
                bar.update(len(order))
                if session.stop():
                    raise Interrupted(f"Stopped while {title}.")
    finally:
        model.train(was_training)
    if not all(isinstance(value, Tensor) for value in targets[0].values()):
        need = "method=linear-probe and contrastive need targets that are tensors"
        raise RequestError(f"{need}; use method=full or lora.")
    back = torch.as_tensor(np.argsort(order), device=accelerator.device)
    return Inputs(torch.cat(vectors)[back], {name: torch.cat([t[name] for t in targets])[back] for name in targets[0]})


def _one_vector_each(given: list[Tensor], count: int) -> Tensor:
    if len(given) != 1 or given[0].dim() != 2 or len(given[0]) != count:
        raise RequestError(
            "method=linear-probe and contrastive need one vector per text; this head works on every token, or on "
            "several vectors. Use method=full or lora, or where the task has it, pooling=mean."
        )
    return given[0].float()


@dataclass(slots=True)
class ProbeData:
    """What the last layer is fitted on: ``train``, and the row of each ``[N]``, so that windows of a row stay together.

    The ridge is chosen by the loss on ``validation``, or by cross-validation over training rows; not on ``further``.
    """

    train: Inputs
    rows: np.ndarray
    validation: Inputs | None = None
    further: Inputs | None = None


def fit_last_layer(session: Session) -> Progress:
    """Fit the last layer to the training rows, and to unlabelled texts to which the labels spread.

    Raises:
        TrainingError: the vectors are not finite.
        Interrupted: stopped on request.
    """
    facts: dict[str, Any] = {}
    began, features = time.perf_counter(), session.encoded["train"].features
    given = ProbeData(encode_once(session, features, "encoding train"), np.array([f.row for f in features]))
    if "validation" in session.encoded:
        given.validation = encode_once(session, session.encoded["validation"].features, "encoding validation")
    if session.unlabelled:
        given.further = encode_once(session, session.unlabelled, "encoding unlabelled")
        given.further, facts = _spread(session, given.train, given.further)
    found = fit_probe(session.model, session.task, given, seed=session.settings.seed)
    tell(session.callbacks, session.reporter, "fitted", {"step": 0, "probe": found | facts})
    session.reporter.say(f"last layer fitted with ridge penalty {found['penalty']:g} (chosen by {found['chosen_by']})")
    return Progress(step=1, tokens=sum(f.length for f in features), seconds=time.perf_counter() - began)


def _spread(session: Session, train: Inputs, unlabelled: Inputs) -> tuple[Inputs, dict[str, Any]]:
    """The unlabelled examples with the classes that the labelled ones' neighbours give them, and facts of that."""
    known = np.array([feature["target"] for feature in session.encoded["train"].features])
    found = spread_labels(train.vectors, known, unlabelled.vectors)
    reached = np.flatnonzero(found != UNKNOWN)
    examples = unlabelled.take(reached)
    for start in range(0, len(reached), MAX_EXAMPLES):
        chunk = [(session.unlabelled[i], int(found[i])) for i in reached[start : start + MAX_EXAMPLES]]
        features = [replace(feature, values={**feature.values, "target": target}) for feature, target in chunk]
        for name, values in session.collate(features).targets.items():
            examples.targets[name][start : start + MAX_EXAMPLES] = values
    session.reporter.say(f"labels spread to {len(reached):,} of {len(found):,} unlabelled texts")
    return examples, {"labels_spread_to": len(reached), "unlabelled": len(found)}


def fit_probe(model: PreTrainedModel, task: Task, given: ProbeData, *, seed: int) -> dict[str, Any]:
    """Set the last layer of ``model`` to the minimum of the task's loss with a ridge; ``seed`` draws the folds.

    It gives ``{"penalty": ..., "chosen_by": ..., "losses": {penalty: held-out loss}}``.

    Raises:
        TrainingError: the vectors are not finite.
        RequestError: the task's loss needs more than logits.
    """
    train, layer = given.train, last_linear(model)
    if not torch.isfinite(train.vectors).all():
        raise TrainingError("The model produced non-finite embeddings for some training texts; use precision=fp32.")
    centre = train.vectors.mean(0) if layer.bias is not None else torch.zeros_like(train.vectors[0])
    scale = (train.vectors - centre).square().mean().sqrt().clamp(min=1e-6)

    def standard(inputs: Inputs) -> Inputs:
        return Inputs((inputs.vectors - centre) / scale, inputs.targets)

    fit = standard(train)
    if given.validation is not None:
        trials, chosen_by = [(fit, standard(given.validation))], "validation"
    else:
        fold = _folds(given.rows, seed)
        trials = [(fit.take(np.flatnonzero(fold != k)), fit.take(np.flatnonzero(fold == k))) for k in range(FOLDS)]
        trials, chosen_by = [(a, b) for a, b in trials if len(a.vectors) and len(b.vectors)], "cross-validation"
    losses = dict.fromkeys(PENALTIES, 0.0)
    zero = [torch.zeros_like(parameter) for parameter in layer.parameters()]
    for part, other in trials:
        start = zero
        for penalty in reversed(PENALTIES):
            start = _solve(task, part, start, penalty, tolerance=1e-4)
            losses[penalty] += _mean_loss(task, other, start).item() / len(trials)
    best = min(losses, key=lambda penalty: losses[penalty]) if trials else PENALTIES[2]
    if given.further is not None:
        fit = fit.joined(standard(given.further))
    weight, *bias = _solve(task, fit, zero, best, tolerance=1e-5)
    with torch.no_grad():
        layer.weight.copy_(weight / scale)
        for value in bias:
            layer.bias.copy_(value - (weight / scale) @ centre)
    return {"penalty": best, "chosen_by": chosen_by, "losses": {f"{p:g}": value for p, value in losses.items()}}


def _folds(rows: np.ndarray, seed: int) -> np.ndarray:
    names, place = np.unique(rows, return_inverse=True)
    fold: np.ndarray = np.random.default_rng(seed).permutation(len(names))[place] % FOLDS
    return fold


def _solve(task: Task, inputs: Inputs, start: list[Tensor], penalty: float, *, tolerance: float) -> list[Tensor]:
    """Weight and, if there is one, bias at the minimum by L-BFGS (Liu & Nocedal 1989), from ``start``."""
    layer = [value.clone().requires_grad_() for value in start]
    optimizer = torch.optim.LBFGS(
        layer, max_iter=ITERATIONS, history_size=10, tolerance_grad=tolerance, line_search_fn="strong_wolfe"
    )

    def closure() -> Any:
        optimizer.zero_grad()
        objective = _mean_loss(task, inputs, layer) + 0.5 * penalty * layer[0].square().sum()
        torch.autograd.backward(objective)
        return objective

    step: Any = optimizer.step
    step(closure)
    return [value.detach() for value in layer]


def _mean_loss(task: Task, inputs: Inputs, layer: list[Tensor]) -> Tensor:
    loss = loss_of(task, nn.functional.linear(inputs.vectors, *layer), inputs.targets)
    return loss.total / loss.weight.clamp(min=1e-12)


def loss_of(task: Task, logits: Tensor, targets: dict[str, Tensor]) -> Loss:
    """The task's loss on outputs that hold nothing but ``logits``; a :class:`RequestError` if it needs more."""
    with _only_logits():
        return task.loss(SimpleNamespace(logits=logits), Batch({}, targets))


def decode_vectors(model: PreTrainedModel, task: Task, inputs: Inputs) -> list[Any]:
    """One part per example, from what the last layer of ``model`` makes of ``inputs``; raises as :func:`loss_of`."""
    with torch.no_grad(), _only_logits():
        outputs = SimpleNamespace(logits=last_linear(model)(inputs.vectors))
        return task.decode(outputs, Batch({}, inputs.targets))


def check_probe(session: Session) -> None:
    """Try :func:`fit_last_layer` on one training example.

    A :class:`RequestError` if the head or the loss does not suit, or unlabelled texts, as a row has not one class.
    """
    features = session.encoded["train"].features
    if session.unlabelled and not all(type(feature.get("target")) is int for feature in features):
        raise RequestError("--unlabelled needs exactly one class per row; leave it out for several labels or numbers.")
    inputs = encode_once(replace(session, reporter=Silent(), stop=lambda: False), features[:1], "")
    with torch.no_grad():
        loss_of(session.task, last_linear(session.model)(inputs.vectors), inputs.targets)


@contextmanager
def _only_logits() -> Iterator[None]:
    try:
        yield
    except (AttributeError, KeyError, TypeError, PluginError) as error:
        cause = error.__cause__ if isinstance(error, PluginError) else error  # one is wrapped in the other
        if not isinstance(cause, (AttributeError, KeyError, TypeError)):
            raise
        raise RequestError(
            "method=linear-probe and contrastive fit the layer that makes the logits, and this task needs more than "
            f"logits and targets ({type(cause).__name__}: {cause}). Use method=full or lora."
        ) from error
