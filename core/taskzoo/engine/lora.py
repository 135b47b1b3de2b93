"""Low-rank adapters through ``peft`` (Hu et al. 2021; DoRA: Liu et al. 2024; rsLoRA: Kalajdzievski 2023)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from taskzoo.config import Training
from taskzoo.errors import RequestError

from .freezing import backbone_of, new_module_names
from .quantized import merge_quantized, quantize, without_advice

CPU = torch.device("cpu")


def target_modules(model: PreTrainedModel, targets: str) -> list[str]:
    """Full names of the linear layers of the backbone that get adapters; a :class:`RequestError` if there are none.

    Never among them: the head, the output layer over the vocabulary, and new modules, which are trained in full.
    ``targets``: ``all-linear``; ``attention`` (those inside an attention block); or name endings joined by ``+``.
    """
    backbone = backbone_of(model)
    prefix = "" if backbone is model else f"{model.base_model_prefix}."
    output, fresh = model.get_output_embeddings(), tuple(new_module_names(model))
    linear = [
        prefix + name
        for name, module in backbone.named_modules()
        if isinstance(module, (nn.Linear, Conv1D))
        and module is not output
        and not any(f"{prefix}{name}.".startswith(f"{new}.") for new in fresh)
    ]
    if targets == "attention":
        chosen = [name for name in linear if any("att" in part.lower() for part in name.split("."))]
    elif targets == "all-linear":
        chosen = [name for name in linear if "pooler" not in name]
    else:
        endings = tuple(t.strip() for t in targets.split("+"))
        chosen = [name for name in linear if name.endswith(endings)]
    if not chosen:
        some = ", ".join(linear[:6])
        raise RequestError(f"lora_targets={targets!r} matches no linear layer; some of them are {some}.")
    return chosen


def add_lora(
    model: PreTrainedModel,
    settings: Training,
    dtype: torch.dtype = torch.float32,
    device: torch.device = CPU,
) -> Any:
    """``model`` wrapped by ``peft``: the backbone frozen with adapters, the head trained and saved in full.

    With ``lora_quantize`` the layers that get adapters are stored in 4 bits on ``device``, and computed in ``dtype``.

    Adapters stay in float32; the forward pass runs under autocast like any other. With gradient checkpointing the
    inputs get gradients, without which nothing before the first adapter would be recomputed.

    Raises:
        RequestError: no layer matches the settings, or ``bitsandbytes`` fails (:func:`.quantized.quantize`).
    """
    with without_advice():
        from peft import LoraConfig, get_peft_model

    targets = target_modules(model, settings.lora_targets)
    if settings.lora_quantize:
        quantize(model, targets, settings.lora_quantize, dtype, device)
    config = LoraConfig(
        r=settings.lora_rank,
        lora_alpha=settings.lora_alpha,
        lora_dropout=settings.lora_dropout,
        use_dora=settings.lora_dora,
        use_rslora=settings.lora_rslora,
        target_modules=targets,
        modules_to_save=new_module_names(model) or None,
        fan_in_fan_out=any(isinstance(m, Conv1D) for m in model.modules()),
    )
    wrapped = get_peft_model(model, config)
    for parameter in wrapped.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    if settings.gradient_checkpointing:
        model.enable_input_require_grads()
    return wrapped


def merge_lora(wrapped: Any) -> PreTrainedModel:
    """The plain model with the adapters added into its weights."""
    if getattr(wrapped, "is_loaded_in_4bit", False):
        return merge_quantized(wrapped)
    return wrapped.merge_and_unload()


def save_adapter(wrapped: Any, folder: Path, base: str) -> None:
    """Save the adapters with the head to ``folder``, for ``peft``, as those of the model ``base``.

    ``peft`` itself would write where the model lies on this machine, and a form of a card.
    """
    wrapped.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    file = folder / "adapter_config.json"
    values = json.loads(file.read_text(encoding="utf-8")) | {"base_model_name_or_path": base}
    file.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def count_parameters(model: nn.Module) -> tuple[int, int]:
    """``(trainable, all)`` parameters; copies that ``peft`` keeps of replaced heads are not counted."""
    parameters = {name: p for name, p in model.named_parameters() if ".original_module." not in name}
    counts = {name: _count(p) for name, p in parameters.items()}
    return sum(counts[name] for name, p in parameters.items() if p.requires_grad), sum(counts.values())


def _count(parameter: nn.Parameter) -> int:
    """The numbers in a weight; those of 4 bits are packed, two in a byte."""
    packed = getattr(parameter, "quant_state", None)
    return int(parameter.numel() if packed is None else packed.shape.numel())
