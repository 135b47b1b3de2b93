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
SHAPES = 64
"""How many shapes of batches may be recorded as CUDA graphs before torch warns; its own number is 8."""


@contextmanager
def compiled_layers(model: nn.Module, *, wanted: bool = True, graphs: bool = False) -> Iterator[int]:
    """Within the context, each transformer layer of ``model`` runs as one compiled function, if that is ``wanted``.

    Layers of one kind share it, so compiling takes as long as for one layer whatever the depth, and what surrounds the
    layers (embeddings, masks, the head) stays as it is. One function serves all shapes of batches. Yields the number of
    compiled layers.

    With ``graphs``, what a function gives to a GPU is recorded as a CUDA graph, for each layer and shape of a batch
    apart, and replayed as a whole. Each step then begins with :func:`begin_step`. On leaving, torch forgets all that is
    compiled in this process, as only so the graphs give their memory back.

    Raises:
        RequestError: the model has no list of layers.
        TrainingError: the compiler failed, such as for lack of a C++ compiler.
    """
    layers = [layer for stack in layer_stacks(model) for layer in stack] if wanted else []
    if wanted and not layers:
        raise RequestError("compile=true compiles a model's layers, and this model has no list of them.")
    mode = {"mode": "reduce-overhead"} if graphs else {}
    for layer in layers:
        layer.compile(dynamic=True, **mode)
    try:
        with _limits(graphs=graphs) if layers else nullcontext():
            yield len(layers)
    except Exception as error:
        if layers and (isinstance(error, torch._dynamo.exc.TorchDynamoException) or NO_COMPILER in str(error)):
            what = next(iter(str(error).splitlines()), "")
            raise TrainingError(f"compile=true: torch.compile failed ({what[:200]}); use compile=false.") from error
        raise
    finally:
        for layer in layers:
            layer._compiled_call_impl = None  # there is no public way back
        if layers and graphs:
            torch._dynamo.reset()


@contextmanager
def _limits(*, graphs: bool) -> Iterator[None]:
    """The context in which torch compiles and records as often as this library has reason for.

    In several processes a layer stays whole: torch would divide it where one exchange of gradients ends.
    """
    with torch._dynamo.config.patch(recompile_limit=FUNCTIONS, optimize_ddp=False):
        if not graphs:
            yield
            return
        import torch._inductor.config as inductor

        with inductor.patch({"triton.cudagraph_dynamic_shape_warn_limit": SHAPES}):
            yield


def begin_step() -> None:
    """Say that all results of CUDA graphs may be overwritten from here on: what a step has computed is used up.

    That includes gradients, which are results of graphs as well. Without this, each layer would count as a step.
    """
    torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]


def as_they_are(*, compiled: bool) -> AbstractContextManager[object]:
    """Within the context, ``compiled`` layers are computed as if they were not, so that evaluations compile nothing."""
    return torch.compiler.set_stance("force_eager") if compiled else nullcontext()
