"""A linear probe as the result of a run or as the start of training: encode once, fit, choose, say what was found."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from taskzoo.data.features import lengths_of
from taskzoo.errors import RequestError
from taskzoo.option_names import option_name
from taskzoo.types import LOSS, Feature

from .events import tell
from .label_spreading import UNKNOWN, spread_labels
from .last_layer import Inputs, Seen, decode_seen, encode_once, last_linear, loss_of
from .progress import Progress, Silent
from .ridge import ProbeData, fit_probe
from .scoring import MAX_EXAMPLES, Decoded, assemble, score
from .session import Session

SHARE_OF_TIME, TIMED = 0.1, 64
"""Where time is limited, the share of it that encoding a split for a start may take, as so many features tell."""
START_TEXTS, START_TOKENS, START_LOGITS = 20_000, 60_000, 3_000_000
"""The most that a probe is fitted on which training only starts from: texts, tokens of a head on tokens, and logits."""


def fit_last_layer(session: Session, *, start: bool = False) -> Progress:
    """Fit the last layer to the training rows, and to unlabelled texts to which the labels spread.

    ``start``: training starts from it, so a sample of large data suffices, and the head may be one on tokens. The
    scores are then those of an evaluation on the validation rows; none if only some were looked at.

    Raises:
        TrainingError: the vectors are not finite.
        Interrupted: stopped on request.
    """
    facts: dict[str, Any] = {}
    began, encoded = time.perf_counter(), session.encoded
    chosen = {split: encoded[split].features for split in ("train", "validation") if split in encoded}
    if start:
        chosen = {split: _sample(session, features) for split, features in chosen.items()}
    features = chosen["train"]
    train = encode_once(session, features, "encoding train", tokens=start)
    given = ProbeData(train, np.array([f.row for f in features])[train.features.cpu().numpy()])
    given.of_tokens, given.quick = start and bool(session.task.token_target), start
    if session.anchored:
        given.anchor = [value.detach().clone() for value in last_linear(session.model).parameters()]
    seen: list[Seen] = []
    if "validation" in chosen:
        given.validation = encode_once(session, chosen["validation"], "encoding validation", tokens=start, seen=seen)
    if session.unlabelled:
        given.further = encode_once(session, session.unlabelled, "encoding unlabelled")
        given.further, facts = _spread(session, given.train, given.further)
    found, weighting = _fit(session, given, seen, chosen.get("validation", []))
    tell(session.callbacks, session.reporter, "fitted", {"step": 0, "probe": found | facts})
    session.reporter.say(
        f"last layer fitted with ridge penalty {found['penalty']:g} (selected by {found['chosen_by']})"
    )
    all_seen = start and bool(seen) and chosen["validation"] is encoded["validation"].features
    scores = _scores(session, seen, chosen["validation"]) if all_seen else {}
    seconds, tokens = time.perf_counter() - began, sum(f.length for f in features)
    return Progress(step=1, tokens=tokens, seconds=seconds, weighting=weighting, scores=scores)


def _fit(
    session: Session, given: ProbeData, seen: Sequence[Seen], features: Sequence[Feature]
) -> tuple[dict[str, Any], str]:
    """The facts of the fit, and the weighting of the classes, if the task has several: the best on ``features``."""
    model, task, seed = session.model, session.task, session.settings.seed
    score = task.score_of(task.primary_metric)
    if given.validation is None or len(task.class_weightings) < 2 or score.describes(LOSS.name):
        return fit_probe(model, task, given, seed=seed), ""
    layer, scores = last_linear(model), dict[str, float]()
    best, facts, weights = "", dict[str, Any](), dict[str, Tensor]()
    names = task.class_weightings
    if len({feature.get("target") for feature in features}) == 1:  # which is right wherever the other is never found
        names = names[1:2]
        session.reporter.say(f"class weights {names[0]}: the validation rows have one class only, and cannot choose")
    for name in names:
        task.weigh_classes(name)
        found = fit_probe(model, task, given, seed=seed)
        scores[name] = _scores(session, seen, features)[task.primary_metric]
        if not best or score.better(scores[name], scores[best]):
            best, facts = name, found
            weights = {part: value.clone() for part, value in layer.state_dict().items()}
    layer.load_state_dict(weights)
    task.weigh_classes(best)
    if len(scores) > 1:
        tried = ", ".join(f"{name} {value:.4f}" for name, value in scores.items())
        session.reporter.say(
            f"class weights {best}: the best validation {task.primary_metric} of the linear probe ({tried})"
        )
    return facts | {"class_weights": best, "class_weights_scores": scores}, best


def _scores(session: Session, seen: Sequence[Seen], features: Sequence[Feature]) -> dict[str, float]:
    """The scores of the last layer as it is on ``features``, which are some of the validation rows."""
    examples, task = session.examples["validation"], session.task
    decoded = decode_seen(session, seen, features, len(examples))
    rows = sorted({feature.row for feature in features})
    if len(rows) < len(examples):
        examples, decoded = [examples[row] for row in rows], Decoded([decoded.parts[row] for row in rows], decoded.loss)
    return score(task, examples, assemble(task, examples, decoded)).scores


def _sample(session: Session, features: Sequence[Feature]) -> Sequence[Feature]:
    """Features that are fitted in seconds, drawn with the seed of the run where there are more."""
    logits = START_LOGITS // last_linear(session.model).out_features
    order = np.random.default_rng(session.settings.seed).permutation(len(features))
    if session.task.token_target:
        lengths = lengths_of(features)[0][order]
        kept = int(np.searchsorted(lengths.cumsum(), min(START_TOKENS, logits), side="right"))
    else:
        kept = min(START_TEXTS, logits)
    if session.ends is not None and len(features) > TIMED:
        kept = min(kept, _affordable(session, [features[i] for i in order[:TIMED]], session.ends))
    return features if kept >= len(features) else [features[i] for i in sorted(order[: max(kept, 1)])]


def _affordable(session: Session, few: list[Feature], ends: float) -> int:
    """How many features like ``few`` can be encoded in the share of the time limit that a start may take."""
    began = time.perf_counter()
    encode_once(replace(session, reporter=Silent()), few, "timing", tokens=True)
    now = time.perf_counter()
    return max(len(few), int(SHARE_OF_TIME * (ends - now) / (now - began) * len(few)))


def _spread(session: Session, train: Inputs, unlabelled: Inputs) -> tuple[Inputs, dict[str, Any]]:
    """The unlabelled examples with the classes that the labelled ones' neighbours give them, and facts of that."""
    known = np.array([feature["target"] for feature in session.encoded["train"].features])
    found = spread_labels(train.vectors, known, unlabelled.vectors)
    reached = np.flatnonzero(found != UNKNOWN)
    examples = unlabelled.take(reached)
    for start in range(0, len(reached), MAX_EXAMPLES):
        chunk = [(session.unlabelled[i], int(found[i])) for i in reached[start : start + MAX_EXAMPLES]]
        features = [replace(feature, values={**feature.values, "target": target}) for feature, target in chunk]
        for name, values in session.collate(features).targets.items():
            examples.targets[name][start : start + MAX_EXAMPLES] = torch.as_tensor(values)
    session.reporter.say(f"labels spread to {len(reached):,} of {len(found):,} unlabelled texts")
    return examples, {"labels_spread_to": len(reached), "unlabelled": len(found)}


def check_probe(session: Session, *, tokens: bool = False) -> None:
    """Try :func:`fit_last_layer` on one training example.

    A :class:`RequestError` if the head or the loss does not suit, or unlabelled texts, as a row has not one class.
    """
    features = session.encoded["train"].features
    if session.unlabelled and not all(type(feature.get("target")) is int for feature in features):
        needs = "requires exactly one class per row; leave it out for multi-label data and for numbers"
        raise RequestError(f"{option_name('unlabelled')} {needs}.")
    inputs = encode_once(replace(session, reporter=Silent(), stop=lambda: False), features[:1], "", tokens=tokens)
    with torch.no_grad():
        loss_of(session.task, last_linear(session.model)(inputs.vectors), inputs.targets)
