"""Layers as CUDA graphs: the same weights as without, for every shape and while weights change."""

from __future__ import annotations

import copy

import pytest
import torch
from tests.core.engine.kit import distance, make_features, weights
from tests.core.engine.test_cuda_graphs import Layered

from taskzoo.engine.compiling import as_they_are, begin_step, compiled_layers

from .kit import fit_on_device
from .test_runs import TEXTS, checkpoint, classified

__all__ = ["checkpoint"]
WIDTHS = (32, 64, 32)


@pytest.fixture(autouse=True)
def forgotten():
    """What was compiled and recorded is gone afterwards, and its memory with it."""
    yield
    torch._dynamo.reset()


def recorded():
    """How many graphs this thread has recorded."""
    from torch._inductor import cudagraph_trees

    manager = cudagraph_trees.get_container(torch.cuda.current_device()).tree_manager
    return 0 if manager is None else manager.new_graph_id().id


def test_replayed_layers_give_the_gradients_of_plain_ones():
    """Steps in which a shape is warmed up, recorded and replayed, in turn with another one, as weights change."""
    graphs = Layered().cuda()
    plain = copy.deepcopy(graphs)
    optimizers = [torch.optim.AdamW(model.parameters(), lr=0.01, fused=True) for model in (graphs, plain)]
    with compiled_layers(graphs, graphs=True):
        for step in range(12):
            ids = torch.randint(1, 40, (4, WIDTHS[step % 3]), device="cuda")
            begin_step()
            for model, optimizer in zip((graphs, plain), optimizers, strict=True):
                (model(ids).logits ** 2).mean().backward()
                for parameter in model.parameters():
                    parameter.grad.mul_(0.5)
                optimizer.step()
            for one, other in zip(graphs.parameters(), plain.parameters(), strict=True):
                torch.testing.assert_close(one.grad, other.grad, rtol=1e-3, atol=1e-5)
            for optimizer in optimizers:
                optimizer.zero_grad()
            with as_they_are(compiled=True), torch.no_grad():
                torch.testing.assert_close(graphs(ids).logits, plain(ids).logits, rtol=1e-3, atol=1e-4)
        assert recorded() >= 8  # two shapes, two layers, there and back
    assert recorded() == 0
    assert distance(weights(graphs), weights(plain)) < 1e-3


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_training_ends_with_the_same_weights(precision, tmp_path):
    settings = {"batch_size": 8, "epochs": 6, "optimizer": "adamw", "learning_rate": 0.01, "precision": precision}
    features, plain, graphs = make_features(38), Layered(), Layered()
    fit_on_device(plain, features, tmp_path / "plain", **settings)
    fit_on_device(graphs, features, tmp_path / "graphs", compile=True, cuda_graphs=True, **settings)
    assert distance(weights(plain), weights(graphs)) < (1e-3 if precision == "fp32" else 5e-2)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_run_learns_what_a_plain_one_does(precision, checkpoint, tmp_path):
    settings = {"method": "full", "precision": precision, "probe_first": False, "epochs": 6}
    plain = classified(checkpoint, tmp_path / "plain", **settings)
    graphs = classified(checkpoint, tmp_path / "graphs", compile=True, cuda_graphs=True, **settings)
    for here, there in zip(plain.predict(TEXTS), graphs.predict(TEXTS), strict=True):
        assert here["scores"] == pytest.approx(there["scores"], abs=1e-2 if precision == "fp32" else 0.1)
