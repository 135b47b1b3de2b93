"""Optimizers that torch does not have as such: Muon beside AdamW, and schedule-free AdamW."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from taskzoo.config import Training
from taskzoo.errors import RequestError

from .freezing import backbone_of, new_module_names

Groups = list[dict[str, Any]]


class MuonWithAdamW(torch.optim.Optimizer):
    """Muon (Jordan et al. 2024) for hidden matrices, AdamW for all else, as one optimizer with one state.

    Muon's updates are scaled to the size of AdamW's, so that both have the same learning rate (Liu et al. 2025).
    """

    def __init__(self, matrices: Groups, others: Groups, **adamw: Any) -> None:
        muon = torch.optim.Muon(matrices, lr=adamw["lr"], adjust_lr_fn="match_rms_adamw")
        self._parts: list[torch.optim.Optimizer] = [muon]
        if others:  # there are none where adapters alone train
            self._parts.append(torch.optim.AdamW(others, fused=True, **adamw))
        super().__init__([group for part in self._parts for group in part.param_groups], {})

    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Step both; groups and states are those of this one, which loading replaces."""
        first = 0
        for part in self._parts:
            last = first + len(part.param_groups)
            part.param_groups, part.state = self.param_groups[first:last], self.state
            part.step()
            first = last


def hidden_matrices(model: nn.Module) -> set[int]:
    """Ids of the two-dimensional weights between embeddings and output: what Muon is for.

    Neither tables of embeddings nor the head and the output layer are among them.
    """
    plain: Any = model.get_base_model() if hasattr(model, "get_base_model") else model  # type: ignore[operator]
    apart: list[nn.Module] = [module for module in model.modules() if isinstance(module, nn.Embedding)]
    inner = model
    if isinstance(plain, PreTrainedModel):
        inner, output = backbone_of(plain), plain.get_output_embeddings()
        apart += [plain.get_submodule(name) for name in new_module_names(plain)]
        apart += [output] if isinstance(output, nn.Module) else []
    left_out = {id(parameter) for module in apart for parameter in module.parameters()}
    return {id(p) for p in inner.parameters() if p.ndim == 2 and id(p) not in left_out}


def build_muon(model: nn.Module, groups: Groups, settings: Training) -> MuonWithAdamW:
    """Each of ``groups`` divided between the two.

    Raises:
        RequestError: nothing that trains is a hidden matrix.
    """
    hidden = hidden_matrices(model)
    parts: list[Groups] = [[], []]
    for group in groups:
        for of_part, wanted in zip(parts, (True, False), strict=True):
            chosen = [p for p in group["params"] if (id(p) in hidden) == wanted]
            of_part += [{**group, "params": chosen}] if chosen else []
    if not parts[0]:
        raise RequestError("optimizer=muon is for hidden matrices, and none of those is trained here; use adamw.")
    betas = (settings.adam_beta1, settings.adam_beta2)
    return MuonWithAdamW(*parts, lr=settings.learning_rate, betas=betas, eps=settings.adam_epsilon)


COUNTERS = ("k", "weight_sum", "lr_max")
"""What schedule-free AdamW counts for each group. States here are of parameters, so the first of them keeps these."""


def require_schedule_free() -> Any:
    """The module ``schedulefree``.

    Raises:
        RequestError: it is not installed.
    """
    try:
        import schedulefree
    except ImportError:
        raise RequestError(
            "optimizer=schedule-free-adamw needs the package schedulefree, which is not installed; install it with: "
            "pip install 'taskzoo[schedule-free]'"
        ) from None
    return schedulefree


def build_schedule_free(groups: Groups, settings: Training) -> torch.optim.Optimizer:
    """Schedule-free AdamW (Defazio et al. 2024): an average of the weights takes the place of a falling rate.

    The average is what is evaluated and saved (:mod:`.averaging`). After warm-up the rate is constant.

    Raises:
        RequestError: the package is not installed.
    """

    class ScheduleFreeAdamW(require_schedule_free().AdamWScheduleFree):  # type: ignore[misc]
        """Whose counters are saved and loaded with the state of parameters."""

        def state_dict(self) -> dict[str, Any]:
            saved: dict[str, Any] = super().state_dict()
            state = {index: dict(slots) for index, slots in saved["state"].items()}
            for slots in list(state.values())[:1]:
                slots |= {f"{name}_{i}": group[name] for i, group in enumerate(self.param_groups) for name in COUNTERS}
            return {**saved, "state": state}

        def load_state_dict(self, saved: dict[str, Any]) -> None:
            state = {index: dict(slots) for index, slots in saved["state"].items()}
            groups = [dict(group) for group in saved["param_groups"]]
            for slots in state.values():
                for i, group in enumerate(groups):
                    group |= {name: slots.pop(f"{name}_{i}") for name in COUNTERS if f"{name}_{i}" in slots}
            super().load_state_dict({"state": state, "param_groups": groups})

    betas = (settings.adam_beta1, settings.adam_beta2)
    made = ScheduleFreeAdamW(groups, lr=settings.learning_rate, betas=betas, eps=settings.adam_epsilon)
    made.train()
    return made
