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
from taskzoo.option_names import option_name
from taskzoo.task import Task
from taskzoo.types import IGNORE_INDEX, LOSS, Batch, Feature, Loss

from .batches import to_device
from .events import tell
from .freezing import new_module_names
from .label_spreading import UNKNOWN, spread_labels
from .progress import Progress, Silent
from .scoring import Decoded, assemble, score
from .session import Session

PENALTIES = (1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0, 3.0)
"""Strengths of the ridge that are tried, on inputs of mean 0 and mean square 1."""
FOLDS = 5
ITERATIONS = 200
TOKEN_PENALTIES, TOKEN_ITERATIONS = (1e-4, 1e-2, 3e-1), 40
"""The same for tokens, which are many: their head is only a start."""
MAX_EXAMPLES = 128
SHARE_OF_TIME, TIMED = 0.1, 64
"""Where time is limited, the share of it that encoding a split for a start may take, as so many features tell."""
SAME = 1e-3
"""Logits that differ by no more are those of the same token."""
START_TEXTS, START_TOKENS, START_LOGITS = 20_000, 60_000, 3_000_000
"""The most that a probe is fitted on which training only starts from: texts, tokens of a head on tokens, and logits."""


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
def encode_once(session: Session, features: Sequence[Feature], title: str, *, tokens: bool = False) -> Inputs:
    """One forward pass over ``features`` without dropout, in their order, with a bar named ``title``.

    There is one vector per feature, or, with ``tokens`` and a :attr:`taskzoo.task.Task.token_target`, per token that
    has a target.

    Raises:
        RequestError: the layer does not work on one vector per feature.
        Interrupted: stopped on request.
    """
    model, accelerator = session.model, session.accelerator
    layer, was_training = last_linear(model), model.training
    model.eval()
    parts: list[Inputs] = []
    token_target, done = session.task.token_target if tokens else "", 0
    lengths, most = [f.length for f in features], session.settings.evaluation_tokens
    batches = plan_evaluation(lengths, max_tokens=most, max_examples=MAX_EXAMPLES)
    try:
        with captured_input(layer) as kept, session.reporter.bar(title, len(features)) as bar:
            for indices in batches:
                batch = to_device(session.collate([features[i] for i in indices]), accelerator.device)
                with accelerator.autocast():
                    outputs = session.task.forward(model, batch)
                    if not token_target and len(kept) == 1:
                        kept[0] = chosen_vectors(kept[0], layer, outputs)
                owners = torch.tensor(indices, device=accelerator.device)
                parts.append(_vectors(kept, batch, owners, token_target))
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
    with _only_logits():
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


@dataclass(slots=True)
class ProbeData:
    """What the last layer is fitted on: ``train``, and the row of each ``[N]``, so that windows of a row stay together.

    The ridge is chosen by the loss on ``validation``, or by cross-validation over training rows; not on ``further``.
    Of weaker and weaker penalties, ``quick`` tries no more after two that were worse than one before.
    """

    train: Inputs
    rows: np.ndarray
    validation: Inputs | None = None
    further: Inputs | None = None
    of_tokens: bool = False
    quick: bool = False


def fit_last_layer(session: Session, *, start: bool = False) -> Progress:
    """Fit the last layer to the training rows, and to unlabelled texts to which the labels spread.

    ``start``: training starts from it, so a sample of large data suffices, and the head may be one on tokens.

    Raises:
        TrainingError: the vectors are not finite.
        Interrupted: stopped on request.
    """
    facts: dict[str, Any] = {}
    began, encoded = time.perf_counter(), session.encoded
    chosen = {split: encoded[split].features for split in ("train", "validation") if split in encoded}
    if start:
        chosen = {split: _sample(session, features) for split, features in chosen.items()}
    features = chosen["train"]
    train = encode_once(session, features, "encoding train", tokens=start)
    given = ProbeData(train, np.array([f.row for f in features])[train.features.cpu().numpy()])
    given.of_tokens, given.quick = start and bool(session.task.token_target), start
    if "validation" in chosen:
        given.validation = encode_once(session, chosen["validation"], "encoding validation", tokens=start)
    if session.unlabelled:
        given.further = encode_once(session, session.unlabelled, "encoding unlabelled")
        given.further, facts = _spread(session, given.train, given.further)
    found, weighting = _fit(session, given, chosen.get("validation", []))
    tell(session.callbacks, session.reporter, "fitted", {"step": 0, "probe": found | facts})
    session.reporter.say(
        f"last layer fitted with ridge penalty {found['penalty']:g} (selected by {found['chosen_by']})"
    )
    seconds = time.perf_counter() - began
    return Progress(step=1, tokens=sum(f.length for f in features), seconds=seconds, weighting=weighting)


def _fit(session: Session, given: ProbeData, features: Sequence[Feature]) -> tuple[dict[str, Any], str]:
    """The facts of the fit, and the weighting of the classes, if the task has several: the best on ``features``."""
    model, task, seed = session.model, session.task, session.settings.seed
    score = task.score_of(task.primary_metric)
    if given.validation is None or len(task.class_weightings) < 2 or score.describes(LOSS.name):
        return fit_probe(model, task, given, seed=seed), ""
    layer, scores = last_linear(model), dict[str, float]()
    best, facts, weights = "", dict[str, Any](), dict[str, Tensor]()
    for name in task.class_weightings:
        task.weigh_classes(name)
        found = fit_probe(model, task, given, seed=seed)
        scores[name] = _validation_scores(session, given.validation, features)[task.primary_metric]
        if not best or score.better(scores[name], scores[best]):
            best, facts = name, found
            weights = {part: value.clone() for part, value in layer.state_dict().items()}
    layer.load_state_dict(weights)
    task.weigh_classes(best)
    tried = ", ".join(f"{name} {value:.4f}" for name, value in scores.items())
    session.reporter.say(
        f"class weights {best}: the best validation {task.primary_metric} of the linear probe ({tried})"
    )
    return facts | {"class_weights": best, "class_weights_scores": scores}, best


def _validation_scores(session: Session, inputs: Inputs, features: Sequence[Feature]) -> dict[str, float]:
    """The scores of the last layer as it is on ``inputs`` of ``features``, which are some of the validation rows."""
    parts: dict[int, list[Any]] = {}
    for feature, part in zip(features, decode_vectors(session.model, session.task, inputs), strict=True):
        parts.setdefault(feature.row, []).append(part)
    examples = [session.examples["validation"][row] for row in parts]
    return score(session.task, examples, assemble(session.task, examples, Decoded(list(parts.values())))).scores


def _sample(session: Session, features: list[Feature]) -> list[Feature]:
    """Features that are fitted in seconds, drawn with the seed of the run where there are more."""
    logits = START_LOGITS // last_linear(session.model).out_features
    order = np.random.default_rng(session.settings.seed).permutation(len(features))
    if session.task.token_target:
        lengths = np.array([features[i].length for i in order])
        kept = int(np.searchsorted(lengths.cumsum(), min(START_TOKENS, logits), side="right"))
    else:
        kept = min(START_TEXTS, logits)
    if session.ends is not None and len(features) > TIMED:
        kept = min(kept, _affordable(session, [features[i] for i in order[:TIMED]], session.ends))
    return features if kept >= len(features) else [features[i] for i in sorted(order[: max(kept, 1)])]


def _affordable(session: Session, few: list[Feature], ends: float) -> int:
    """How many features like ``few`` can be encoded in the share of the time limit that a start may take."""
    began = time.perf_counter()
    encode_once(replace(session, reporter=Silent()), few, "timing", tokens=True)
    now = time.perf_counter()
    return max(len(few), int(SHARE_OF_TIME * (ends - now) / (now - began) * len(few)))


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
            examples.targets[name][start : start + MAX_EXAMPLES] = torch.as_tensor(values)
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
        return replace(inputs, vectors=(inputs.vectors - centre) / scale)

    fit = standard(train)
    if given.validation is not None:
        trials, chosen_by = [(fit, standard(given.validation))], "validation"
    else:
        fold = _folds(given.rows, seed)
        trials = [(fit.take(np.flatnonzero(fold != k)), fit.take(np.flatnonzero(fold == k))) for k in range(FOLDS)]
        trials, chosen_by = [(a, b) for a, b in trials if len(a.vectors) and len(b.vectors)], "cross-validation"
    penalties, iterations = (TOKEN_PENALTIES, TOKEN_ITERATIONS) if given.of_tokens else (PENALTIES, ITERATIONS)
    losses: dict[float, float] = {}
    zero = [torch.zeros_like(parameter) for parameter in layer.parameters()]
    for part, other in trials:
        start, best_so_far, worse = zero, float("inf"), 0
        for penalty in reversed(penalties):
            start = _solve(task, part, start, (penalty, iterations), tolerance=1e-4)
            loss = _mean_loss(task, other, start).item()
            losses[penalty] = losses.get(penalty, 0.0) + loss / len(trials)
            best_so_far, worse = min(best_so_far, loss), worse + 1 if loss >= best_so_far else 0
            if given.quick and len(trials) == 1 and worse == 2:
                break
    best = min(losses, key=lambda penalty: losses[penalty]) if trials else penalties[len(penalties) // 4]
    if given.further is not None:
        fit = fit.joined(standard(given.further))
    weight, *bias = _solve(task, fit, zero, (best, iterations), tolerance=1e-5)
    with torch.no_grad():
        layer.weight.copy_(weight / scale)
        for value in bias:
            layer.bias.copy_(value - (weight / scale) @ centre)
    return {"penalty": best, "chosen_by": chosen_by, "losses": {f"{p:g}": value for p, value in losses.items()}}


def _folds(rows: np.ndarray, seed: int) -> np.ndarray:
    names, place = np.unique(rows, return_inverse=True)
    fold: np.ndarray = np.random.default_rng(seed).permutation(len(names))[place] % FOLDS
    return fold


def _solve(
    task: Task, inputs: Inputs, start: list[Tensor], penalty_iterations: tuple[float, int], *, tolerance: float
) -> list[Tensor]:
    """Weight and, if there is one, bias at the minimum by L-BFGS (Liu & Nocedal 1989), from ``start``."""
    penalty, iterations = penalty_iterations
    layer = [value.clone().requires_grad_() for value in start]
    optimizer = torch.optim.LBFGS(
        layer, max_iter=iterations, history_size=10, tolerance_grad=tolerance, line_search_fn="strong_wolfe"
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


def check_probe(session: Session, *, tokens: bool = False) -> None:
    """Try :func:`fit_last_layer` on one training example.

    A :class:`RequestError` if the head or the loss does not suit, or unlabelled texts, as a row has not one class.
    """
    features = session.encoded["train"].features
    if session.unlabelled and not all(type(feature.get("target")) is int for feature in features):
        needs = "requires exactly one class per row; leave it out for multi-label data and for numbers"
        raise RequestError(f"{option_name('unlabelled')} {needs}.")
    inputs = encode_once(replace(session, reporter=Silent(), stop=lambda: False), features[:1], "", tokens=tokens)
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
            "method=linear-probe and method=contrastive fit only the layer that outputs the logits, but this task's "
            f"loss needs more than logits and targets ({type(cause).__name__}: {cause}); use method=full or "
            "method=lora."
        ) from error
