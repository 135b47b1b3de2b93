"""The layers of a model, and freezing parts of it: for good, or until it is their turn."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from torch import nn
from transformers import PreTrainedModel

from taskzoo.errors import RequestError
from taskzoo.models.warm_start import fresh_modules
from taskzoo.option_names import option_name


def backbone_of(model: PreTrainedModel) -> nn.Module:
    """The pretrained part of a model with a head (``model.bert``, ``model.transformer``, ...)."""
    backbone: nn.Module = getattr(model, model.base_model_prefix, model)
    return backbone


def new_module_names(model: PreTrainedModel) -> list[str]:
    """Names of the modules that no checkpoint has weights for: the head, and a warm-started decoder's attention.

    The head is what is at the top level outside the backbone with parameters of its own; an output layer over the
    vocabulary is pretrained, whether it is tied to the embeddings or not.
    """
    fresh, backbone = fresh_modules(model), backbone_of(model)
    if backbone is model:
        return fresh
    pretrained = {id(p) for p in backbone.parameters()}
    output = model.get_output_embeddings()
    if isinstance(output, nn.Module):
        pretrained.update(id(p) for p in output.parameters())
    return fresh + [
        name
        for name, module in model.named_children()
        if module is not backbone and any(id(p) not in pretrained for p in module.parameters())
    ]


def layers_of(model: PreTrainedModel) -> nn.ModuleList:
    """The stack of transformer layers: the longest ``ModuleList`` of the backbone."""
    stacks = [m for m in backbone_of(model).modules() if isinstance(m, nn.ModuleList)]
    if not stacks:
        raise RequestError("freeze: this architecture has no list of layers; use 'embeddings' or 'backbone'.")
    return max(stacks, key=len)


def embedding_modules(model: PreTrainedModel) -> list[nn.Module]:
    """The embeddings of the backbone, with what is computed on them before the first layer."""
    backbone = backbone_of(model)
    tables: list[nn.Module] = [module for module in backbone.modules() if isinstance(module, nn.Embedding)]
    return tables + [module for name, module in backbone.named_children() if "embedding" in name]


def parameters_by_depth(model: nn.Module) -> list[list[nn.Parameter]]:
    """All parameters by their place between input and output.

    The first are those of the embeddings, the last what is above the layers: the head, and norms and poolers after the
    last layer. Between them, each item has those of a layer; of an encoder-decoder, the layers of both sides that are
    equally far from the last. Each parameter occurs once, one that is shared where it is read first.

    Raises:
        RequestError: the architecture has no list of layers.
    """
    if not hasattr(model, "base_model_prefix") or not (stacks := list(layer_stacks(backbone_of(cast(Any, model))))):
        raise RequestError("layer_decay and gradual_unfreezing need a model with a list of layers, and this has none.")
    depth = max(map(len, stacks))
    embeddings: list[nn.Module] = [m for m in embedding_modules(cast(Any, model)) if not _within(m, stacks)]
    layers: list[list[nn.Module]] = [[] for _ in range(depth)]
    for stack in stacks:
        for place, layer in enumerate(stack, start=depth - len(stack)):
            layers[place].append(layer)
    groups: list[list[nn.Parameter]] = []
    placed: set[int] = set()
    for modules in (embeddings, *layers, [model]):
        found = {id(p): p for module in modules for p in module.parameters() if id(p) not in placed}
        placed |= found.keys()
        groups.append(list(found.values()))
    return groups


def layer_stacks(module: nn.Module) -> Iterator[nn.ModuleList]:
    """The lists of layers that are in no other list."""
    for child in module.children():
        if isinstance(child, nn.ModuleList):
            if len(child) and any(True for _ in child.parameters()):
                yield child
        else:
            yield from layer_stacks(child)


def _within(module: nn.Module, stacks: Sequence[nn.ModuleList]) -> bool:
    return any(part is module for stack in stacks for part in stack.modules())


class GradualUnfreezing:
    """Layers begin to train one after the other, from the last to the first (Howard & Ruder 2018, ULMFiT).

    At first only what is above the layers trains (where that has no parameters, the last layer). The layers follow at
    equal distances within ``share`` of the steps, and the embeddings come last. ULMFiT unfreezes a layer each epoch;
    models have more layers than fine-tuning has epochs.
    """

    def __init__(self, model: nn.Module, share: float, *, alone: bool) -> None:
        """``alone``: this process alone trains the model, so that gradients of frozen layers need not be computed."""
        groups = [[p for p in group if p.requires_grad] for group in reversed(parameters_by_depth(model))]
        self._groups = [group for group in groups if group]
        self._share, self._alone = share, alone

    def frozen(self, step: int, last_step: int) -> list[nn.Parameter]:
        """What does not train in the step after ``step``."""
        waiting = len(self._groups) - 1
        begun = waiting if step >= self._share * last_step else math.floor(waiting * step / (self._share * last_step))
        return [parameter for group in self._groups[1 + begun :] for parameter in group]

    @contextmanager
    def step(self, step: int, last_step: int) -> Iterator[None]:
        """Within the context the gradient of the step after ``step`` is computed; frozen parameters get none.

        They count as trainable before and after, so that they are saved, and several processes go on exchanging them.
        """
        frozen = self.frozen(step, last_step)
        for parameter in frozen if self._alone else ():
            parameter.requires_grad_(False)
        try:
            yield
        finally:
            for parameter in frozen:
                parameter.requires_grad_(True)
                parameter.grad = None


def freeze(model: PreTrainedModel, what: str) -> None:
    """Stop training of ``'embeddings'``, the whole ``'backbone'``, or embeddings and the first N layers (``'N'``).

    A :class:`RequestError` for anything else, for more layers than there are, and if nothing would be left to train.
    """
    backbone = backbone_of(model)
    if what == "backbone":
        backbone.requires_grad_(False)
        if not any(parameter.requires_grad for parameter in model.parameters()):
            raise RequestError(
                "freeze=backbone leaves nothing to train: this model has no head beside its output layer, which is "
                "pretrained as the rest; use freeze=embeddings, a number of layers, or "
                f"{option_name('method', 'lora')}."
            )
    if what in ("", "backbone"):
        return
    if what != "embeddings" and not what.isdigit():
        raise RequestError(f"freeze={what!r} is not 'embeddings', 'backbone' or a number of layers.")
    frozen = embedding_modules(model)
    if what.isdigit():
        layers = layers_of(model)
        if int(what) > len(layers):
            raise RequestError(f"freeze={what} asks for more layers than the model has ({len(layers)}).")
        frozen += list(layers)[: int(what)]
    for module in frozen:
        module.requires_grad_(False)
