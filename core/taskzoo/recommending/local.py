"""What can be measured of a model that is on this machine, on the rows themselves."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from transformers import PreTrainedTokenizerBase

from taskzoo.engine.progress import Reporter
from taskzoo.engine.random_state import seeded
from taskzoo.engine.session import Session
from taskzoo.errors import RequestError
from taskzoo.models.text_fit import TextFit, measure_fit
from taskzoo.runs.loading import load_session
from taskzoo.runs.plan import Plan
from taskzoo.runs.reporters import BarsOnly

from .forecast import ProbeScore
from .probe import FOLDS, grown, probe_score, sample
from .result import Estimate, Reading
from .timing import Speed, forecast_minutes, measure_speed


@dataclass(frozen=True, slots=True)
class Looked:
    """What was measured of one model.

    Args:
        probe: the probe's score, or why there is none.
        minutes: method -> time that training takes, for the methods that suit.
        speed: of training steps.
        fit: what its tokenizer makes of the texts, where it has one.
        tokens: length of the 95th percentile of the training rows, in tokens.
    """

    probe: ProbeScore | str
    minutes: dict[str, Estimate]
    speed: Speed
    fit: TextFit | None
    tokens: int


def look_at(
    plans: dict[str, Plan], reporter: Reporter, stop: Callable[[], bool], wanted: Callable[[ProbeScore], bool]
) -> Looked:
    """Probe one model and time its training.

    Args:
        plans: method -> the plan of a run with it, all of one model.
        reporter: where progress is shown.
        stop: asked whether to stop.
        wanted: whether anything is forecast from the probe's score, and so what further rows add to it.

    Raises:
        RequestError: the model cannot be loaded, or does not suit.
        Interrupted: stopped on request.
    """
    plan = next(iter(plans.values()))
    quiet = BarsOnly(reporter)
    began = time.perf_counter()
    probe = _unless_refused(lambda: probe_score(plan, quiet, stop))
    fitting = (time.perf_counter() - began) / (FOLDS + 1)
    if not isinstance(probed := probe, str) and wanted(probed):
        probe = _unless_refused(lambda: grown(plan, probed, quiet, stop))
    part = sample(plan)
    share = len(part.splits.examples["train"]) / len(plan.splits.examples["train"])
    # any head can be loaded for training all weights, which is what is timed
    training = replace(part.config.training, method="full", gradient_checkpointing=False)
    part = replace(part, config=replace(part.config, training=training))
    with tempfile.TemporaryDirectory(prefix="taskzoo-") as folder, seeded(plan.config.training.seed):
        session = load_session(part, quiet, Path(folder)).session
        speed = measure_speed(session, stop)
        minutes = {
            name: found for name, one in plans.items() if (found := _minutes(one, session, speed, share, fitting))
        }
    texts, _ = plan.task.vocabulary_texts(part.splits.examples["train"])
    has_words = isinstance(session.processor, PreTrainedTokenizerBase) and bool(texts)
    fit = measure_fit(session.processor, texts) if has_words else None
    lengths = [feature.length for feature in session.encoded["train"].features]
    return Looked(probe, minutes, speed, fit, int(np.percentile(lengths, 95)))


def _unless_refused(make: Callable[[], ProbeScore]) -> ProbeScore | str:
    """What is made, or why it cannot be."""
    try:
        return make()
    except RequestError as error:
        return str(error).rstrip(".")


def _minutes(plan: Plan, session: Session, speed: Speed, share: float, fitting: float) -> Estimate | None:
    """The time of the plan's method; ``None`` where it does not suit task or head."""
    method, session = plan.method(), replace(session, settings=plan.config.training)
    try:
        method.check_model(session)
        return forecast_minutes(method, session, speed, share=share, fitting=fitting)
    except RequestError:
        return None


def reading_of(listed: Reading, fit: TextFit | None) -> Reading:
    """What the catalogue says, corrected by what the tokenizer makes of the texts."""
    if fit is None:
        return listed
    if fit.loses_words:
        return Reading("no", f"it does not know {fit.unknown:.0%} of the tokens of these texts")
    if fit.splits_words and listed.word != "yes":
        pieces = f"its tokenizer divides a word into {fit.tokens_per_word:.1f} tokens on average"
        return Reading("no", f"{listed.reason}: {pieces}")
    return listed
