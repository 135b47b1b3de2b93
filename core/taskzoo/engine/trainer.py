"""The training loop. It reads top to bottom and knows no task by name."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from taskzoo.config import Training
from taskzoo.data.batching import plan_epoch, split_batch
from taskzoo.data.token_batches import TokenPlan
from taskzoo.errors import Interrupted, TrainingError
from taskzoo.task import Batch, Feature, Task

from .batches import to_device
from .checkpoint import Checkpoints
from .cpu import faster_on_cpu
from .forward import forward
from .interrupt import StopRequest
from .optim import build_optimizer, build_schedule, scale_and_clip
from .progress import Reporter

if TYPE_CHECKING:
    from accelerate import Accelerator

Evaluate = Callable[[nn.Module], dict[str, float]]


@dataclass
class Progress:
    """Where a run stands; saved with each checkpoint and returned at the end."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    best_score: float | None = None
    best_step: int = 0
    evaluations_since_best: int = 0
    scores: dict[str, float] = field(default_factory=dict)
    unlogged: list[float] = field(default_factory=lambda: [0.0, 0.0])
    """Loss sum and active targets since the last logged line."""


def plan_epochs(features: Sequence[Feature], settings: Training) -> tuple[int, Callable[[int], list[list[int]]]]:
    """Optimizer steps in one pass, and a function from the number of an epoch to its steps: the examples of each.

    A step sees ``batch_tokens`` tokens or ``batch_size`` examples; a smaller last batch is a step of its own.
    """
    lengths = [len(f["input_ids"]) for f in features]
    targets = [f.get("target_length", 0) for f in features]
    if settings.batch_tokens:
        plan = TokenPlan(lengths, targets, batch_tokens=settings.batch_tokens, pool=settings.length_pool)
        return plan.steps, lambda epoch: plan.batches(seed=settings.seed, epoch=epoch)
    return math.ceil(len(features) / settings.batch_size), lambda epoch: plan_epoch(
        lengths,
        batch_size=settings.batch_size,
        seed=settings.seed,
        epoch=epoch,
        pool=settings.length_pool,
        target_lengths=targets,
    )


def total_steps(per_epoch: int, settings: Training) -> int:
    """Optimizer steps of the whole run."""
    return settings.max_steps or max(1, math.ceil(settings.epochs * per_epoch))


def train(
    model: nn.Module,
    task: Task,
    features: Sequence[Feature],
    collate: Callable[[Sequence[Feature]], Batch],
    settings: Training,
    accelerator: Accelerator,
    checkpoints: Checkpoints,
    *,
    history: Path,
    reporter: Reporter,
    evaluate: Evaluate | None = None,
) -> Progress:
    """Train ``model`` in place, ending with the weights of the best evaluation.

    One optimizer step sees ``settings.batch_size`` examples, or ``settings.batch_tokens`` padded tokens; its examples
    are divided over processes and micro-batches. Each micro-batch contributes the *sum* of its losses; gradients are
    divided once by the number of active targets of the whole step, so 1 x 32 and 4 x 8 examples give the same gradient.
    Resumes from ``checkpoints`` when it holds a state: the order of examples depends only on seed and epoch, so the
    next batch is found by the step count.

    Raises:
        TrainingError: the loss or the gradient is not finite; the last checkpoint is kept.
        Interrupted: stopped by a signal, after saving a checkpoint.
    """
    tokens_of = [len(f["input_ids"]) + f.get("target_length", 0) for f in features]
    per_epoch, plan_of = plan_epochs(features, settings)
    last_step = total_steps(per_epoch, settings)
    evaluate_every = settings.evaluate_every or per_epoch
    checkpoint_every = settings.checkpoint_every or evaluate_every
    world, rank = accelerator.num_processes, accelerator.process_index
    is_main = accelerator.is_main_process

    optimizer = build_optimizer(model, settings)
    schedule = build_schedule(optimizer, settings, last_step)
    wrapped, stepper = accelerator.prepare(model, optimizer)
    parameters = [p for p in model.parameters() if p.requires_grad]
    progress = Progress()
    if checkpoints.exists():
        progress = Progress(**checkpoints.restore(model, optimizer, schedule, scaler=accelerator.scaler))
        reporter.say(f"Resuming after step {progress.step} of {last_step}.")

    if is_main:
        _keep_lines_until(history, progress.step)

    def save() -> None:
        progress.unlogged = running.tolist()
        if is_main:
            checkpoints.save(model, optimizer, schedule, vars(progress), scaler=accelerator.scaler)
        accelerator.wait_for_everyone()

    running = torch.tensor(progress.unlogged, dtype=torch.float64).to(accelerator.device)  # loss sum, active targets
    window_tokens, window_start, norm = 0, time.perf_counter(), torch.zeros(())
    started = time.perf_counter() - progress.seconds
    patience = settings.early_stopping
    out_of_patience = bool(patience) and progress.evaluations_since_best >= patience
    wrapped.train()
    with (
        StopRequest() as stop,
        faster_on_cpu(),
        reporter.bar("training", last_step) as bar,
        history.open("a", encoding="utf-8") as log,
    ):
        while progress.step < last_step and not out_of_patience:
            epoch, offset = divmod(progress.step, per_epoch)
            for examples in plan_of(epoch)[offset : offset + last_step - progress.step]:
                # forward and backward over my share of this step's examples
                micro_batches = _my_share(examples, settings.micro_batch_size, world, rank)
                step_sum = torch.zeros(2, dtype=torch.float64, device=accelerator.device)
                for number, (indices, stand_in) in enumerate(micro_batches, start=1):
                    batch = to_device(collate([features[i] for i in indices]), accelerator.device)
                    with accelerator.no_sync(wrapped) if number < len(micro_batches) else nullcontext():
                        with accelerator.autocast():
                            outputs = forward(task, wrapped, batch)
                        loss, weight = task.loss(outputs, batch, label_smoothing=settings.label_smoothing)
                        shown = loss.detach()
                        if settings.label_smoothing:
                            with torch.no_grad():
                                shown = task.loss(outputs, batch)[0]
                        if stand_in:
                            loss, shown, weight = loss * 0, shown * 0, weight * 0
                        accelerator.backward(loss / len(examples))
                    step_sum += torch.stack([shown.double(), weight.double()]).to(step_sum)

                # normalise over all micro-batches and processes, clip, step
                stop_now = stop.requested
                if world > 1:
                    shared = torch.cat([step_sum, step_sum.new_tensor([float(stop_now)])])
                    shared = accelerator.reduce(shared, reduction="sum")
                    step_sum, stop_now = shared[:2], bool(shared[2].item())
                if accelerator.scaler is not None:
                    accelerator.unscale_gradients(stepper)
                scale = (len(examples) * world / step_sum[1].clamp(min=1)).float()
                norm = scale_and_clip(parameters, scale, settings.max_grad_norm)
                if accelerator.scaler is None and not torch.isfinite(norm):
                    raise TrainingError(_not_finite(progress.step + 1, checkpoints))
                rate = optimizer.param_groups[0]["lr"]
                stepper.step()
                if not accelerator.optimizer_step_was_skipped:
                    schedule.step()
                stepper.zero_grad()

                # count, log, evaluate, save
                running += step_sum
                progress.step += 1
                tokens = sum(tokens_of[i] for i in examples)
                progress.tokens += tokens
                window_tokens += tokens
                if progress.step % settings.log_every == 0 or progress.step == last_step:
                    mean = (running[0] / running[1].clamp(min=1)).item()
                    if not math.isfinite(mean):
                        raise TrainingError(_not_finite(progress.step, checkpoints))
                    now = time.perf_counter()
                    line = {
                        "step": progress.step,
                        "epoch": progress.step / per_epoch,
                        "loss": mean,
                        "learning_rate": rate,
                        "grad_norm": norm.item(),
                        "tokens_per_second": window_tokens / (now - window_start),
                    }
                    _write_line(log if is_main else None, line)
                    bar.update(progress.step, f"loss {mean:.3f}")
                    running.zero_()
                    window_tokens, window_start = 0, now
                else:
                    bar.update(progress.step)
                due = progress.step == last_step or progress.step % evaluate_every == 0
                if due and evaluate is not None:
                    before = time.perf_counter()
                    # not `wrapped`: a distributed one synchronises in forward, and processes may have unequal batches
                    progress.scores = evaluate(model)
                    _note_best(progress, progress.scores, task.primary_metric)
                    if progress.best_step == progress.step and is_main:
                        checkpoints.save_best(model)
                    scores = {f"validation_{k}": v for k, v in progress.scores.items()}
                    _write_line(log if is_main else None, {"step": progress.step, **scores})
                    reporter.say(_evaluation_line(progress, per_epoch, last_step, task.primary_metric))
                    spent = time.perf_counter() - before
                    started, window_start = started + spent, window_start + spent
                    out_of_patience = bool(patience) and progress.evaluations_since_best >= patience
                progress.seconds = time.perf_counter() - started
                if stop_now and progress.step < last_step:
                    save()
                    raise Interrupted(f"Stopped after step {progress.step} of {last_step}; the state is saved.")
                if out_of_patience:
                    reporter.say(
                        f"Stopping early: no better {task.primary_metric} in {settings.early_stopping} evaluations."
                    )
                    break
                if progress.step % checkpoint_every == 0 and progress.step < last_step:
                    save()
    model_is_best = progress.best_score is None or progress.best_step == progress.step
    if not model_is_best:
        accelerator.wait_for_everyone()
        checkpoints.load_best(model)
    accelerator.unwrap_model(wrapped, keep_fp32_wrapper=False)
    return progress


def _my_share(examples: list[int], micro_batch_size: int, world: int, rank: int) -> list[tuple[list[int], bool]]:
    """This process's micro-batches of one step, each with whether it only stands in for an empty one.

    All processes get the same number of micro-batches, so that they meet at every synchronisation; one without an
    example of its own runs another's, and its loss counts zero.
    """
    shares = split_batch(examples, world)
    largest = max(len(share) for share in shares)
    count = math.ceil(largest / micro_batch_size) if micro_batch_size else 1
    return [(part or examples[:1], not part) for part in split_batch(shares[rank], count)]


def _note_best(progress: Progress, scores: dict[str, float], metric: str) -> None:
    value, best = scores[metric], progress.best_score
    if best is None or math.isnan(best):  # an undefined score is worse than any other
        better = best is None or not math.isnan(value)
    else:
        better = value < best if metric == "loss" else value > best
    if better:
        progress.best_score, progress.best_step, progress.evaluations_since_best = value, progress.step, 0
    else:
        progress.evaluations_since_best += 1


def _evaluation_line(progress: Progress, per_epoch: int, last_step: int, metric: str) -> str:
    shown = [metric, *(name for name in ("loss",) if name in progress.scores and name != metric)]
    values = "  ".join(f"validation {name} {progress.scores[name]:.4f}" for name in shown)
    star = "  (best so far)" if progress.best_step == progress.step else ""
    return f"step {progress.step}/{last_step}  epoch {progress.step / per_epoch:.2g}  {values}{star}"


def _write_line(log: Any, values: dict[str, Any]) -> None:
    if log is not None:
        log.write(json.dumps(values) + "\n")
        log.flush()


def _keep_lines_until(history: Path, step: int) -> None:
    """Drop lines that a crash left after the checkpoint; the last of them may be half-written."""
    if history.is_file():
        lines = history.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= step]
        history.write_text("".join(kept), encoding="utf-8")


def _not_finite(step: int, checkpoints: Checkpoints) -> str:
    kept = " The last checkpoint is kept." if checkpoints.exists() else ""
    return (
        f"The loss or its gradient is not finite at step {step}.{kept} "
        "Lower learning_rate, or use precision=fp32 or bf16."
    )
