"""CUDA graphs, as far as a CPU shows them: what torch is asked for, and that no gradient outlives its step."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from taskzoo import arrays
from taskzoo.engine import gradient
from taskzoo.engine.checkpoint import TrainingState
from taskzoo.engine.compiling import SHAPES, compiled_layers
from taskzoo.engine.gradient import GRAPH_BLOCK
from taskzoo.engine.job import Job
from taskzoo.engine.strategies.checks import UNRECORDED, check_strategies
from taskzoo.engine.strategies.model_checks import check_model_for_strategies
from taskzoo.engine.trainer import train
from taskzoo.errors import RequestError, TrainingError
from taskzoo.methods.contrastive import Contrastive
from taskzoo.methods.linear_probe import LinearProbe
from taskzoo.methods.none import Untrained
from taskzoo.types import Batch

from .kit import (
    LABELS,
    TOKENS,
    Output,
    TaggingTask,
    collate,
    fit,
    make_feature,
    make_features,
    make_session,
    same,
    settings,
    weights,
)
from .test_on_gpus import Scaled

FEATURES = make_features(38)
GRAPHS: dict[str, Any] = {"compile": True, "cuda_graphs": True}


class Layered(nn.Module):
    """A tagger with a list of layers."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embeddings = nn.Embedding(TOKENS, 16)
        self.layers = nn.ModuleList([nn.Linear(16, 16), nn.Linear(16, 16)])
        self.outer = nn.Linear(16, LABELS)

    def forward(self, input_ids: torch.Tensor) -> Output:
        states = self.embeddings(input_ids)
        for layer in self.layers:
            states = torch.tanh(layer(states))
        return Output(self.outer(states))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What each layer's ``compile`` was asked for; nothing is compiled."""
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(nn.Module, "compile", lambda self, **values: calls.append(values))
    return calls


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of gradients that are there when a step begins."""
    counts: list[int] = []
    made: list[nn.Module] = []
    before = gradient.Gradient.__init__

    def init(self: Any, session: Any, job: Job, *more: Any) -> None:
        made.append(job.model)
        before(self, session, job, *more)

    def mark() -> None:
        counts.append(sum(p.grad is not None for p in made[-1].parameters()))

    monkeypatch.setattr(gradient.Gradient, "__init__", init)
    monkeypatch.setattr(torch.compiler, "cudagraph_mark_step_begin", mark)
    return counts


def test_layers_are_compiled_to_graphs(asked):
    import torch._inductor.config as inductor

    limit = inductor.triton.cudagraph_dynamic_shape_warn_limit
    with compiled_layers(Layered(), graphs=True) as count:
        assert count == 2
        assert asked == [{"dynamic": True, "mode": "reduce-overhead"}] * 2
        assert inductor.triton.cudagraph_dynamic_shape_warn_limit == SHAPES
    assert inductor.triton.cudagraph_dynamic_shape_warn_limit == limit
    asked.clear()
    with compiled_layers(Layered()):
        assert asked == [{"dynamic": True}] * 2
        assert inductor.triton.cudagraph_dynamic_shape_warn_limit == limit


def test_torch_takes_both_for_one_function():
    layer = nn.Linear(2, 2)
    layer.compile(dynamic=True, mode="reduce-overhead")  # nothing is compiled before the first call
    assert layer._compiled_call_impl is not None
    torch.compiler.cudagraph_mark_step_begin()


@pytest.mark.parametrize("optimizer", ["adamw", "momentum", "adafactor"])
def test_each_step_begins_once_and_without_gradients(optimizer, asked, begun, tmp_path):
    values = {"batch_size": 8, "epochs": 3, "learning_rate": 0.01, "optimizer": optimizer, "evaluate_every": 4}
    plain, graphs = Layered(), Layered()
    folders = [tmp_path / name for name in ("plain", "graphs")]
    for folder in folders:
        folder.mkdir()
    evaluate = {"evaluate": lambda model: {"score": 0.5, "loss": 1.0}}
    fit(plain, FEATURES, folders[0], **values, **evaluate)
    assert begun == []
    fit(graphs, FEATURES, folders[1], **values, **evaluate, **GRAPHS)
    assert begun == [0] * 15
    assert len(asked) == 2
    assert same(weights(plain), weights(graphs))


def test_a_step_that_overflows_leaves_no_gradient(asked, begun, tmp_path):
    accelerator = Scaled()
    accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**60)
    session = make_session(Layered(), FEATURES, accelerator=accelerator, batch_size=38, epochs=4, **GRAPHS)
    train(session, Job(session.model, Big(), FEATURES, collate), TrainingState(tmp_path / "checkpoints"))
    assert accelerator.scaler.get_scale() < 2.0**60
    assert begun == [0] * 4


class Big(TaggingTask):
    """A task whose loss overflows when it is scaled."""

    def loss(self, outputs, batch, *, label_smoothing=0.0):
        loss = super().loss(outputs, batch, label_smoothing=label_smoothing)
        loss.total = loss.total * 1e18
        return loss


def test_batches_have_few_widths(asked, begun, tmp_path):
    """As wide as a multiple of the block, or as the longest example."""
    widths: list[int] = []

    def collated(features):
        widths.append(arrays.width([f["input_ids"] for f in features]))
        return collate(features)

    long = [make_feature(row, [3] * (2 + 2 * row), labels=[0] * (2 + 2 * row)) for row in range(48)]
    long += [make_feature(48, [5] * 120, labels=[1] * 120)] * 2
    fit(Layered(), long, tmp_path, collate=collated, batch_size=4, length_pool=100, **GRAPHS)
    assert set(widths) == {GRAPH_BLOCK, 2 * GRAPH_BLOCK, 3 * GRAPH_BLOCK, 120}


def test_where_the_memory_runs_out_it_is_said_what_to_do(asked, begun, tmp_path):
    class Hungry(TaggingTask):
        def forward(self, model: Any, batch: Batch) -> Any:
            raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(TrainingError, match="ran out with 8 examples at once, and cuda_graphs=true does not") as caught:
        fit(Layered(), FEATURES, tmp_path, task=Hungry(), batch_size=8, **GRAPHS)
    assert isinstance(caught.value.__cause__, torch.OutOfMemoryError)
    assert begun == [0]


# refusals

ASKED = {
    "micro_batch_size": 4,
    "batch_tokens": 512,
    "gradient_checkpointing": True,
    "gradual_unfreezing": 0.5,
    "rdrop_alpha": 1.0,
    "adversarial_epsilon": 1.0,
}


class Plain(TaggingTask):
    token_target = "labels"


def test_graphs_need_compiled_layers_and_a_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(RequestError, match="records compiled layers; set compile=true"):
        check_strategies(Plain(), settings(cuda_graphs=True))
    with pytest.raises(RequestError, match="cuda_graphs=true needs a CUDA device, and there is none here"):
        check_strategies(Plain(), settings(**GRAPHS))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    check_strategies(Plain(), settings(**GRAPHS))


@pytest.mark.parametrize("name", UNRECORDED)
def test_what_is_not_the_same_pass_each_step_is_refused(name, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    pattern = f"{name}=(true|[0-9.]+) {UNRECORDED[name]}, and cuda_graphs=true replays"
    with pytest.raises(RequestError, match=pattern):
        check_strategies(Plain(), settings(**GRAPHS, **{name: ASKED[name]}))


def test_fsdp_unpadded_attention_and_generation_are_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with pytest.raises(RequestError, match="compile=true compiles layers as a whole, and fsdp=true"):
        check_strategies(Plain(), settings(**GRAPHS, fsdp=True))
    with pytest.raises(RequestError, match="unpadded=true gives attention tensors of other sizes"):
        check_strategies(Plain(), settings(compile=True, unpadded=True))
    task = Plain()
    monkeypatch.setattr(Plain, "generates", True)
    with pytest.raises(RequestError, match="Plain has too many of them"):
        check_strategies(task, settings(**GRAPHS))


def test_several_processes_are_refused():
    session = make_session(Layered(), FEATURES, **GRAPHS)
    check_model_for_strategies(session)
    session.accelerator = SimpleNamespace(num_processes=2)
    with pytest.raises(RequestError, match="without the exchange between processes"):
        check_model_for_strategies(session)


@pytest.mark.parametrize("method", [Contrastive, LinearProbe, Untrained])
def test_methods_without_such_steps_refuse_them(method):
    with pytest.raises(RequestError, match=f"method={method.name} has no use for cuda_graphs=True"):
        method().check(Plain(), settings(**GRAPHS))


@pytest.mark.parametrize("method", [LinearProbe, Untrained])
def test_methods_without_training_refuse_unpadded_attention(method):
    with pytest.raises(RequestError, match=f"method={method.name} has no use for unpadded=True"):
        method().check(Plain(), settings(unpadded=True))
