"""The loss and what training makes of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from taskzoo.errors import RequestError
from taskzoo.types import IGNORE_INDEX, Batch, Feature, Loss

from ..bench import Bench
from .common import NotApplicable, close, plain, require, some
from .promise import promise

ZERO_BY_NATURE = ("key.bias", "k_proj.bias", "key_proj.bias", "k_lin.bias")
"""Attention ignores what is added to all keys alike, so these gradients are zero but for rounding."""


@promise(
    why="The engine divides the sum of a step by its number of targets; a mean weighs rows by the batch they are in.",
    fix="Return Loss(sum over active targets, their number); taskzoo.models.losses has the common ones.",
    after="members encoding",
)
def check_loss(bench: Bench) -> None:
    """The loss is a sum and a weight: twice the examples give twice both, in any order.

    Of a task whose loss compares the examples of a batch (``batch_coupled``) only the order is checked.
    """
    import torch

    task, examples = bench.fitted()
    features = task.encode(examples, bench.processor).features
    model = bench.fresh_model(task).eval()
    indices = list(range(min(8, len(features))))

    def loss(chosen: Sequence[int], **settings: float) -> tuple[float, float, float]:
        batch = bench.batch(task, [features[i] for i in chosen])
        with torch.no_grad():
            return _values(task.loss(task.forward(model, batch), batch, **settings))

    good = isinstance(bench.batch(task, features[:2]), Batch)
    require(good, "the collator must return taskzoo.Batch(inputs, targets)")
    total, weight, reported = loss(indices)
    require(math.isfinite(total), f"the loss of a few demo rows is {total}")
    require(weight > 0, "no target of the demo rows is active")
    repeated = [("reversed", indices[::-1], 1), ("doubled", indices * 2, 2)]
    for what, chosen, factor in repeated[: 1 if task.batch_coupled else 2]:
        found, found_weight, _ = loss(chosen)
        wrong = f"the loss of a {what} batch is {found:.6g}, not {factor * total:.6g}: it must be a sum"
        hint = "a loss that compares the examples of a batch needs batch_coupled = True"
        require(close(found, factor * total, 1e-4, 1e-5), f"{wrong} ({hint})")
        good = close(found_weight, factor * weight)
        require(good, f"the weight of a {what} batch is {found_weight:g}, not {factor * weight:g}")
    alike = _of_one_length(features)
    if not task.batch_coupled:
        parts = [loss([i]) for i in alike]
        sums = [sum(part[k] for part in parts) for k in (0, 1)]
        whole = loss(alike)
        same = close(sums[0], whole[0], 1e-4, 1e-5) and close(sums[1], whole[1])
        require(same, f"one by one the loss is {sums[0]:.6g}/{sums[1]:g}, as one batch {whole[0]:.6g}/{whole[1]:g}")
    try:
        smoothed, smoothed_weight, plain = loss(indices, label_smoothing=0.1)
    except RequestError:  # a task may refuse it
        return
    require(math.isfinite(smoothed), "the loss with label_smoothing=0.1 is not finite")
    require(close(smoothed_weight, weight), "label_smoothing changes the number of active targets")
    same = close(plain, reported, 1e-4, 1e-5)
    require(same, f"with label_smoothing=0.1 `reported` is {plain:.6g} and must be the plain sum {reported:.6g}")
    always = _smoothing_when_off([[loss([i], label_smoothing=mass) for mass in (0.0, 0.1, 0.2)] for i in indices])
    require(not always, f"without label_smoothing the loss is smoothed by {always:.2g}: the argument is 0 by default")


def _of_one_length(features: Sequence[Feature], limit: int = 8) -> list[int]:
    """Indices of features that need no padding in a batch: what padding does is for another check."""
    groups: dict[tuple[int, int], list[int]] = {}
    for index, feature in enumerate(features):
        groups.setdefault((feature.length, feature.target_length), []).append(index)
    return max(groups.values(), key=len)[:limit]


def _smoothing_when_off(losses: Sequence[Sequence[tuple[float, float, float]]]) -> float:
    """The label smoothing that is in losses which should have none; 0 if there is none.

    Args:
        losses: total, weight and what is reported, of single examples: with a smoothing of 0, 0.1 and 0.2.

    What smoothing adds is proportional to it, with another slope for each example. So where the total differs from what
    is reported by the same share of the slope everywhere, it is smoothed; an auxiliary term would differ otherwise.
    """
    shares = []
    for (total, _, reported), (less, _, _), (more, _, _) in losses:
        slope = (more - less) / 0.1
        if abs(slope) > 1e-3:
            shares.append((total - reported) / slope)
    constant = len(shares) > 1 and max(shares) - min(shares) < 1e-3
    return shares[0] if constant and abs(shares[0]) > 1e-3 else 0.0


def _values(loss: Any) -> tuple[float, float, float]:
    """Total, weight, and what is reported."""
    import torch

    require(isinstance(loss, Loss), "loss() must return taskzoo.Loss(sum, number of active targets)")
    values = (loss.total, loss.weight, loss.total if loss.reported is None else loss.reported)
    require(all(isinstance(v, torch.Tensor) and v.dim() == 0 for v in values), "a Loss must hold scalar tensors")
    total, weight, reported = map(float, values)
    return total, weight, reported


@promise(
    why="Training sees packed rows alone; what is lost or seen by its neighbours there shows in no other check.",
    fix="Put every row into one feature of pack(), named by row and also, let none attend to another or be predicted "
    "from one, and begin positions anew.",
    after="encoding loss",
)
def check_packing(bench: Bench) -> None:
    """Packed rows are all there once, in the same way each time, and their loss is that of the rows by themselves."""
    import torch

    task, examples = bench.fitted()
    features = task.encode(examples, bench.processor).features
    packed, again = task.pack(features), task.pack(features)
    if [id(feature) for feature in packed] == [id(feature) for feature in features]:
        raise NotApplicable("the task packs no rows")
    rows, found = (sorted(row for feature in those for row in feature.rows) for those in (features, packed))
    require(found == rows, f"{len(found)} rows are in the packed features, of {len(rows)}")
    same = [feature.rows for feature in packed] == [feature.rows for feature in again] and plain(packed) == plain(again)
    require(same, "packing the same features again gives others")
    model = bench.fresh_model(task).eval()

    def loss(chosen: Sequence[Feature]) -> tuple[float, float]:
        sums = [0.0, 0.0]
        for start in range(0, len(chosen), 8):
            batch = bench.batch(task, chosen[start : start + 8])
            with torch.no_grad():
                values = _values(task.loss(task.forward(model, batch), batch))
            sums = [sums[0] + values[0], sums[1] + values[1]]
        return sums[0], sums[1]

    (total, weight), (packed_total, packed_weight) = loss(features), loss(packed)
    wrong = f"packed the loss is {packed_total:.6g}/{packed_weight:g}, and {total:.6g}/{weight:g} one row at a time"
    require(close(packed_total, total, 1e-4, 1e-5) and close(packed_weight, weight), wrong)


@promise(
    why="`--method auto` fits a linear probe with this loss first; a wrong one starts training from a bad head.",
    fix="Let loss() of the tokens with a target equal that of the batch, and weigh_classes() keep every class, or drop "
    "token_target and class_weightings.",
    after="encoding loss",
)
def check_probe(bench: Bench) -> None:
    """What a probe relies on: the loss of the tokens with a ``token_target`` alone, and every weighting of classes."""
    import torch

    task, examples = bench.fitted()
    if not task.token_target and not task.class_weightings:
        raise NotApplicable("the task has no token_target and no class_weightings")
    features = task.encode(examples, bench.processor).features
    batch, model = bench.batch(task, features[:8]), bench.fresh_model(task).eval()
    with torch.no_grad():
        outputs = task.forward(model, batch)
        total, weight, _ = _values(task.loss(outputs, batch))
        if task.token_target:
            targets = batch.targets[task.token_target]
            active = targets != IGNORE_INDEX
            alone = Batch({}, {task.token_target: targets[active]})
            found, count, _ = _values(task.loss(SimpleNamespace(logits=outputs.logits[active]), alone))
            same = close(found, total, 1e-4, 1e-5) and close(count, weight)
            require(
                same, f"of the tokens with a target alone the loss is {found:.6g}/{count:g}, not {total:.6g}/{weight:g}"
            )
        for name in task.class_weightings:
            task.weigh_classes(name)
            found, count, _ = _values(task.loss(outputs, batch))
            require(math.isfinite(found) and count > 0, f"with classes weighed {name!r} the loss is {found}/{count}")


@promise(
    why="A part without a gradient stays as it was drawn at random, and the saved model holds noise.",
    fix="Use the part in forward(), freeze or remove it, or name it in parameters_without_gradient.",
    after="encoding loss",
)
def check_gradients(bench: Bench) -> None:
    """Every trainable parameter gets a gradient, but for the task's ``parameters_without_gradient``."""
    import torch

    task, examples = bench.fitted()
    features = task.encode(examples, bench.processor).features
    model = bench.fresh_model(task).train()
    trainable = {name: p for name, p in model.named_parameters() if p.requires_grad}
    require(trainable, "no parameter of the model is trainable")
    with torch.no_grad():
        for name, parameter in trainable.items():
            if "lora_B" in name:  # zero at first, which hides lora_A from the gradient
                parameter.normal_(std=0.1)
    batch = bench.batch(task, features)
    loss = task.loss(task.forward(model, batch), batch)
    torch.autograd.backward(loss.total / loss.weight)
    none, zero = [], []
    for name, parameter in trainable.items():
        if any(part in name for part in task.parameters_without_gradient):
            continue
        if parameter.grad is None:
            none.append(name)
        elif not parameter.grad.isfinite().all():
            raise AssertionError(f"the gradient of {name} is not finite")
        elif not parameter.grad.any() and not name.endswith(ZERO_BY_NATURE):
            zero.append(name)
    hint = "freeze it, use it, or name it in parameters_without_gradient"
    require(not none, f"no gradient reaches {some(none)}; {hint}")
    require(not zero, f"the gradient is zero throughout {some(zero)}; {hint}")


@promise(
    why="This is what `zoo run` does; most other checks look at what it leaves.",
    fix="Mend the member that the message names; `zoo run` on the demo set shows the same.",
    after="members rows fit encoding token_ids loss probe gradients",
)
def check_run(bench: Bench) -> None:
    """A short run trains, evaluates and writes everything."""
    require(bench.run.metrics.get("test"), "the short run has no scores of the test rows")


@promise(
    why="Where memory is short a step is divided into micro-batches, which must not change what is learnt.",
    fix="Let no example depend on others in its batch while training (batch normalisation, pairs within a batch), or "
    "say batch_coupled = True.",
    after="loss gradients batching",
)
def check_accumulation(bench: Bench) -> None:
    """One step over 12 examples at once and in micro-batches of 3 leaves the same weights, to rounding."""
    if bench.task_class.batch_coupled:
        raise NotApplicable("the loss is batch_coupled, so a step is one batch")
    assert bench.run  # if that fails, so do these
    plain: dict[str, Any] = {"max_steps": 1, "batch_size": 12, "optimizer": "sgd", "learning_rate": 0.1}
    plain |= {"max_grad_norm": 0.0, "label_smoothing": 0.0, "probe_first": False}
    runs = [bench.finetune(f"accumulation-{size}", **plain, micro_batch_size=size) for size in (0, 3)]
    one, four = (run.model.state_dict() for run in runs)
    names = [name for name, value in one.items() if value.is_floating_point() and value.numel()]
    worst, name = max((float((one[name] - four[name]).abs().max()), name) for name in names)
    require(worst < 2e-6, f"1 x 12 and 4 x 3 examples train differently: {name} is off by {worst:.2g}")
