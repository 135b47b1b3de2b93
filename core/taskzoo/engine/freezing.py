"""Freezing parts of the backbone by name or by depth."""

from __future__ import annotations

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
    frozen: list[nn.Module] = [module for module in backbone.modules() if isinstance(module, nn.Embedding)]
    frozen += [module for name, module in backbone.named_children() if "embedding" in name]
    if what.isdigit():
        layers = layers_of(model)
        if int(what) > len(layers):
            raise RequestError(f"freeze={what} asks for more layers than the model has ({len(layers)}).")
        frozen += list(layers)[: int(what)]
    for module in frozen:
        module.requires_grad_(False)
