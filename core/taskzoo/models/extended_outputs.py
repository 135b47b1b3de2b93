"""A model that was trained keeps what it learnt when its task has more labels: old outputs keep their weights."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from taskzoo.errors import RequestError

_PLAIN = (str, int, float)
_MAY_DIFFER = ("num_labels", "transformers_version", "vocab_size", "pad_token_id")
"""Settings that do not determine what the weights mean."""


@torch.no_grad()
def extend_outputs(model: Any, old: Any) -> list[str]:
    """Give ``model`` all parameters of ``old``; what it has for labels that ``old`` does not know is 0.

    The labels, as the configurations have them in ``id2label``, begin with those of ``old``. In a parameter of another
    shape, every axis that is as long as there are labels is one of labels: the rows of a linear head, its bias, both
    axes of the transitions of a CRF.

    Returns:
        The names of the new outputs.

    Raises:
        RequestError: the models differ in more than that.
    """
    names, known = _names(model), _names(old)
    if names[: len(known)] != known:
        raise RequestError(
            f"The labels of the earlier run ({', '.join(known[:3])}, ...) do not come first among those of this one "
            f"({', '.join(names[:3])}, ...), so its outputs cannot be kept."
        )
    ours, theirs = dict(model.named_parameters()), dict(old.named_parameters())
    if different := sorted(theirs.keys() ^ ours.keys()) or _other_settings(model, old):
        raise RequestError(
            f"The model of the earlier run has another head than this one ({different[0]}): an option that determines "
            "it was changed; leave it as it was."
        )
    for name, parameter in ours.items():
        parameter.copy_(_wider(name, theirs[name], tuple(parameter.shape), (len(known), len(names))))
    return names[len(known) :]


def _wider(name: str, values: Tensor, shape: tuple[int, ...], labels: tuple[int, int]) -> Tensor:
    """``values`` at the beginning of a tensor of ``shape``; ``labels`` are how many there were, and are."""
    pairs = list(zip(values.shape, shape, strict=False))
    if values.dim() != len(shape) or any(before != now and (before, now) != labels for before, now in pairs):
        raise RequestError(
            f"{name} has the shape {tuple(values.shape)} in the earlier run and {shape} here, which {labels[0]} and "
            f"{labels[1]} labels do not explain; leave the options that determine the head as they were."
        )
    wider = values.new_zeros(shape)
    wider[tuple(slice(size) for size in values.shape)] = values
    return wider


def _other_settings(model: Any, old: Any) -> list[str]:
    """Names of plain settings of the configuration that differ, such as how vectors are pooled."""
    before, now = old.config.to_dict(), model.config.to_dict()
    known = [name for name, value in before.items() if isinstance(value, _PLAIN) and isinstance(now.get(name), _PLAIN)]
    return [name for name in known if before[name] != now[name] and name not in _MAY_DIFFER and name[0] != "_"]


def _names(model: Any) -> list[str]:
    labels: dict[Any, str] = getattr(model.config, "id2label", None) or {}
    return [str(name) for _, name in sorted(labels.items(), key=lambda item: int(item[0]))]
