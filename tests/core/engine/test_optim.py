"""Weight decay, schedules, clipping and optimizers."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from transformers.models.t5.modeling_t5 import T5LayerNorm
from transformers.pytorch_utils import Conv1D

from taskzoo.config import OPTIMIZERS, SCHEDULE_FREE
from taskzoo.engine.optim import build_optimizer, build_schedule, decay_groups, scale_and_clip, warmup_steps

from .kit import fit, history, make_features, make_tagger, settings


class LlamaRMSNorm(nn.Module):
    """As many architectures have: a norm that is no torch norm, with one weight."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))


class Odd(nn.Module):
    """Norms under names that say nothing, and weights under names that look like norms."""

    def __init__(self) -> None:
        super().__init__()
        self.ln_f = nn.LayerNorm(4)
        self.final = LlamaRMSNorm(4)
        self.third = T5LayerNorm(4)
        self.torch_rms = nn.RMSNorm(4)
        self.group = nn.GroupNorm(2, 4)
        self.batch = nn.BatchNorm1d(4)
        self.c_attn = Conv1D(4, 4)
        self.layernorm_projection = nn.Linear(4, 4)
        self.embeddings = nn.Embedding(5, 4)
        self.attention = nn.MultiheadAttention(4, 2)
        self.frozen = nn.Linear(4, 4).requires_grad_(False)


def test_decay_spares_biases_and_norms_by_type():
    model = Odd()
    names = {id(p): name for name, p in model.named_parameters()}
    decayed, spared = decay_groups(model, 0.1)
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.1, 0.0)
    assert {names[id(p)] for p in decayed["params"]} == {
        "c_attn.weight",
        "layernorm_projection.weight",
        "embeddings.weight",
        "attention.in_proj_weight",
        "attention.out_proj.weight",
    }
    trainable = {name for name, p in model.named_parameters() if p.requires_grad}
    assert {names[id(p)] for p in [*decayed["params"], *spared["params"]]} == trainable
    assert not any(name.startswith("frozen") for name in trainable)


def test_no_group_is_empty():
    assert len(decay_groups(nn.Linear(2, 2, bias=False), 0.1)) == 1


def test_decay_shrinks_weights_and_leaves_norms():
    model = nn.Sequential(nn.Linear(3, 3), nn.LayerNorm(3))
    before = [p.detach().clone() for p in model.parameters()]
    optimizer = build_optimizer(model, settings(optimizer="adamw", weight_decay=0.1, learning_rate=0.1))
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    factors = [1 - 0.1 * 0.1, 1, 1, 1]
    for parameter, old, factor in zip(model.parameters(), before, factors, strict=True):
        torch.testing.assert_close(parameter.detach(), old * factor)


def rates(values: dict, total: int) -> list[float]:
    """The rate used by each of ``total`` steps."""
    model = nn.Linear(1, 1)
    training = settings(learning_rate=2.0, **values)
    optimizer = build_optimizer(model, training)
    schedule = build_schedule(optimizer, training, lambda: total)
    used = []
    for _ in range(total):
        used.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return used


def closed_form(kind: str, warm: int, total: int) -> list[float]:
    """What the documentation promises: rise over ``warm`` steps, then fall to 0 at ``total``."""
    values = []
    for step in range(total):
        done = (step - warm) / max(1, total - warm)
        fall = {"linear": 1 - done, "cosine": (1 + math.cos(math.pi * done)) / 2, "constant": 1.0}[kind]
        values.append(2.0 * ((step + 1) / (warm + 1) if step < warm else fall))
    return values


@pytest.mark.parametrize("kind", ["linear", "cosine", "constant"])
@pytest.mark.parametrize(("warmup", "warm"), [(0, 0), (0.2, 2), (0.21, 3), (4, 4), (1, 1), (50, 10)])
def test_schedules_follow_their_closed_form(kind, warmup, warm):
    assert warmup_steps(warmup, 10) == warm
    assert rates({"schedule": kind, "warmup": warmup}, 10) == pytest.approx(closed_form(kind, warm, 10))


@pytest.mark.parametrize("kind", ["linear", "cosine", "constant"])
@pytest.mark.parametrize(("warmup", "warm"), [(0.5, 6), (2, 2)])
def test_history_holds_the_rate_of_each_step_whatever_the_micro_batches(tmp_path, kind, warmup, warm):
    features = make_features(38)  # 6 steps an epoch, the last of them of 3 examples
    for micro_batch_size in (0, 2):
        folder = tmp_path / str(micro_batch_size)
        folder.mkdir()
        values = {"epochs": 2, "batch_size": 7, "schedule": kind, "warmup": warmup, "learning_rate": 2.0}
        fit(make_tagger(), features, folder, micro_batch_size=micro_batch_size, **values)
        assert [line["learning_rate"] for line in history(folder)] == pytest.approx(closed_form(kind, warm, 12))


@pytest.mark.parametrize(("limit", "factor"), [(0.0, 1.0), (1.0, 0.1), (100.0, 1.0)])
def test_scale_and_clip(limit, factor):
    parameters = [nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))]
    parameters[0].grad, parameters[1].grad = torch.tensor([3.0, 0.0]), torch.tensor([4.0])
    norm = scale_and_clip(parameters, torch.tensor(2.0), limit)  # the joint norm is 5, scaled 10
    assert norm.item() == pytest.approx(10.0)
    assert parameters[0].grad.tolist() == pytest.approx([6.0 * factor, 0.0], rel=1e-5)
    assert parameters[1].grad.tolist() == pytest.approx([8.0 * factor], rel=1e-5)
    assert parameters[2].grad is None


def test_nothing_to_clip():
    assert scale_and_clip([nn.Parameter(torch.zeros(1))], torch.tensor(1.0), 1.0).item() == 0


RATES = {"sgd": 1.0, "momentum": 0.2, "adam": 0.02, "adamw": 0.02, "adafactor": 0.1, "muon": 0.02, SCHEDULE_FREE: 0.02}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_learns(tmp_path, optimizer):
    fit(make_tagger(), make_features(64), tmp_path, optimizer=optimizer, learning_rate=RATES[optimizer], epochs=20)
    losses = [line["loss"] for line in history(tmp_path)]
    assert losses[-1] < 0.6 * losses[0]


def test_settings_reach_the_optimizer():
    model = make_tagger()
    adam = build_optimizer(model, settings(optimizer="adam", adam_beta1=0.5, adam_beta2=0.6, adam_epsilon=1e-3))
    assert type(adam) is torch.optim.Adam
    assert (adam.param_groups[0]["betas"], adam.param_groups[0]["eps"]) == ((0.5, 0.6), 1e-3)
    assert type(build_optimizer(model, settings(optimizer="adamw"))) is torch.optim.AdamW
    assert build_optimizer(model, settings(optimizer="momentum", momentum=0.3)).param_groups[0]["momentum"] == 0.3
    assert build_optimizer(model, settings(optimizer="sgd", momentum=0.3)).param_groups[0]["momentum"] == 0
    assert type(build_optimizer(model, settings(optimizer="adafactor"))) is torch.optim.Adafactor
