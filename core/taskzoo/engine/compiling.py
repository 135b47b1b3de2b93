"""Layers as compiled functions (``torch.compile``), which pays where a GPU waits for many small kernels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import nn

from taskzoo.errors import RequestError, TrainingError

from .freezing import layer_stacks

NO_COMPILER = "Failed to find C compiler"
"""What Triton says where it builds its launcher in the first step."""
FUNCTIONS = 32
"""How many functions one kind of layer may be compiled to, such as with and without a mask, before torch gives up."""


@contextmanager
def compiled_layers(model: nn.Module, *, wanted: bool = True) -> Iterator[int]:
    """Within the context, each transformer layer of ``model`` runs as one compiled function, if that is ``wanted``.

    Layers of one kind share it, so compiling takes as long as for one layer whatever the depth, and what surrounds the
    layers (embeddings, masks, the head) stays as it is. One function serves all shapes of batches. Yields the number of
    compiled layers.

    Raises:
        RequestError: the model has no list of layers.
        TrainingError: the compiler failed, such as for lack of a C++ compiler.
    """
    layers = [layer for stack in layer_stacks(model) for layer in stack] if wanted else []
    if wanted and not layers:
        raise RequestError("compile=true compiles a model's layers, and this model has no list of them.")
    for layer in layers:
        layer.compile(dynamic=True)
    try:
        with torch._dynamo.config.patch(recompile_limit=FUNCTIONS) if layers else nullcontext():
            yield len(layers)
    except Exception as error:
        if layers and (isinstance(error, torch._dynamo.exc.TorchDynamoException) or NO_COMPILER in str(error)):
            what = next(iter(str(error).splitlines()), "")
            raise TrainingError(f"compile=true: torch.compile failed ({what[:200]}); use compile=false.") from error
        raise
    finally:
        for layer in layers:
            layer._compiled_call_impl = None  # there is no public way back


def as_they_are(*, compiled: bool) -> AbstractContextManager[object]:
    """Within the context, ``compiled`` layers are computed as if they were not, so that evaluations compile nothing."""
    return torch.compiler.set_stance("force_eager") if compiled else nullcontext()
