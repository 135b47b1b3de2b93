"""What ``from_pretrained`` did not find in a checkpoint: a new head is expected, anything else is an error."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

WRAPPERS = ("module", "_orig_mod", "model", "backbone", "auto_model", "net", "network")
"""Attributes under which wrappers hold a model: data parallelism, compilation, training frameworks, pooled heads."""

_POOLED = "backbone."
"""Before the names of the backbone under a pooled head (:mod:`.pooling`)."""

_POOLER = re.compile(r"(^|\.)pooler\.")
_LAYER_OF = {side: re.compile(rf"(^|\.){side}\.\w+\.\d+\.") for side in ("encoder", "decoder")}
_CHANGED_BY = {
    "_orig_mod": "torch.compile",
    "_fsdp_wrapped_module": "FSDP",
    "_checkpoint_wrapped_module": "activation checkpointing",
    "parametrizations": "weight_norm or another parametrization",
    "base_layer": "an adapter of peft that is not merged",
}
"""Part of a name inside the file -> what put it there."""
_WRAPPED = ("state_dict", "model_state_dict", "model", "module", "ema")
"""Under which training frameworks keep the tensors of a model, beside others."""
_NOT_WEIGHTS = re.compile(r"(attn|attention)\.(masked_)?bias$|(inv_freq|position_ids|num_batches_tracked)$")
"""Buffers of old checkpoints, which are computed now."""


@dataclass(frozen=True, slots=True)
class LoadReport:
    """The loading report of one ``from_pretrained``, sorted by what it means.

    Args:
        new: parameters of the head that start from random values.
        missing: parameters of the pretrained part that the checkpoint lacks.
        mismatched: such parameters of another shape -> shape in the file, shape by the configuration.
        surplus: tensors of layers that the configuration does not have.
        unexpected: all tensors of the file that the model has no place for.
        absent: ``encoder`` or ``decoder``, if the model has one and the file nothing of its layers.
    """

    new: Sequence[str]
    missing: Sequence[str]
    mismatched: Mapping[str, tuple[Sequence[int], Sequence[int]]]
    surplus: Sequence[str]
    unexpected: Sequence[str]
    absent: str = ""

    @property
    def new_parts(self) -> list[str]:
        """Names of the modules that are new, as few as say it: ``classifier``, ``crossattention``."""
        inner = (re.search(r"\b(crossattention|pooler)\b", name) for name in self.new)
        return sorted(
            {found.group() if found else name.split(".")[0] for found, name in zip(inner, self.new, strict=True)}
        )

    @property
    def sound(self) -> bool:
        """Whether all of the pretrained part was loaded, and nothing of it left out."""
        return not (self.missing or self.mismatched or self.surplus)


def read_report(model: Any, info: Mapping[str, Iterable[Any]], *, finished: bool = False) -> LoadReport:
    """Sort what ``from_pretrained(..., output_loading_info=True)`` returned for ``model``.

    Of a finished run everything must be there, its head as well.
    """
    owned = {name for name, _ in model.named_parameters(remove_duplicate=False)} - _computed(model)
    missing = [name for name in sorted(info["missing_keys"]) if name in owned]
    shapes = {name: (tuple(found), tuple(wanted)) for name, found, wanted in info["mismatched_keys"]}
    unexpected = sorted(info["unexpected_keys"])
    new = set() if finished else _head(model, {*missing, *shapes})
    return LoadReport(
        new=sorted(new & {*missing, *shapes}),
        missing=[name for name in missing if name not in new],
        mismatched={name: shapes[name] for name in sorted(shapes) if name not in new},
        surplus=unexpected if finished else [name for name in unexpected if _belongs_to_a_layer(model, name)],
        unexpected=unexpected,
        absent=_absent_side(owned, missing, unexpected),
    )


def explain(report: LoadReport, *, finished: bool = False) -> str:
    """One or two sentences about a report that is not sound: the tensors, and the likely cause."""
    missing, surplus = report.missing, report.surplus
    if finished:
        lacking = f"lacks {_few(missing)}" if missing else ""
        other = _shapes(report.mismatched) if report.mismatched else ""
        more = f"holds {_few(surplus)} besides" if surplus and not (lacking or other) else ""
        found = "; ".join(part for part in (lacking, other, more) if part)
        return f"it does not belong to this run, or it is damaged: the file {found}"
    if report.mismatched:
        return (
            f"{_shapes(report.mismatched)}. The sizes in config.json are not those of the weights, so they belong to "
            "different models"
        )
    if missing:
        return f"the file lacks {_few(missing)}{_cause(report)}"
    return (
        f"the file also holds {_few(surplus)}, for which config.json has no place: it asks for fewer layers or another "
        "architecture than the weights are of"
    )


def wrapper_prefix(model: Any, report: LoadReport) -> tuple[str, str]:
    """The prefix under which the file holds all that is missing, and what belongs in its place.

    It is certainly that of a wrapper: ``module.`` and the like, or what stands before the architecture's own name
    (``encoder.bert.``), if there is one such prefix only. A pooled head on an encoder-decoder keeps the encoder alone
    under ``backbone.``, where ``encoder.`` belongs. ``("", "")`` if there is none.
    """
    if not report.missing:
        return "", ""
    base, found = f"{model.base_model_prefix}.", set()
    if _encoder_alone(base, report):
        return _POOLED, "encoder."
    longest = max(report.missing, key=len).removeprefix(base)
    for name in report.unexpected:
        prefix = name.removesuffix(longest)
        if prefix == name or not prefix.endswith("."):
            continue
        wrapper = prefix if prefix == base else prefix.removesuffix(base)
        known = all(part in WRAPPERS or part.isdigit() for part in wrapper[:-1].split("."))
        if known or wrapper != prefix:
            found.add(wrapper)
    return (found.pop(), "") if len(found) == 1 else ("", "")


def unusable_values(model: nn.Module) -> list[str]:
    """Names of the parameters that hold NaN or infinite values."""
    return [
        name
        for name, values in model.named_parameters()
        if values.is_floating_point() and values.numel() and not torch.isfinite(torch.stack(values.aminmax())).all()
    ]


def layers_of_zeros(model: Any) -> list[str]:
    """Names of the linear layers of the pretrained part whose weights are all 0, as in a file that was cut short."""
    inner = getattr(model, model.base_model_prefix or "_", None)
    if not isinstance(inner, nn.Module):
        if not type(model).__module__.startswith("transformers."):  # its head cannot be told from the rest
            return []
        inner = model
    layers = [(name, layer.weight) for name, layer in inner.named_modules() if isinstance(layer, (nn.Linear, Conv1D))]
    return [f"{name}.weight" for name, weight in layers if not weight[0].any() and not weight.any()]


def _encoder_alone(base: str, report: LoadReport) -> bool:
    """Whether the file holds the whole encoder under the name of a pooled head's backbone."""
    missing = {name.removeprefix(base) for name in report.missing}
    wanted = {name.removeprefix("encoder.") for name in missing if name.startswith("encoder.")}
    return bool(wanted) and wanted <= {
        name.removeprefix(_POOLED) for name in report.unexpected if name.startswith(_POOLED)
    }


def _computed(model: nn.Module) -> set[str]:
    """Positions that are a fixed function of their number, which some files leave out."""
    sinusoids = [name for name, module in model.named_modules() if "Sinusoidal" in type(module).__name__]
    return {f"{name}.weight" for name in sinusoids}


def _head(model: Any, absent: set[str]) -> set[str]:
    """Names of the parameters that no pretrained checkpoint need have."""
    inner = getattr(model, model.base_model_prefix or "_", None)
    names = [name for name, _ in model.named_parameters(remove_duplicate=False)]
    if isinstance(inner, nn.Module) and inner is not model:
        outside = {name for name in names if not name.startswith(f"{model.base_model_prefix}.")}
    else:  # parts of which nothing was loaded; of a class of transformers that has no backbone apart: linear layers
        ours = not type(model).__module__.startswith("transformers.")
        tops = {name.split(".")[0] for name in names}
        fresh = {top for top in tops if all(n in absent for n in names if n.split(".")[0] == top)}
        parts = {top for top in fresh if ours or isinstance(getattr(model, top), nn.Linear)}
        outside = {name for name in names if name.split(".")[0] in parts} if fresh != tops else set()
    if getattr(model.config, "add_cross_attention", False):  # an encoder that becomes a decoder
        return outside | {name for name in names if ".crossattention." in name or _POOLER.search(name)}
    output = model.get_output_embeddings()
    pretrained = {id(p) for p in output.parameters()} if isinstance(output, nn.Module) else set()
    kept = {name for name, p in model.named_parameters(remove_duplicate=False) if id(p) in pretrained}
    return (outside - kept) | {name for name in names if _POOLER.search(name)}


def _belongs_to_a_layer(model: Any, name: str) -> bool:
    """Whether the tensor is of a layer that the model does not have, or of a part that its layers do not have."""
    if _NOT_WEIGHTS.search(name):
        return False
    inner = getattr(model, model.base_model_prefix or "_", None)
    parts = name.removeprefix(f"{model.base_model_prefix}.").split(".")
    module: Any = inner if isinstance(inner, nn.Module) else model
    in_a_layer = False
    for part in parts[:-1]:
        below = getattr(module, "_modules", {}).get(part)
        if below is None:
            break
        in_a_layer |= isinstance(module, nn.ModuleList)
        module = below
    else:
        return in_a_layer or bool(list(module.parameters(recurse=False)))  # such as a bias where there is none
    return in_a_layer or isinstance(module, nn.ModuleList)


def _absent_side(owned: set[str], missing: Sequence[str], unexpected: Sequence[str]) -> str:
    for side, layer in _LAYER_OF.items():
        wanted = {name for name in owned if layer.search(name)}
        if wanted and wanted <= set(missing) and not any(side in name for name in unexpected):
            return side
    return ""


def _cause(report: LoadReport) -> str:
    families = {name.split(".")[0] for name in report.unexpected}
    if all("lm_head" in name for name in report.missing):
        return ". It is a checkpoint without an output layer, and this task needs one"
    parts = {part for name in report.unexpected for part in name.split(".")}
    if changed := next((part for part in _CHANGED_BY if part in parts), None):
        return (
            f": the names in it have {changed!r} inside, which comes from {_CHANGED_BY[changed]}; save the plain model"
        )
    if wrapped := next((name for name in _WRAPPED if name in report.unexpected), None):
        return f": its tensors are one level below, in {wrapped!r}; save torch.load(FILE)[{wrapped!r}] in its place"
    if report.absent and not any(re.search(r"\.\d+\.", name) for name in report.unexpected):
        article = "an" if report.absent == "encoder" else "a"
        return f". It is a checkpoint without {article} {report.absent}, and this task needs one"
    if report.unexpected and not all(re.search(r"\.\d+\.", name) for name in report.missing):  # not layers alone
        return (
            f", and holds {_few(report.unexpected)} instead. Its tensors have other names: they were saved under a "
            f"prefix or for another architecture than config.json says ({', '.join(sorted(families)[:3])})"
        )
    return ". config.json asks for more layers than there are, or the file is incomplete"


def _few(names: Sequence[str], limit: int = 2) -> str:
    """``a.weight, b.weight and 14 more tensors``."""
    shown = ", ".join(name if len(name) <= 60 else f"...{name[-57:]}" for name in names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more tensors"


def _shapes(mismatched: Mapping[str, tuple[Sequence[int], Sequence[int]]]) -> str:
    name, (found, wanted) = next(iter(mismatched.items()))
    more = f" (and {len(mismatched) - 1} more tensors)" if len(mismatched) > 1 else ""
    sizes = [" x ".join(map(str, shape)) or "a number" for shape in (found, wanted)]
    return f"{name} has the shape {sizes[0]} in the file and {sizes[1]} by config.json{more}"
