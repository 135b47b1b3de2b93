"""The methods that ``results.py`` compares: from the rows of a job to a score with its interval and a time."""

from __future__ import annotations

import importlib.util
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from data_sets import DataSet, Draw, data_set
from few_shot import run_setfit

WHOLE_TEXTS = ("classification", "sentiment")


@dataclass(frozen=True, slots=True)
class Score:
    """A score on the test rows with its 95% bootstrap interval, and what it took.

    Attributes:
        seconds: of zoo's methods training and validation; of the others training alone.
        seen: share of the test texts that also occur in the rows that the method was given.
        said: what the summary of a run of zoo says above its scores; empty where that is nothing.
    """

    metric: str
    score: float
    low: float
    high: float
    seconds: float
    seen: float = 0.0
    said: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """What a method is given: rows, and the ``examples`` that ``task``, which is fitted on them, makes of them."""

    data: DataSet
    rows: Draw
    task: Any
    examples: Mapping[str, Sequence[Any]]
    model: str
    method: str
    seed: int


class NotForThisError(Exception):
    """The method is not for the task or the rows of a job."""


def make_job(name: str, rows: Draw, model: str, method: str, seed: int) -> Job:
    """The job of ``method`` on rows of the data set ``name``.

    Raises:
        NotForThisError: the rows leave nothing to learn, such as few rows of very uneven labels.
    """
    from taskzoo import registry
    from taskzoo.errors import RequestError
    from taskzoo.runs.data import memory_rows

    data = data_set(name)
    spec = registry.task(data.task)
    task: Any = registry.load_task(data.task)(spec.resolve_options(dict(data.settings)))
    splits = {"train": rows.train, "validation": rows.validation, "test": rows.test}
    examples = {split: task.prepare(memory_rows(spec, task, of_split), split) for split, of_split in splits.items()}
    try:
        task.fit(examples["train"])
    except RequestError as error:
        raise NotForThisError(str(error)) from error
    return Job(data, rows, task, examples, model, method, seed)


def scored(job: Job, predictions: Sequence[Any], seconds: float, split: str = "test") -> Score:
    """The score of predictions for the rows of a split; 0 where it is undefined."""
    from taskzoo.engine.scoring import Predictions, score

    found = score(job.task, job.examples[split], Predictions(list(predictions)), intervals=split == "test").to_dict()
    return _named(job.data.metric, found, seconds)


def _named(name: str, scores: Mapping[str, Any], seconds: float) -> Score:
    return Score(name, scores[name] or 0.0, *(scores.get(f"{name}_ci95") or (0.0, 0.0)), seconds)


def zoo(job: Job) -> Score:
    """``taskzoo.finetune`` with the recipe's defaults."""
    import taskzoo
    from taskzoo.errors import RequestError

    rows = job.rows
    with tempfile.TemporaryDirectory() as folder:
        try:
            run = taskzoo.finetune(
                job.data.task,
                model=job.model,
                method=job.method,
                train=rows.train,
                validation=rows.validation,
                test=rows.test,
                seed=job.seed,
                output=Path(folder) / "run",
                **job.data.settings,
            )
        except RequestError as error:
            raise NotForThisError(str(error)) from error
        score = _named(job.data.metric, run.metrics["test"], run.manifest["seconds"]["train_and_validate"])
        return replace(score, said=" ".join(run.metrics["verdict"]))


def tf_idf(job: Job) -> Score:
    """The task's own baseline."""
    if not job.task.has_baseline:
        raise NotForThisError("the task has no baseline")
    began = time.perf_counter()
    predict = job.task.baseline(job.examples["train"], job.seed)
    seconds = time.perf_counter() - began
    return scored(job, predict(job.examples["test"]), seconds)


def majority(job: Job) -> Score:
    """The frequencies of the labels in training, whatever the text; thresholds of several labels are tuned."""
    if job.data.task not in WHOLE_TEXTS:
        raise NotForThisError("the task has no classes")
    head, gold = job.task.text_head, [example["label"] for example in job.examples["train"]]
    if head.problem_type == "regression":
        raise NotForThisError("a constant correlates with nothing")
    counts = Counter(label for one in gold for label in job.task.label_classes(one))
    shares = np.array([counts[label] / len(gold) for label in head.labels] or [0.5]).clip(1e-6, 1 - 1e-6)
    logits = np.log(shares)
    if head.problem_type != "single_label_classification":
        logits -= np.log1p(-shares)
        held = [example["label"] for example in job.examples["validation"]]
        head.tune(held, np.tile(logits, (len(held), 1)))
    return scored(job, head.predictions(np.tile(logits, (len(job.rows.test), 1))), 0.0)


def trainer(job: Job) -> Score:
    """``transformers.Trainer`` with the flags of the library's examples."""
    from peer import EXAMPLE

    return _best_of(job, [EXAMPLE])


def trainer_best(job: Job) -> Score:
    """``Trainer`` with the flags that are best on the validation rows; the time is that of the best alone."""
    from peer import TRIED

    return _best_of(job, TRIED)


def _best_of(job: Job, tried: Sequence[Any]) -> Score:
    from peer import Peer

    if job.data.task not in (*WHOLE_TEXTS, "ner"):
        raise NotForThisError("its peer is in translation.py")
    found = []
    for flags in tried:
        peer = Peer(job.task, job.model, job.examples["train"], flags, job.seed)
        peer.tune(job.examples["validation"])
        reached = scored(job, peer.predict(job.examples["validation"]), 0.0, "validation").score
        found.append((reached, scored(job, peer.predict(job.examples["test"]), peer.seconds)))
    return max(found, key=lambda pair: pair[0])[1]


def setfit(job: Job) -> Score:
    """The library ``setfit`` with its defaults, but for 20 pairs of each kind per row, as in its paper."""
    if not importlib.util.find_spec("setfit"):
        raise NotForThisError("the library setfit is not installed")
    if job.data.task not in WHOLE_TEXTS or not isinstance(job.rows.train[0]["label"], str):
        raise NotForThisError("SetFit has one label for each text")
    from taskzoo import registry

    train, test = ([(row["text"], row["label"]) for row in rows] for rows in (job.rows.train, job.rows.test))
    checkpoint = str(registry.model_path(registry.model(job.model)))
    with tempfile.TemporaryDirectory() as folder:
        figures, labels = run_setfit(checkpoint, train, test, job.seed, 20, Path(folder))
    head = job.task.text_head
    logits = np.array([[30.0 * (label == name) for name in head.labels] for label in labels])
    return scored(job, head.predictions(logits), figures["wall"])


METHODS: Mapping[str, Callable[[Job], Score]] = {
    **dict.fromkeys(("auto", "full", "lora", "linear-probe", "contrastive"), zoo),
    "tf-idf": tf_idf,
    "majority": majority,
    "trainer": trainer,
    "trainer-best": trainer_best,
    "setfit": setfit,
}
"""By name; those of zoo have the name that ``--method`` takes."""
