"""The ways of training: what ``--method`` names, each from a prepared run to trained weights."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from taskzoo.config import Training
from taskzoo.engine.progress import Reporter
from taskzoo.errors import RequestError

from .data import UNLABELLED

if TYPE_CHECKING:
    from taskzoo.engine.checkpoint import Checkpoints
    from taskzoo.engine.probe import Inputs
    from taskzoo.engine.trainer import Progress

    from .plan import Plan
    from .prepare import Prepared

Evaluate = Callable[[Any], dict[str, float]]
PIECE = 128
"""Features that are collated at once where only their targets are wanted."""


def train_by_method(
    plan: Plan, prepared: Prepared, checkpoints: Checkpoints, history: Path, reporter: Reporter, evaluate: Evaluate
) -> Progress:
    """Train ``prepared.trained`` in place.

    ``full`` and ``lora`` go through the training loop with the task's loss, with ``probe_first`` from a head that fits
    the backbone as it is, so that a random one does not spoil it (Kumar et al. 2022). ``linear-probe`` encodes each
    text once and solves for the last layer. ``contrastive`` first trains the backbone on pairs, then adds such a layer.
    The layer of these two also learns from unlabelled texts, to which the labels spread.

    Raises:
        RequestError: the task or its head does not suit the method.
        TrainingError, Interrupted: as :func:`taskzoo.engine.trainer.train`.
    """
    from taskzoo.engine.embeddings import used_rows_only

    training = plan.config.training
    if training.method == "linear-probe":
        return _probe(plan, prepared, history, reporter)
    writes_inputs = hasattr(plan.task, "generate") and not prepared.model.config.is_encoder_decoder
    some = training.compact_embeddings and not writes_inputs  # what a decoder writes, it reads: any token may come
    compact = used_rows_only(prepared.model, prepared.token_ids()) if some else nullcontext()
    with compact:
        if training.method == "contrastive":
            progress = _pairs(training, prepared, checkpoints, history, reporter)
            probe = _probe(plan, prepared, history, reporter)
            progress.seconds += probe.seconds
            progress.tokens += probe.tokens
            return progress
        from taskzoo.engine.trainer import train

        if prepared.probe_first and not checkpoints.exists():
            _probe(plan, prepared, history, reporter)
        return train(
            prepared.trained, plan.task, prepared.encoded["train"].features, prepared.collate, training,
            prepared.accelerator, checkpoints, history=history, reporter=reporter,
            evaluate=evaluate if plan.splits.rows["validation"] else None,
        )  # fmt: skip


def check_method(plan: Plan, prepared: Prepared) -> None:
    """Refuse a method that does not suit before anything is written.

    Raises:
        RequestError: several processes, a head without one vector per text, rows without one class each, or pairs that
            would train nothing.
    """
    from taskzoo.engine.contrastive import by_class, split_names
    from taskzoo.engine.probe import last_linear

    training, features = plan.config.training, prepared.encoded["train"].features
    method = training.method
    alone = method in ("linear-probe", "contrastive")
    if not alone and not training.probe_first:
        if training.probe_first is None and getattr(plan.task, "probe_first", False):
            prepared.probe_first = prepared.accelerator.num_processes == 1 and _has_vectors(prepared)
        return
    prepared.probe_first = not alone
    if alone and prepared.accelerator.num_processes > 1:
        raise RequestError(f"method={method} runs in one process; leave --processes at 1.")
    if method == "contrastive":
        by_class(split_names(features)[0])
        last = {id(p) for p in last_linear(prepared.model).parameters()}
        if not any(p.requires_grad and id(p) not in last for p in prepared.model.parameters()):
            raise RequestError("method=contrastive trains what is before the last layer, and all of that is frozen.")
    if prepared.unlabelled and not all(type(feature["target"]) is int for feature in features):
        raise RequestError("--unlabelled needs exactly one class per row; leave it out for several labels or numbers.")
    _encode_one(prepared)


def _encode_one(prepared: Prepared) -> None:
    from taskzoo.engine.probe import encode_once

    feature = prepared.encoded["train"].features[:1]
    encode_once(prepared.model, feature, prepared.collate, prepared.accelerator, max_tokens=1, advance=lambda _: None)


def _has_vectors(prepared: Prepared) -> bool:
    """Whether the head works on one vector per text."""
    try:
        _encode_one(prepared)
    except RequestError:
        return False
    return True


def _pairs(
    training: Training, prepared: Prepared, checkpoints: Checkpoints, history: Path, reporter: Reporter
) -> Progress:
    from taskzoo.engine import contrastive
    from taskzoo.engine.trainer import train

    texts, names = contrastive.split_names(prepared.encoded["train"].features)
    pairs = contrastive.make_pairs(texts, training.contrastive_pairs, training.seed)
    objective: Any = contrastive.ContrastiveObjective(training.contrastive_temperature)
    start = contrastive.trained_weights(prepared.model) if training.pretrained_share else {}
    progress = train(
        contrastive.PairEncoder(prepared.model), objective, pairs, contrastive.pair_collator(prepared.collate, names),
        training, prepared.accelerator, checkpoints, history=history, reporter=reporter,
    )  # fmt: skip
    contrastive.average_weights(prepared.model, start, training.pretrained_share)
    return progress


def _probe(plan: Plan, prepared: Prepared, history: Path, reporter: Reporter) -> Progress:
    import json

    from taskzoo.engine.probe import encode_once, fit_probe
    from taskzoo.engine.trainer import Progress

    accelerator, training = prepared.accelerator, plan.config.training
    began = time.perf_counter()
    inputs = {}
    features_of = {split: encoded.features for split, encoded in prepared.encoded.items()}
    features_of[UNLABELLED] = prepared.unlabelled
    for split in ("train", "validation", UNLABELLED):
        if features := features_of.get(split):
            with reporter.bar(f"encoding {split}", len(features)) as bar:
                done = 0

                def advance(count: int) -> None:
                    nonlocal done
                    done += count
                    bar.update(done)

                inputs[split] = encode_once(
                    prepared.model, features, prepared.collate, accelerator,
                    max_tokens=training.evaluation_tokens, advance=advance,
                )  # fmt: skip
    features = prepared.encoded["train"].features
    rows = np.array([feature["row"] for feature in features])
    more: Inputs | None = None
    spread: dict[str, Any] = {}
    if UNLABELLED in inputs:
        more, spread = _spread(prepared, inputs["train"], inputs[UNLABELLED], reporter)
    facts = fit_probe(
        prepared.model, plan.task, inputs["train"], inputs.get("validation"), rows, seed=training.seed, more=more
    )
    facts |= spread
    if accelerator.is_main_process:
        lines = history.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = "".join(line for line in lines if '"probe"' not in line)  # a run that was stopped may have one
        history.write_text(kept + json.dumps({"step": 0, "probe": facts}) + "\n", encoding="utf-8")
    reporter.say(f"linear layer solved with ridge {facts['penalty']:g} (chosen by {facts['chosen_by']})")
    tokens = sum(len(feature["input_ids"]) for feature in features)
    return Progress(step=1, tokens=tokens, seconds=time.perf_counter() - began)


def _spread(prepared: Prepared, train: Inputs, unlabelled: Inputs, reporter: Reporter) -> tuple[Inputs, dict[str, Any]]:
    """The unlabelled examples with the classes that the labelled ones' neighbours give them, and facts of that."""
    from taskzoo.engine.spreading import UNKNOWN, spread_labels

    known = np.array([feature["target"] for feature in prepared.encoded["train"].features])
    found = spread_labels(train.vectors, known, unlabelled.vectors)
    reached = np.flatnonzero(found != UNKNOWN)
    examples = unlabelled.take(reached)
    for start in range(0, len(reached), PIECE):
        features = [{**prepared.unlabelled[i], "target": int(found[i])} for i in reached[start : start + PIECE]]
        for name, values in prepared.collate(features)["targets"].items():
            examples.targets[name][start : start + PIECE] = values
    reporter.say(f"labels spread to {len(reached):,} of {len(found):,} unlabelled texts")
    return examples, {"labels_spread_to": len(reached), "unlabelled": len(found)}
