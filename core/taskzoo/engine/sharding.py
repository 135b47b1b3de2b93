"""Fully sharded training through ``fully_shard`` of torch (FSDP2; Zhao et al. 2023): no process holds the whole model.

Weights, gradients and optimizer state are divided over the processes, each tensor along its first dimension. The
weights of a layer are gathered while it computes and freed afterwards; what is outside of the layers (embeddings, the
head) is gathered from the forward to the backward pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import chain
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor

from taskzoo.errors import Interrupted, RequestError

from .freezing import layer_stacks
from .launched import rank

NOBODY = 2**62
"""The turn that comes when no process needs a layer any more."""


class Sharded:
    """A model that is divided over the processes, in place, from here until :meth:`gather`.

    All processes get the weights and buffers of the first. In half precision a GPU gathers layers in it: autocast would
    make copies for the backward pass, which are those of the whole model at the end of the forward pass. What is
    outside of the layers stays in float32; so do the layers on a CPU, whose norms don't take two types.

    Attributes:
        layers: what is gathered one after the other.
    """

    def __init__(self, model: nn.Module, device: torch.device, half: torch.dtype | None = None) -> None:
        """Divide ``model``, which is on the CPU.

        Args:
            model: with parameters of one type.
            device: of this process.
            half: in which layers are gathered; ``None``: as they are.

        Raises:
            RequestError: a parameter is a single number.
        """
        if scalars := [name for name, parameter in model.named_parameters() if not parameter.dim()]:
            raise RequestError(f"fsdp=true divides tensors, and {scalars[0]!r} of this model is a single number.")
        self._model, self.layers = model, own_layers(model)
        self._plain = [(module, type(module), _hooks(module)) for module in model.modules()]
        mesh = init_device_mesh(device.type, (distributed.get_world_size(),))
        narrow = MixedPrecisionPolicy(half, torch.float32, cast_forward_inputs=False)
        for layer in self.layers:
            _place(layer, device)
            fully_shard(layer, mesh=mesh, mp_policy=narrow)
        _place(model, device)
        fully_shard(model, mesh=mesh)
        # by which `generate` would wait for all processes after every token, whereas they take turns
        model._is_fsdp_managed_module = False  # type: ignore[assignment]

    def gather(self) -> None:
        """Make it a plain model again: on the CPU of the first process, and without weights in the others.

        Parameters are gathered one by one, so that no other process ever holds more than one of them.
        """
        places: dict[nn.Parameter, list[tuple[nn.Module, str]]] = {}
        for module in self._model.modules():
            for name, parameter in module.named_parameters(recurse=False, remove_duplicate=False):
                places.setdefault(parameter, []).append((module, name))
        for parameter, shared in places.items():
            full = whole(parameter)
            value = torch.empty(parameter.shape, device="meta") if full is None else full
            plain = nn.Parameter(value, parameter.requires_grad)
            for module, name in shared:
                module._parameters[name] = plain
        for module, cls, hooks in self._plain:
            module.__class__ = cls
            for name, before in hooks.items():
                known = vars(module)[name]
                for key in known.keys() - before:
                    del known[key]
            for name in [name for name in vars(module) if "fsdp" in name]:
                delattr(module, name)
        if not rank():
            self._model.cpu()  # its buffers


def own_layers(model: nn.Module) -> list[nn.Module]:
    """The transformer layers of ``model`` but for those that share a parameter with what is outside of them."""
    owners = Counter(map(id, _owned(model)))
    layers = [layer for stack in layer_stacks(model) for layer in stack]
    return [layer for layer in layers if all(owners[i] == n for i, n in Counter(map(id, _owned(layer))).items())]


def _owned(model: nn.Module) -> Iterator[nn.Parameter]:
    """Parameters, each as often as modules have it."""
    return (parameter for module in model.modules() for parameter in module.parameters(recurse=False))


def _place(module: nn.Module, device: torch.device) -> None:
    """Put what is not divided yet on the device, with the values of the first process."""
    for tensor in chain(module.parameters(), module.buffers()):
        if not isinstance(tensor, DTensor):
            placed = tensor.detach().to(device).contiguous()
            distributed.broadcast(placed, src=0)
            tensor.data = placed


def _hooks(module: nn.Module) -> dict[str, set[Any]]:
    """Which hooks a module has: the name of each kind -> their keys."""
    return {name: set(known) for name, known in vars(module).items() if "hooks" in name and isinstance(known, dict)}


def is_sharded(model: nn.Module) -> bool:
    """Whether ``model`` is divided over the processes."""
    return any(isinstance(parameter, DTensor) for parameter in model.parameters())


@contextmanager
def in_turns(model: nn.Module) -> Iterator[None]:
    """Within the context, each process may run ``model`` forward as often as it needs, whole or in part.

    To gather a layer all processes are needed, also those that are elsewhere. So whoever needs a layer asks first, and
    of the layers that are asked for the lowest is gathered, by all: processes that wait let those behind catch up, and
    then go on together. Who leaves the context helps until all have left. Without gradients only. A model that is not
    sharded is left alone.
    """
    units = [module for module in model.modules() if isinstance(module, FSDPModule)]
    if not units:
        yield
        return
    root, *layers = units
    device = next(model.parameters()).device

    def wait(number: int, *_: Any) -> None:
        """Help others until it is the turn of layer ``number``, and gather that."""
        while (turn := _lowest(number, device)) != number:
            layers[turn].unshard()
            layers[turn].reshard()
        if number != NOBODY:
            layers[number].unshard()

    root.unshard()
    hooks = [
        layer.register_forward_pre_hook(partial(wait, number), prepend=True) for number, layer in enumerate(layers)
    ]
    try:
        try:
            yield
        except Interrupted:  # as all are
            wait(NOBODY)
            raise
        wait(NOBODY)
    finally:
        for hook in hooks:
            hook.remove()
        root.reshard()


def _lowest(number: int, device: torch.device) -> int:
    """The lowest number that a process has."""
    shared = torch.tensor(number, device=device)
    distributed.all_reduce(shared, op=distributed.ReduceOp.MIN)
    return int(shared)


def local_parts(tensors: list[Tensor]) -> list[Tensor]:
    """What this process has of ``tensors``; the same list, where they are not sharded."""
    sharded = any(isinstance(tensor, DTensor) for tensor in tensors)
    return [tensor.to_local() if isinstance(tensor, DTensor) else tensor for tensor in tensors] if sharded else tensors


def joint_norm(norm: Tensor) -> Tensor:
    """The 2-norm of what all processes have, each of which knows that of its own part."""
    square = norm.double().square()
    distributed.all_reduce(square)
    return square.sqrt().to(norm.dtype)


def whole(tensor: Tensor, *, own: bool = False) -> Tensor | None:
    """``tensor`` on the CPU, in the first process; ``None`` in the others, all of which must ask for a sharded one.

    ``own``: with memory of its own, so that it stays as it is while the training goes on.
    """
    full = tensor.detach()
    if isinstance(full, DTensor):
        full = full.full_tensor()
    if rank():
        return None
    return full.clone().contiguous() if own and full.device.type == "cpu" else full.cpu().contiguous()


def own_part(full: Tensor, like: Tensor) -> Tensor:
    """Of ``full``, which each process has, what it has of ``like``: all, where that is not sharded."""
    if not isinstance(like, DTensor):
        return full
    mesh = like.device_mesh
    parts, number = full.chunk(mesh.size()), mesh.get_local_rank()
    own = (parts[number] if number < len(parts) else full[:0]).to(like.device)
    return DTensor.from_local(own, mesh, like.placements, run_check=False, shape=like.shape, stride=like.stride())
