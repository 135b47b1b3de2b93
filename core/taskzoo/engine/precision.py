"""Choice of precision and the one ``Accelerator`` a run uses."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING

import torch

from taskzoo.config import PRECISIONS
from taskzoo.errors import RequestError, UnknownNameError

if TYPE_CHECKING:
    from .accelerator import RunAccelerator

STARTED = "TASKZOO_PROCESSES"
"""Environment variable by which ``zoo run --processes`` says how many it started."""
PATIENCE = timedelta(minutes=30)
"""How long processes wait for one that works alone, as on a baseline; NCCL by itself would for ten minutes.

One that has died is noticed before, unless its whole machine is gone."""
FP16_OVERFLOWS = frozenset({"t5", "mt5", "umt5", "longt5", "switch_transformers"})
"""Families pretrained in bfloat16 whose activations exceed float16's range."""


def resolve_precision(asked: str, *, family: str = "") -> str:
    """``fp32``, ``bf16`` or ``fp16`` for this machine.

    ``auto`` is bf16 where the device computes in it natively (CUDA, or a CPU with AVX512-BF16 or AMX), else fp32:
    emulated bf16 would be slower than fp32.

    Raises:
        UnknownNameError: a precision that does not exist.
        RequestError: fp16 without CUDA, or fp16 for a T5-like model.
    """
    if asked not in PRECISIONS:
        raise UnknownNameError("precision", asked, PRECISIONS, f"There are {', '.join(PRECISIONS)}.")
    cuda = torch.cuda.is_available()
    if asked == "auto":
        native = gpu_has_bf16() if cuda else cpu_has_bf16()
        return "bf16" if native else "fp32"
    if asked == "fp16":
        if not cuda:
            raise RequestError("precision=fp16 needs a CUDA device and none was found; use bf16, fp32 or auto.")
        if family in FP16_OVERFLOWS:
            raise RequestError(f"precision=fp16 overflows in {family} models; use bf16 or fp32.")
    return asked


def own_precision(trained: str) -> str:
    """The precision that a run was ``trained`` in where this machine has it, else what is best here."""
    here = trained == "fp32" or (trained == "fp16" and torch.cuda.is_available())
    return trained if here else resolve_precision("auto")


def gpu_has_bf16() -> bool:
    """Whether the GPU computes in bfloat16 in hardware; older ones emulate it."""
    return bool(torch.cuda.is_bf16_supported(including_emulation=False))


def cpu_has_bf16() -> bool:
    """Whether this CPU multiplies bfloat16 matrices in hardware."""
    # torch.cpu.get_capabilities, which is public, came long after the oldest torch that is supported
    checks = (getattr(torch.cpu, "_is_avx512_bf16_supported", None), getattr(torch.cpu, "_is_amx_tile_supported", None))
    return any(check is not None and check() for check in checks)


def make_accelerator(precision: str, *, cpu: bool = False) -> RunAccelerator:
    """An accelerator for ``precision``; the caller's own, if there is one, is left alone.

    Several processes without CUDA must be told to use the CPU: else each would train alone. What ``accelerate launch``
    sets by its configuration, such as steps to accumulate, is up to the settings of the run.

    Raises:
        RequestError: ``zoo run --processes`` started more processes than there are GPUs. Other launchers may give each
            process a GPU that it alone sees.
    """
    from accelerate.utils import GradientAccumulationPlugin, InitProcessGroupKwargs

    from .accelerator import RunAccelerator  # of a package that may be broken, which a check-up still can say

    mixed = "no" if precision == "fp32" else precision
    distributed = int(os.environ.get("WORLD_SIZE", 1)) > 1
    here, gpus = int(os.environ.get(STARTED, 1)), torch.cuda.device_count()
    if torch.cuda.is_available() and here > gpus and not cpu:
        raise RequestError(
            f"{here} processes were asked for, and this machine has {gpus} GPU{'s' * (gpus != 1)}: each process needs "
            f"one of its own. Take {gpus} process{'es' * (gpus != 1)}, or hide the GPUs to train on the CPU: "
            'CUDA_VISIBLE_DEVICES="".'
        )
    return RunAccelerator(
        mixed_precision=mixed,
        cpu=cpu or (distributed and not torch.cuda.is_available()),
        gradient_accumulation_plugin=GradientAccumulationPlugin(num_steps=1),
        dynamo_backend="no",
        kwargs_handlers=[InitProcessGroupKwargs(timeout=PATIENCE)],
    )
