"""The engine on a CUDA device: precisions, overflow, memory, resuming, random numbers, and no waiting."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.core.engine.kit import TaggingTask, distance, make_features, make_tagger, same, weights

from taskzoo.engine.batches import to_device
from taskzoo.engine.checkpoint import TrainingState
from taskzoo.engine.embeddings import used_rows_only
from taskzoo.engine.precision import resolve_precision
from taskzoo.engine.random_state import RandomState, seeded
from taskzoo.errors import Interrupted, PluginError, TrainingError
from taskzoo.types import Batch, Loss

from .kit import PLAN, Lines, fit_on_device

FEATURES = make_features(38)
PRECISIONS = ("fp32", "bf16", "fp16")


def test_auto_is_bf16_where_the_device_has_it():
    assert resolve_precision("auto") == ("bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32")
    assert resolve_precision("fp16", family="bert") == "fp16"


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_training_learns_in_every_precision(precision, optimizer, tmp_path):
    model, lines = make_tagger(), Lines()
    rate = {"adamw": 0.03, "sgd": 0.5}[optimizer]
    fit_on_device(
        model,
        FEATURES,
        tmp_path,
        precision,
        lines=lines,
        optimizer=optimizer,
        learning_rate=rate,
        epochs=12,
        batch_size=8,
    )
    assert next(model.parameters()).device.type == "cuda"
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert lines.steps[-1]["loss"] < 0.5 * lines.steps[0]["loss"]


def test_the_weights_are_those_of_a_cpu(tmp_path):
    on_cpu, on_gpu = make_tagger(), make_tagger()
    fit_on_device(on_cpu, FEATURES, tmp_path / "cpu", cpu=True, **PLAN)
    assert next(on_cpu.parameters()).device.type == "cpu"
    fit_on_device(on_gpu, FEATURES, tmp_path / "gpu", **PLAN)
    here = {name: tensor.cpu() for name, tensor in weights(on_gpu).items()}
    assert distance(weights(on_cpu), here) < 1e-4


class Overflowing(TaggingTask):
    """A task whose scaled loss has an infinite gradient in the ``number``-th forward pass."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._left = number

    def loss(self, outputs, batch, *, label_smoothing=0.0):
        loss = super().loss(outputs, batch, label_smoothing=label_smoothing)
        self._left -= 1
        return Loss(loss.total * 1e36, loss.weight, loss.total.detach()) if self._left == 0 else loss


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_an_overflow_of_fp16_skips_one_step_and_its_place_in_the_schedule(optimizer, tmp_path):
    settings = {"batch_size": 38, "epochs": 6, "schedule": "linear", "learning_rate": 0.01, "optimizer": optimizer}
    model, lines = make_tagger(), Lines()
    fit_on_device(model, FEATURES, tmp_path / "a", "fp16", task=Overflowing(3), lines=lines, **settings)
    rates = [line["learning_rate"] for line in lines.steps]
    assert len(rates) == 6
    assert rates[2] == rates[3]  # the first two may overflow as well, until the scale has found its place
    assert rates[0] >= rates[1] >= rates[2] > rates[5]
    assert all(bool(torch.isfinite(p).all()) for p in model.parameters())


@pytest.mark.parametrize("precision", PRECISIONS)
def test_resumed_training_ends_as_an_uninterrupted_one_bit_for_bit(precision, tmp_path, repeatable):
    settings = {**PLAN, "optimizer": "adamw", "learning_rate": 0.01, "log_every": 1}
    whole, lines = make_tagger(dropout=0.3), Lines()
    with seeded(1):
        fit_on_device(whole, FEATURES, tmp_path / "whole", precision, lines=lines, **settings)
    broken, seen = make_tagger(dropout=0.3), Lines()
    with seeded(1), pytest.raises(Interrupted):
        fit_on_device(
            broken, FEATURES, tmp_path / "broken", precision, lines=seen, stop=lambda: len(seen.steps) >= 6, **settings
        )
    again = make_tagger(dropout=0.3, seed=5)
    with seeded(9):
        fit_on_device(again, FEATURES, tmp_path / "broken", precision, lines=seen, **settings)
    assert [line["loss"] for line in seen.steps] == [line["loss"] for line in lines.steps]
    assert same(weights(whole), weights(again))


def test_the_random_state_of_the_device_is_kept_and_put_back():
    state = RandomState.here()
    assert state.cuda is not None
    drawn = torch.rand(4, device="cuda")
    with seeded(3):
        torch.rand(4, device="cuda")
    following = torch.rand(4, device="cuda")
    state.put_back()
    assert torch.equal(torch.rand(4, device="cuda"), drawn)
    assert torch.equal(torch.rand(4, device="cuda"), following)


class Hungry(TaggingTask):
    """A task whose forward pass takes 100 MiB of the device for each example."""

    def forward(self, model, batch):
        ids = batch.inputs["input_ids"]
        torch.empty(len(ids), 100 * 2**20, dtype=torch.uint8, device=ids.device)
        return super().forward(model, batch)


def test_a_device_that_runs_out_of_memory_gets_fewer_examples_at_once(tmp_path):
    settings = {"batch_size": 32, "max_steps": 3}
    expected, found, said = make_tagger(), make_tagger(), []
    fit_on_device(expected, FEATURES, tmp_path / "a", micro_batch_size=8, **settings)
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 1.2 * 2**30) / total)
    try:
        progress = fit_on_device(found, FEATURES, tmp_path / "b", task=Hungry(), say=said.append, **settings)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert progress.micro_batch_size == 8
    assert [line.split(":")[0] for line in said if "memory" in line] == [
        f"warning   the memory ran out with {number} examples at once" for number in (32, 16)
    ]
    assert distance(weights(expected), weights(found)) < 1e-5


class Diverging(TaggingTask):
    """A task whose gradient is not finite in the ``number``-th forward pass."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._left = number

    def loss(self, outputs, batch, *, label_smoothing=0.0):
        loss = super().loss(outputs, batch, label_smoothing=label_smoothing)
        self._left -= 1
        return Loss(loss.total * float("inf"), loss.weight, loss.total.detach()) if self._left == 0 else loss


@pytest.mark.parametrize("every", [1, 100])
def test_a_gradient_that_is_not_finite_stops_the_run_and_the_last_good_state_is_kept(every, tmp_path):
    settings = {"batch_size": 8, "epochs": 3, "log_every": every, "checkpoint_every": 2}
    with pytest.raises(TrainingError, match="not finite at step 6"):
        fit_on_device(make_tagger(), FEATURES, tmp_path, task=Diverging(6), **settings)
    state = TrainingState(tmp_path / "checkpoints")
    assert state.saved_step() == 4
    assert all(bool(torch.isfinite(tensor).all()) for tensor in state._read().model.values())


class Watching(TaggingTask):
    """A task during whose steps 3 to 8 whatever waits for the device is an error."""

    calls = 0

    def forward(self, model, batch):
        self.calls += 1
        if self.calls == 3:
            torch.cuda.set_sync_debug_mode("error")
        if self.calls == 9:
            torch.cuda.set_sync_debug_mode("default")
        return super().forward(model, batch)


@pytest.mark.parametrize("optimizer", ["adamw", "momentum"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_steps_between_lines_of_the_log_do_not_wait_for_the_device(precision, optimizer, tmp_path):
    settings = {"batch_size": 4, "epochs": 2, "log_every": 1000, "max_grad_norm": 1.0, "learning_rate": 0.01}
    task = Watching()
    try:
        fit_on_device(make_tagger(), FEATURES, tmp_path, precision, task=task, optimizer=optimizer, **settings)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert task.calls == 20


def test_a_batch_arrives_on_the_device_as_it_was():
    ids, text = np.arange(10_000).reshape(100, 100), ["a", "b"]
    batch = to_device(Batch({"ids": ids}, {"flags": torch.tensor([True, False]), "text": text}), torch.device("cuda"))
    assert batch.inputs["ids"].device.type == batch.targets["flags"].device.type == "cuda"
    assert np.array_equal(batch.inputs["ids"].cpu().numpy(), ids)
    assert batch.targets["text"] is text


@pytest.fixture
def encoder():
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    size = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    return BertModel(BertConfig(vocab_size=100, **size)).cuda().eval()


def test_a_table_of_the_used_rows_is_the_same_function(encoder):
    ids = torch.tensor([[5, 7, 9, 5]], device="cuda")
    with torch.no_grad():
        expected = encoder(input_ids=ids).last_hidden_state
        with used_rows_only(encoder, [5, 7, 9]) as rows:
            assert rows == 4  # and the pad token
            found = encoder(input_ids=ids).last_hidden_state
        assert torch.equal(encoder(input_ids=ids).last_hidden_state, expected)
    assert torch.equal(found, expected)


def test_a_token_that_is_not_in_the_table_is_refused_at_first_or_in_the_end(encoder):
    known, unknown = torch.tensor([[5, 7]], device="cuda"), torch.tensor([[5, 42]], device="cuda")
    with used_rows_only(encoder, [5, 7]), pytest.raises(PluginError, match="token 42, which no feature"):
        encoder(input_ids=unknown)
    encoder.train()
    reached = False
    with pytest.raises(PluginError, match="token 42, which no feature"), used_rows_only(encoder, [5, 7]):  # noqa: PT012
        encoder(input_ids=known)
        encoder(input_ids=unknown)
        reached = True
    assert reached
    with torch.no_grad():
        assert encoder(input_ids=unknown).last_hidden_state.isfinite().all()


def test_features_without_rows_on_disk_are_predicted_in_their_order(tmp_path):
    """The batches are made one ahead by a thread."""
    from taskzoo.engine.evaluation import Predictor
    from taskzoo.engine.precision import make_accelerator
    from taskzoo.types import Encoded

    model, task = make_tagger().cuda(), TaggingTask()
    features = [replace(feature, row=row) for row, feature in enumerate(make_features(60, seed=3))]
    predictor = Predictor(task, model, None, make_accelerator("fp32"), 40)
    found = predictor.decode(Encoded(features), len(features))
    assert [len(parts[0]) for parts in found.parts] == [feature.length for feature in features]
    with torch.no_grad():
        for feature, parts in zip(features, found.parts, strict=True):
            logits = model(torch.tensor([feature["input_ids"]], device="cuda")).logits
            assert parts[0] == logits[0].argmax(-1).tolist()
