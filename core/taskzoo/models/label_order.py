"""A head that was trained before keeps its labels: its outputs are put in the order of the labels asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

_RUN = "task.json"
"""Beside the model of a run; it has the unit of its numbers."""


@torch.no_grad()
def keep_label_order(model: Any, location: Any, hub: Mapping[str, Any], new: Collection[str] = ()) -> str:
    """Match the outputs of ``model``, loaded from ``location`` with its head, to the labels of its configuration.

    The checkpoint names its own labels. Where they are the labels asked for in another order, the rows of the output
    layer are permuted; where they are other labels, the layer starts anew. Parameters named in ``new`` are new already.

    An output that is a number is in a unit of its own, which only a run of this library says (``task.json``): that of
    any other checkpoint starts anew.

    Returns:
        A line about what was done; empty if there was nothing to do.
    """
    saved, _ = type(model.config).get_config_dict(location, **hub)
    now = _names(model.config.id2label)
    before = _names(saved.get("id2label")) or [f"LABEL_{i}" for i in range(len(now))]  # they are not written
    same_problem = saved.get("problem_type") in (None, model.config.problem_type)
    name, layer = _output_layer(model)
    if layer is None or layer.out_features != len(now) or f"{name}.weight" in new:
        return ""
    if model.config.problem_type == "regression" and not (same_problem and (Path(location) / _RUN).is_file()):
        _start_anew(model, layer)
        what = "gives numbers in a unit of its own" if same_problem else f"is for {_few(before)}"
        return f"new, with random initial values: the output layer (the checkpoint's {what})"
    if _generic(now) and _order(before, now) is None:  # no labels were asked for
        return ""
    order = _order(before, now) if same_problem else None
    if order is None:
        _start_anew(model, layer)
        return f"new, with random initial values: the output layer (the checkpoint's is for {_few(before)})"
    if order == sorted(order):
        return ""
    layer.weight.copy_(layer.weight[order])
    if layer.bias is not None:
        layer.bias.copy_(layer.bias[order])
    return f"the outputs of the checkpoint ({_few(before)}) were matched to the labels by name"


def _start_anew(model: Any, layer: nn.Module) -> None:
    for own, values in list(layer.named_parameters()):
        setattr(layer, own, nn.Parameter(torch.empty_like(values)))  # no longer marked as loaded
    model._init_weights(layer)  # the name that every architecture gives it


def _names(labels: Mapping[Any, str] | None) -> list[str]:
    return [str(name) for _, name in sorted((labels or {}).items(), key=lambda item: int(item[0]))]


def _generic(names: Sequence[str]) -> bool:
    """Whether these are the names that ``transformers`` makes up."""
    return all(name == f"LABEL_{i}" for i, name in enumerate(names))


def _order(before: Sequence[str], now: Sequence[str]) -> list[int] | None:
    """The place among ``before`` of each of ``now``, upper case or lower; ``None`` if they are not the same labels."""
    places = {name.casefold(): i for i, name in enumerate(before)}
    same = len(places) == len(before) == len(now) and all(name.casefold() in places for name in now)
    return [places[name.casefold()] for name in now] if same else None


def same_order(model: Any, location: Any, hub: Mapping[str, Any]) -> bool:
    """Whether the saved configuration does not have the labels of ``model`` in another order."""
    saved, _ = type(model.config).get_config_dict(location, **hub)
    before, now = _names(saved.get("id2label")), _names(model.config.id2label)
    return before == now or sorted(before) != sorted(now)


def _output_layer(model: Any) -> tuple[str, nn.Linear | None]:
    """The last linear layer of the head, and its name."""
    inner = getattr(model, model.base_model_prefix or "_", None)
    if not isinstance(inner, nn.Module) or inner is model:
        return "", None
    inside = {id(module) for module in inner.modules()}
    layers = [(n, m) for n, m in model.named_modules() if isinstance(m, nn.Linear) and id(m) not in inside]
    return layers[-1] if layers else ("", None)


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(name[:20] for name in names[:4])
    return shown if len(names) <= 4 else f"{shown}, ..."
