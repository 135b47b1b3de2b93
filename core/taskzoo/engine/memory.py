"""How much memory a training needs, roughly, and how much there is."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from statistics import mode

import torch

from taskzoo.data.features import lengths_of
from taskzoo.errors import RequestError

from .embeddings import trainable_table
from .freezing import layers_of
from .session import Session

MOMENTS = {"adamw": 2, "adam": 2, "momentum": 1}
"""Copies of the weights that an optimizer keeps."""
ACTIVATIONS = 70
"""Bytes that a layer keeps for its backward pass, per token and unit of its width: float32, without the attention
matrix (Korthikanti et al. 2022, section 4, count 34 in 16 bits)."""
CGROUP = Path("/sys/fs/cgroup")


def training_memory(session: Session) -> int:
    """Bytes that training ``session.model`` needs on the device besides the weights that are there already.

    Gradients and optimizer states of the trained weights but those of the input embedding, whose unused rows are left
    out (``compact_embeddings``), the activations of the longest batch, and weights that are not on the device yet. Of a
    sharded model it is the part of a process.
    """
    model, settings = session.model, session.settings
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    if session.sharded is not None:
        trained //= session.accelerator.num_processes
    elif settings.compact_embeddings and (table := trainable_table(model)) is not None:
        trained -= int(table.weight.numel())
    device = session.accelerator.device.type
    to_move = sum(p.numel() for p in model.parameters() if p.device.type != device) if session.sharded is None else 0
    on_gpu, copies = device != "cpu", 1 + MOMENTS.get(settings.optimizer, 0)
    cast = 0.5 if on_gpu and session.accelerator.mixed_precision != "no" else 0  # autocast keeps weights in 16 bits
    features = session.training_features if "train" in session.encoded else ()
    lengths, target_lengths = lengths_of(features)
    longest = int((lengths + target_lengths).max(initial=0))
    rows = settings.micro_batch_size or settings.batch_size
    tokens = settings.batch_tokens or longest * min(rows, len(features))
    kept = 0
    with suppress(RequestError):  # a model without a list of layers
        layers = layers_of(model)
        width = mode(int(parameter.shape[-1]) for parameter in layers[0].parameters() if parameter.dim())
        kept = ACTIVATIONS * width * (1 if settings.gradient_checkpointing else len(layers))
    return int(4 * (trained * (copies + cast) + to_move) + tokens * kept)


def available_memory(device: torch.device) -> int:
    """Free bytes of a GPU, or of the machine and of the container that this process runs in."""
    if device.type == "cuda":
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + unused
    import psutil

    free = int(psutil.virtual_memory().available)
    with suppress(OSError, ValueError):  # no container, or one without a limit ("max")
        limit = int((CGROUP / "memory.max").read_text())
        free = min(free, limit - int(psutil.Process().memory_info().rss))
    return free
