"""What strategies need, found out from the task and the settings alone."""

from __future__ import annotations

import importlib.util
from dataclasses import fields, replace

from taskzoo.config import SCHEDULE_FREE, Training
from taskzoo.errors import RequestError
from taskzoo.option_names import option_name, setting_name
from taskzoo.task import Task

OF_TEACHER = ("distill_share", "distill_temperature")
"""Settings that say how a teacher is learnt from."""
OF_LOSS = ("rdrop_alpha", "adversarial_epsilon", "neftune_alpha", "teacher", *OF_TEACHER)
"""Settings of strategies that change the loss."""
OF_LOOP = ("layer_decay", "gradual_unfreezing", "ema_decay", "fsdp", "cuda_graphs", "unpadded")
"""Settings of the others that need the training loop."""
UNSHARDED = {
    ("optimizer", "muon"): "orthogonalises whole matrices",
    ("optimizer", "adafactor"): "takes means of whole columns",
    ("compile", True): "compiles layers as a whole",
    ("probe_first", True): "fits a whole head",
    ("lora_quantize", "nf4"): "packs whole matrices",
    ("lora_quantize", "fp4"): "packs whole matrices",
}
"""Settings that exclude ``fsdp``, and why."""
UNRECORDED = {
    "micro_batch_size": "divides a step",
    "batch_tokens": "gives steps different numbers of examples",
    "gradient_checkpointing": "computes layers again in the backward pass",
    "gradual_unfreezing": "changes which layers train",
    "rdrop_alpha": "takes two passes for a step",
    "adversarial_epsilon": "takes two passes for a step",
}
"""Settings that exclude ``cuda_graphs``, and why."""


def strategies_asked(settings: Training, names: tuple[str, ...] = (*OF_LOSS, *OF_LOOP)) -> list[str]:
    """``name=value`` for each of ``names`` that is not at its default."""
    defaults = {one.name: one.default for one in fields(Training)}
    return [f"{name}={value}" for name in names if (value := getattr(settings, name)) != defaults[name]]


def without_unused(settings: Training) -> Training:
    """The settings without those of a teacher where there is none, which earlier versions let pass."""
    if settings.teacher:
        return settings
    usual = Training()
    return replace(settings, distill_share=usual.distill_share, distill_temperature=usual.distill_temperature)


def refuse_strategies(method: str, settings: Training, names: tuple[str, ...] = (*OF_LOSS, *OF_LOOP)) -> None:
    """Raise :class:`RequestError` if ``settings`` ask for one of the strategies ``names``, which ``method`` lacks."""
    if asked := strategies_asked(settings, names):
        raise RequestError(
            f"method={method} has no use for {asked[0]}; leave it out, or use method=full, lora or auto."
        )


def check_strategies(task: Task, settings: Training) -> None:
    """Refuse what cannot work, before anything is loaded.

    Raises:
        RequestError: the strategies do not suit the task or one another, or a package is missing.
    """
    if settings.optimizer == SCHEDULE_FREE:
        if settings.ema_decay:
            raise RequestError(f"optimizer={SCHEDULE_FREE} averages the weights itself; leave ema_decay out.")
        if importlib.util.find_spec("schedulefree") is None:
            raise RequestError(
                f"optimizer={SCHEDULE_FREE} needs the package schedulefree, which is not installed; install it with: "
                "pip install 'taskzoo[schedule-free]'"
            )
    if settings.rdrop_alpha or settings.teacher:
        _check_targets(task, settings)
    if not settings.teacher and (given := strategies_asked(settings, OF_TEACHER)):
        raise RequestError(
            f"{given[0]} says how a teacher is learnt from, and there is none; name one "
            f"({setting_name('teacher=RUN')}), or leave it out."
        )
    if settings.lora_quantize:
        _check_quantized(settings)
    if settings.fsdp:
        _check_fsdp(settings)
    if settings.unpadded and settings.compile:
        raise RequestError(
            "unpadded=true gives attention tensors of other sizes in each batch, for which compile=true would compile "
            "anew; leave one of them out."
        )
    if settings.cuda_graphs:
        _check_graphs(task, settings)


def _check_targets(task: Task, settings: Training) -> None:
    targets, name = task.logit_targets, type(task).__name__
    if settings.rdrop_alpha and (targets is None or task.batch_coupled):
        raise RequestError(
            f"rdrop_alpha={settings.rdrop_alpha:g} compares the predictions of two passes, and {name} with these "
            "options has no logits for each target (a CRF has not); leave it out."
        )
    if settings.teacher and (targets is None or not targets.names or task.batch_coupled):
        raise RequestError(
            f"teacher={settings.teacher} needs a task that predicts labels for texts or tokens, and {name} with these "
            "options does not. Train on the teacher's predictions (`zoo predict`) instead."
        )


def _check_fsdp(settings: Training) -> None:
    for (name, value), reason in UNSHARDED.items():
        if getattr(settings, name) == value:
            asked = f"{name}={str(value).lower()}"
            raise RequestError(f"{asked} {reason}, and fsdp=true leaves a part of each to a process; leave one out.")


def _check_graphs(task: Task, settings: Training) -> None:
    asked = "cuda_graphs=true"
    if not settings.compile:
        raise RequestError(f"{asked} records compiled layers; set compile=true as well, or leave it out.")
    if given := strategies_asked(settings, tuple(UNRECORDED)):
        reason = UNRECORDED[given[0].split("=")[0]]
        raise RequestError(
            f"{given[0].replace('True', 'true')} {reason}, and {asked} replays the same pass for every step; leave one "
            "of them out."
        )
    if task.generates:
        raise RequestError(
            f"{asked} records every shape of batches, and {type(task).__name__} has too many of them, as inputs and "
            "outputs are padded apart; leave it out."
        )
    import torch

    if not torch.cuda.is_available():
        raise RequestError(f"{asked} needs a CUDA device, and there is none here; leave it out.")


def _check_quantized(settings: Training) -> None:
    asked = f"lora_quantize={settings.lora_quantize}"
    if settings.method != "lora":
        raise RequestError(f"{asked} is for adapters over frozen weights; use it with {option_name('method', 'lora')}.")
    if settings.lora_dora:
        raise RequestError(f"{asked} and lora_dora=true exclude each other; leave one of them out.")
    if importlib.util.find_spec("bitsandbytes") is None:
        raise RequestError(
            f"{asked} (QLoRA) needs the package bitsandbytes, which is not installed; install it with: "
            "pip install 'taskzoo[qlora]'"
        )
