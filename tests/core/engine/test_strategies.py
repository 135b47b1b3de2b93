"""Each training strategy does what its formula says."""

from __future__ import annotations

import math
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from transformers import AutoModelForSeq2SeqLM, AutoModelForTokenClassification, BertConfig, BertPreTrainedModel

from taskzoo.config import SCHEDULE_FREE
from taskzoo.engine import trainer
from taskzoo.engine.averaging import averaged, decay_after, keep_average, put_average
from taskzoo.engine.checkpoint import TrainingState
from taskzoo.engine.freezing import GradualUnfreezing, parameters_by_depth
from taskzoo.engine.further_optimizers import MuonWithAdamW, hidden_matrices
from taskzoo.engine.job import Job
from taskzoo.engine.optim import build_optimizer
from taskzoo.engine.random_state import random_states
from taskzoo.engine.strategies import applying
from taskzoo.engine.strategies.adversarial import Adversarial
from taskzoo.engine.strategies.distillation import Distillation, taught
from taskzoo.engine.strategies.embeddings import changed, token_embeddings
from taskzoo.engine.strategies.neftune import Neftune
from taskzoo.engine.strategies.rdrop import RDrop
from taskzoo.errors import RequestError
from taskzoo.models.divergence import divergence
from taskzoo.types import IGNORE_INDEX, LogitTargets

from .kit import LABELS, TaggingTask, collate, distance, fit, make_features, make_tagger, same, settings, weights

FEATURES = make_features(38)


class TokenTask(TaggingTask):
    """Whose logits can be compared."""

    token_target = "labels"


class PretrainedTagger(BertPreTrainedModel):
    """The tagger as a model that says which table it reads."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__(BertConfig())
        self.inner = make_tagger(dropout)

    def get_input_embeddings(self) -> nn.Module:
        return self.inner.embeddings

    def forward(self, input_ids: torch.Tensor) -> object:
        return self.inner(input_ids)


def of_family(tiny, family: str) -> nn.Module:
    torch.manual_seed(0)
    if family == "t5":
        return AutoModelForSeq2SeqLM.from_pretrained(tiny("t5"))
    return AutoModelForTokenClassification.from_pretrained(tiny(family), num_labels=LABELS)


# layers

PLACES = {  # a part of a parameter's name -> how many layers are above it; there are two layers
    "bert": {"embeddings": 3, "layer.0.": 2, "layer.1.": 1, "classifier": 0},
    "gpt2": {"wte": 3, "wpe": 3, "h.0.": 2, "h.1.": 1, "ln_f": 0, "classifier": 0, "score": 0},
    "t5": {"shared": 3, "block.0.": 2, "block.1.": 1, "final_layer_norm": 0, "lm_head": 0},
}


@pytest.mark.parametrize("family", PLACES)
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_the_rate_of_each_layer_is_that_of_the_formula(tiny, family, optimizer):
    model = of_family(tiny, family)
    made = build_optimizer(model, settings(layer_decay=0.5, learning_rate=1.0, optimizer=optimizer))
    rates = {id(p): group["lr"] for group in made.param_groups for p in group["params"]}
    assert rates.keys() == {id(p) for p in model.parameters()}
    if optimizer == "adamw":
        assert made.param_groups[0]["lr"] == 1.0  # the one that history shows
    for name, parameter in model.named_parameters():
        (above,) = {above for part, above in PLACES[family].items() if part in name.replace("attention", "")}
        assert rates[id(parameter)] == 0.5**above, name


def test_a_model_without_layers_has_no_depth(tiny):
    model = of_family(tiny, "bert")
    model.bert.encoder.layer = nn.Sequential(*model.bert.encoder.layer)
    with pytest.raises(RequestError, match="need a model with a list of layers"):
        parameters_by_depth(model)


def test_layers_begin_to_train_from_the_last_to_the_first(tiny, tmp_path):
    """Of 8 steps the first 4 unfreeze: the head at once, then the two layers and the embeddings at equal distances."""
    features, moved = make_features(8), []
    before: dict[str, torch.Tensor] = {}

    class Watch(TaggingTask):
        def loss(self, outputs, batch, *, label_smoothing=0.0):
            now = weights(model)
            moved.append({n for n in now if n in before and not torch.equal(now[n], before[n])})
            before.update(now)
            return super().loss(outputs, batch, label_smoothing=label_smoothing)

    model = of_family(tiny, "bert")
    values = {"optimizer": "adamw", "learning_rate": 0.01, "max_steps": 8, "batch_size": 4}
    fit(model, features, tmp_path, task=Watch(), gradual_unfreezing=0.5, **values)
    head, last, first, embeddings = (
        "classifier.",
        "bert.encoder.layer.1.",
        "bert.encoder.layer.0.",
        "bert.embeddings.",
    )
    trained = [{part for part in (head, last, first, embeddings) if any(n.startswith(part) for n in m)} for m in moved]
    # what had moved when the loss of each step was computed: the second is after the first step
    assert trained[1:] == [{head}, {head}, {head, last}, {head, last, first}] + [{head, last, first, embeddings}] * 3
    assert all(p.requires_grad for p in model.parameters())


def test_processes_that_share_a_model_compute_the_gradients_and_drop_them(tiny):
    model = of_family(tiny, "t5")  # whose head is its table of embeddings, so the last norms are what trains first
    unfreezing = GradualUnfreezing(model, 1.0, alone=False)
    assert len(unfreezing.frozen(0, 4)) > len(unfreezing.frozen(2, 4)) > len(unfreezing.frozen(4, 4)) == 0
    with unfreezing.step(0, 4):
        assert all(p.requires_grad for p in model.parameters())
        for parameter in model.parameters():
            parameter.grad = torch.ones_like(parameter)
    kept = {name for name, p in model.named_parameters() if p.grad is not None}
    assert {"encoder.final_layer_norm.weight", "decoder.final_layer_norm.weight"} <= kept
    assert not any("block" in name or "shared" in name for name in kept)


# averages


@pytest.mark.parametrize("optimizer", ["adamw", "sgd", "momentum", "adafactor", "muon"])
def test_the_average_is_the_one_computed_by_hand(optimizer):
    model = make_tagger()
    made = build_optimizer(model, settings(optimizer=optimizer, learning_rate=0.01, ema_decay=0.3))
    expected = weights(model)
    for step in range(5):
        batch = collate(FEATURES[step : step + 4])
        TaggingTask().loss(model(**batch.inputs), batch).total.backward()
        made.step()
        made.zero_grad()
        decay = min(0.3, (1 + step) / (10 + step))
        expected = {n: decay * e + (1 - decay) * model.state_dict()[n] for n, e in expected.items()}
    live = weights(model)
    with averaged(made):
        assert distance(weights(model), expected) < 1e-6 < distance(live, expected)
    assert same(weights(model), live)
    put_average(made)
    assert distance(weights(model), expected) < 1e-6
    assert decay_after(10_000, 0.99) == 0.99


def test_schedule_free_is_evaluated_and_saved_at_the_average(tmp_path):
    """Of its sequence ``z``, where all weights of the average are equal without warm-up."""
    values = {"optimizer": SCHEDULE_FREE, "learning_rate": 0.02, "adam_beta1": 0.9, "max_steps": 5, "batch_size": 8}
    seen: list[dict[str, torch.Tensor]] = []
    points: list[dict[str, torch.Tensor]] = []
    build = trainer.build_optimizer

    def watched(model, training):
        made = build(model, training)
        names = {id(p): name for name, p in model.named_parameters()}

        def note(optimizer, *_):
            points.append({names[id(p)]: state["z"].clone() for p, state in optimizer.state.items()})

        made.register_step_post_hook(note)
        return made

    def evaluate(model):
        seen.append(weights(model))
        return {"score": float(len(seen))}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer, "build_optimizer", watched)
        model = make_tagger()
        fit(model, FEATURES, tmp_path, evaluate=evaluate, evaluate_every=1, **values)
    for step in range(1, 6):
        mean = {name: sum(point[name] for point in points[:step]) / step for name in points[0]}
        assert distance(seen[step - 1], mean) < 1e-5
    assert same(weights(model), seen[-1])


@pytest.mark.parametrize("values", [{"ema_decay": 0.5, "optimizer": "adamw"}, {"optimizer": SCHEDULE_FREE}])
def test_evaluating_changes_no_weight_and_resuming_neither(tmp_path, values):
    """The best weights are averages; those that train go on as if nobody had looked."""
    plan = {"epochs": 3, "batch_size": 8, "learning_rate": 0.05, "warmup": 2, "gradual_unfreezing": 0.0, **values}
    made = {}
    for every in (1, 1000):
        folder = tmp_path / str(every)
        folder.mkdir()
        made[every], scores = make_tagger(), iter(range(100))
        fit(
            made[every], FEATURES, folder, evaluate=lambda _, s=scores: {"score": next(s)}, evaluate_every=every, **plan
        )
    assert same(weights(made[1]), weights(made[1000]))

    folder, steps = tmp_path / "parts", []
    folder.mkdir()

    def lost(features):
        steps.append(1)
        if len(steps) == 8:
            raise ZeroDivisionError
        return collate(features)

    with pytest.raises(ZeroDivisionError):
        fit(make_tagger(), FEATURES, folder, collate=lost, checkpoint_every=1, **plan)
    model = make_tagger(seed=3)
    fit(model, FEATURES, folder, checkpoint_every=1, **plan)
    assert same(weights(model), weights(made[1]))


def test_damaged_best_weights_are_written_anew_as_averages(tmp_path):
    model = make_tagger()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    keep_average(optimizer, 0.5)
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    state = TrainingState(tmp_path)
    progress = {"step": 1, "best_step": 1, "best_score": 1.0}
    state.save(model, progress, optimizer=optimizer, random=random_states(1))
    (tmp_path / "best.safetensors").write_bytes(b"damaged")
    other = make_tagger(seed=1)
    again = torch.optim.SGD(other.parameters(), lr=0.1)
    keep_average(again, 0.5)
    state.restore(other, optimizer=again)
    assert same(weights(other), weights(model))
    state.load_best(other)
    with averaged(optimizer):
        assert same(weights(other), weights(model))


# Muon


def test_muon_is_for_hidden_matrices_and_adamw_for_the_rest(tiny):
    for family in ("bert", "gpt2", "t5"):
        model = of_family(tiny, family)
        chosen = {name for name, p in model.named_parameters() if id(p) in hidden_matrices(model)}
        expected = {
            f"{name}.weight"
            for name, module in model.named_modules()
            if type(module).__name__ in ("Linear", "Conv1D") and name not in ("classifier", "score", "lm_head")
        }
        assert chosen == expected
    with pytest.raises(RequestError, match="optimizer=muon is for hidden matrices"):
        build_optimizer(nn.LayerNorm(3), settings(optimizer="muon"))


def test_muon_steps_as_both_optimizers_do_apart():
    together, apart = make_tagger(), make_tagger()
    values = {"learning_rate": 0.02, "weight_decay": 0.1}
    made = build_optimizer(together, settings(optimizer="muon", **values))
    assert isinstance(made, MuonWithAdamW)
    matrices = [apart.inner.weight, apart.outer.weight]
    rest = [p for p in apart.parameters() if all(p is not m for m in matrices)]
    plain = [apart.norm.weight, apart.norm.bias, apart.inner.bias, apart.outer.bias]
    muon = torch.optim.Muon(matrices, lr=0.02, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    groups = [{"params": [apart.embeddings.weight], "weight_decay": 0.1}, {"params": plain, "weight_decay": 0.0}]
    assert len(rest) == 5
    adamw = torch.optim.AdamW(groups, lr=0.02, eps=1e-8, fused=True)
    for step in range(3):
        batch = collate(FEATURES[step : step + 4])
        for model, optimizers in ((together, [made]), (apart, [muon, adamw])):
            TaggingTask().loss(model(**batch.inputs), batch).total.backward()
            for optimizer in optimizers:
                optimizer.step()
                optimizer.zero_grad()
    assert same(weights(together), weights(apart))


def test_muon_alone_trains_and_resumes_where_there_are_only_matrices(tmp_path):
    """As of adapters in a model without a new head."""

    def matrices(model: nn.Module) -> list[nn.Parameter]:
        model.requires_grad_(False)
        for module in (model.inner, model.outer):
            module.weight.requires_grad_()
        return [model.inner.weight, model.outer.weight]

    def step(model: nn.Module, made: torch.optim.Optimizer, first: int) -> None:
        batch = collate(FEATURES[first : first + 4])
        TaggingTask().loss(model(**batch.inputs), batch).total.backward()
        made.step()
        made.zero_grad()

    values = settings(optimizer="muon", learning_rate=0.02, weight_decay=0.1)
    models = [make_tagger() for _ in range(3)]
    plain = torch.optim.Muon(matrices(models[0]), lr=0.02, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    for model in models[1:]:
        matrices(model)
    made = [plain, *(build_optimizer(model, values) for model in models[1:])]
    state = TrainingState(tmp_path)
    for first in range(3):
        for model, optimizer in zip(models[:2], made[:2], strict=True):
            step(model, optimizer, first)
    state.save(models[1], {"step": 3, "best_step": 0, "best_score": None}, optimizer=made[1], random=random_states(1))
    state.restore(models[2], optimizer=made[2])
    for model, optimizer in zip(models, made, strict=True):
        step(model, optimizer, 3)
    assert same(weights(models[0]), weights(models[1]))
    assert same(weights(models[1]), weights(models[2]))
    assert distance(weights(models[0]), weights(make_tagger())) > 0.01


# the loss


def test_divergences_are_those_of_torch():
    torch.manual_seed(0)
    logits, others = torch.randn(5, 3), torch.randn(5, 3)
    of_labels = functional.kl_div((logits / 2).log_softmax(-1), (others / 2).softmax(-1), reduction="sum") * 2**2
    assert divergence(logits, others, "softmax", 2.0).item() == pytest.approx(of_labels.item(), rel=1e-5)
    p, q = (others / 2).sigmoid(), (logits / 2).sigmoid()
    each = p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()
    assert divergence(logits, others, "sigmoid", 2.0).item() == pytest.approx(4 * each.sum().item(), rel=1e-4)
    assert divergence(logits, others, "value", 2.0).item() == pytest.approx((logits - others).square().sum().item())


def active(logits: torch.Tensor, batch: object) -> torch.Tensor:
    return logits[batch.targets["labels"] != IGNORE_INDEX]


def test_rdrop_is_its_formula_with_fixed_masks():
    model, batch = make_tagger(dropout=0.5), collate(FEATURES)
    torch.manual_seed(1)
    one, other = (active(model(**batch.inputs).logits, batch) for _ in range(2))
    gold = batch.targets["labels"][batch.targets["labels"] != IGNORE_INDEX]
    nll = [functional.cross_entropy(each, gold, reduction="sum") for each in (one, other)]
    p, q = one.softmax(-1), other.softmax(-1)
    apart = (p * (p / q).log()).sum() + (q * (q / p).log()).sum()
    expected = (nll[0] + nll[1]) / 2 + 3.0 * apart / 2
    torch.manual_seed(1)
    objective = RDrop(TaggingTask(), TokenTask(), 3.0)
    loss = objective.loss(objective.forward(model, batch), batch)
    assert loss.total.item() == pytest.approx(expected.item(), rel=1e-5)
    assert loss.reported.item() == pytest.approx((nll[0] + nll[1]).item() / 2, rel=1e-5)
    assert loss.weight.item() == len(gold)


def test_distillation_is_its_formula(tmp_path):
    """The divergence of the softened probabilities times the square of the temperature, for the targets of each row."""
    teacher = make_tagger(seed=5)
    logits = [active(teacher(**(b := collate([f])).inputs).logits, b).detach().numpy() for f in FEATURES]
    job = taught(Job(make_tagger(), TaggingTask(), FEATURES, collate), logits)
    chosen = [3, 0, 11]
    batch = job.collate([job.features[i] for i in chosen])
    batch.targets["teacher_logits"] = torch.as_tensor(batch.targets["teacher_logits"])
    objective = Distillation(TaggingTask(), TokenTask(), temperature=2.0, share=0.75)
    outputs = objective.forward(job.model, batch)
    found = active(outputs.logits, batch)
    wanted = torch.as_tensor(np.concatenate([logits[i] for i in chosen]))
    kl = functional.kl_div((found / 2).log_softmax(-1), (wanted / 2).log_softmax(-1), log_target=True, reduction="sum")
    plain = TaggingTask().loss(outputs, batch)
    loss = objective.loss(outputs, batch)
    assert loss.total.item() == pytest.approx(0.25 * plain.total.item() + 0.75 * 4 * kl.item(), rel=1e-5)
    assert loss.reported.item() == pytest.approx(plain.total.item())
    assert [len(job.features[1:3]), len(job.features)] == [2, len(FEATURES)]


def test_neftune_is_uniform_noise_of_its_scale_in_training_alone():
    table = nn.Embedding(50, 64, padding_idx=0)
    ids = torch.tensor([[3, 4, 5, 0, 0, 0], [7, 8, 9, 10, 11, 12]])

    class Lookup(TaggingTask):
        def forward(self, model, batch):
            return model(batch)

    objective, batch = Neftune(Lookup(), [table], alpha=5.0), ids
    torch.manual_seed(0)
    plain = table(ids).detach()
    noise = torch.stack([objective.forward(table, batch).detach() - plain for _ in range(50)])
    for row, length in ((0, 3), (1, 6)):
        limit, drawn = 5.0 / math.sqrt(length * 64), noise[:, row, :length]
        assert 0.98 * limit < drawn.abs().max() <= limit * (1 + 1e-5)
        assert drawn.std().item() == pytest.approx(limit / math.sqrt(3), rel=0.05)
        assert drawn.mean().abs() < limit / 20
    assert not noise[:, 0, 3:].any()
    table.eval()
    assert torch.equal(objective.forward(table, batch), plain)
    table.train()
    assert torch.equal(table(ids), plain)  # nothing stays


@pytest.mark.parametrize("frozen", [False, True])
def test_adversarial_moves_each_sequence_by_epsilon_where_the_loss_rises(frozen):
    model = PretrainedTagger()
    tables = token_embeddings(model)
    tables[0].requires_grad_(not frozen)
    before = weights(model)
    batch, read = collate(FEATURES[:6]), []

    def watch(table, ids, output):
        read.append(output.detach())
        return output

    objective = Adversarial(TaggingTask(), tables, 0.5, nullcontext)
    made = objective.forward(model, batch)
    with changed(tables, watch):
        loss = objective.loss(made, batch)
    plain = model.inner.embeddings(batch.inputs["input_ids"]).detach().requires_grad_()
    with changed(tables, lambda table, ids, output: plain):
        first = TaggingTask().loss(model(**batch.inputs), batch)
    (gradient,) = torch.autograd.grad(first.total, plain)
    moves = [0.5 * g / g.norm() for g in gradient]
    assert [m.norm().item() for m in moves] == pytest.approx([0.5] * 6)
    with changed(tables, lambda table, ids, output: plain + torch.stack(moves)):
        second = TaggingTask().loss(model(**batch.inputs), batch)
    assert loss.total.item() == pytest.approx((first.total + second.total).item(), rel=1e-5)
    assert second.total > first.total
    assert loss.reported.item() == pytest.approx(first.total.item(), rel=1e-6)
    assert same(weights(model), before)
    loss.total.backward()
    assert (tables[0].weight.grad is None) == frozen


def test_tables_of_tokens_are_found_on_both_sides(tiny):
    model = AutoModelForSeq2SeqLM.from_pretrained(tiny("marian"))
    assert {model.model.encoder.embed_tokens, model.model.decoder.embed_tokens} <= set(token_embeddings(model))
    with pytest.raises(RequestError, match="no table of them"):
        token_embeddings(nn.Linear(2, 2))


STRATEGIES = [
    {"adversarial_epsilon": 0.1},
    {"rdrop_alpha": 1.0},
    {"ema_decay": 0.5, "optimizer": "adamw", "learning_rate": 0.01},
    {"teacher": "given", "distill_share": 0.6},
]


@pytest.fixture
def strategic(monkeypatch):
    """Training has the strategies of its settings, and logits of a teacher where one is named."""
    monkeypatch.setattr(TaggingTask, "token_target", "labels")
    logits = [
        np.float32(np.random.default_rng(f.row).normal(size=(sum(label >= 0 for label in f["labels"]), LABELS)))
        for f in FEATURES
    ]
    train = trainer._train

    def with_strategies(session, job, state):
        session.teacher = logits if session.settings.teacher else None
        return train(session, applying.with_strategies(job, session), state)

    monkeypatch.setattr(trainer, "_train", with_strategies)


@pytest.mark.parametrize("values", STRATEGIES)
def test_micro_batches_give_the_weights_of_one_batch(tmp_path, values, strategic):
    """1 x 32 and 4 x 8, without dropout."""
    results = []
    for micro_batch_size in (0, 8):
        model = PretrainedTagger()
        folder = tmp_path / str(micro_batch_size)
        folder.mkdir()
        fit(model, FEATURES, folder, epochs=2, micro_batch_size=micro_batch_size, **values)
        results.append(weights(model))
    plain = PretrainedTagger()
    fit(plain, FEATURES, tmp_path, epochs=2, **{n: v for n, v in values.items() if n in ("optimizer", "learning_rate")})
    assert distance(*results) < 3e-6
    assert values.keys() & {"rdrop_alpha"} or distance(results[0], weights(plain)) > 1e-3  # R-Drop is of dropout


def test_stopped_and_resumed_all_of_them_are_as_if_it_had_not_been(tmp_path, strategic):
    values = {name: value for each in STRATEGIES for name, value in each.items()} | {"neftune_alpha": 1.0}
    plan = {**values, "epochs": 3, "batch_size": 8, "micro_batch_size": 3, "checkpoint_every": 1}
    made, batches = [], []

    def lost(features):
        batches.append(features)
        if len(batches) == 20:
            raise ZeroDivisionError
        return collate(features)

    for name in ("whole", "parts", "parts"):
        (tmp_path / name).mkdir(exist_ok=True)
        made.append(PretrainedTagger(dropout=0.3))
        if not (tmp_path / name / "checkpoints").exists():
            torch.manual_seed(1)
        with nullcontext() if len(made) != 2 else pytest.raises(ZeroDivisionError):
            fit(made[-1], FEATURES, tmp_path / name, collate=collate if len(made) != 2 else lost, **plan)
    assert same(weights(made[0]), weights(made[2]))
    assert distance(weights(made[0]), weights(PretrainedTagger())) > 0.01


def test_nothing_is_wrapped_where_nothing_is_asked_for():
    job = Job(make_tagger(), TaggingTask(), FEATURES, collate)
    session = SimpleNamespace(settings=settings(), task=job.objective, teacher=None)
    assert applying.with_strategies(job, session) == job
    assert TokenTask().logit_targets == LogitTargets("softmax")
    assert TaggingTask().logit_targets is None
