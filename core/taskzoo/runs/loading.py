"""The one place where processor, task and model come together: for training, finished runs, reports and curves."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import SafetensorError
from transformers import PreTrainedTokenizerBase

from taskzoo.data.features import lengths_of, rows_of
from taskzoo.data.stored_rows import few_of
from taskzoo.engine.accelerator import HALF
from taskzoo.engine.batches import to_device
from taskzoo.engine.cpu import recompute_activations
from taskzoo.engine.encoding import encode_to_disk, processor_digest
from taskzoo.engine.evaluation import Predictor
from taskzoo.engine.folding import unfold
from taskzoo.engine.lora import count_parameters
from taskzoo.engine.precision import make_accelerator, resolve_precision
from taskzoo.engine.progress import Reporter
from taskzoo.engine.scoring import Decoded, assemble
from taskzoo.engine.session import Session
from taskzoo.engine.sharding import Sharded, in_turns
from taskzoo.engine.strategies.teaching import teacher_logits
from taskzoo.errors import PluginError, RequestError, shown
from taskzoo.methods.base import Method
from taskzoo.models.extended_outputs import extend_outputs
from taskzoo.models.loading import explain_load_errors, load_config
from taskzoo.models.refs import SCRATCH, ModelRef, model_kind
from taskzoo.models.scratch import ScratchRecipe, make_scratch
from taskzoo.models.tokenizers import fit_vocabulary, load_tokenizer
from taskzoo.option_names import option_name
from taskzoo.types import LOSS, Encoded, Feature, Metric, public

from .directory import TASK_FILE
from .identity import titled
from .large import code_digest, content_key, digest
from .model_fit import fit_notes
from .request import check_kind
from .saved_files import check_files
from .task_file import read_task
from .teacher import read_teacher

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from taskzoo.registry import TaskEntry
    from taskzoo.task import Task

    from .plan import Plan

ENCODING = ("tokenizers", "transformers", "pyarrow")
"""Libraries whose versions features depend on."""
SHOWN = 6
"""New outputs that are named."""


@dataclass(slots=True)
class Loaded:
    """A session with what the run records of it.

    Attributes:
        precision: as resolved for this machine.
        parameters: the number of trainable ones, and of all.
        use_cache: what the model's configuration says when it is not trained; ``None``: nothing.
        further: metrics that the settings add to the task's own.
        misfits: sentences about texts that the model can't read.
    """

    session: Session
    method: Method
    precision: str
    parameters: tuple[int, int]
    use_cache: bool | None
    further: Sequence[Metric]
    misfits: Sequence[str]


def load_session(plan: Plan, reporter: Reporter, folder: Path) -> Loaded:
    """Load everything that a run needs, and try it on two rows.

    Nothing is written but the files of a model from scratch, to ``folder``, which must last as long as the session.
    Call it with the random numbers of the run (:func:`taskzoo.engine.random_state.seeded`).

    Raises:
        RequestError: the model cannot be loaded or does not suit task, settings or method.
        PluginError: a member of the task fails, or its predictions are not JSON.
    """
    task, training, examples = plan.task, plan.config.training, plan.splits.examples
    further = further_metrics(training.evaluate_modules, trusted=plan.ref.trusted) if training.evaluate_modules else []
    precision = resolve_precision(training.precision, family=plan.ref.family)
    ref = model_files(plan, reporter, folder)  # first: once processes know of each other, only one saves a model
    accelerator = make_accelerator(precision)
    with accelerator.active():
        processor, config = load_processor(task, ref)
        check_kind(plan.entry, ref.name, ref.kind or model_kind(config.to_dict()))
        splits = [split for split, rows in examples.items() if rows]
        encoded = {split: _encoded(plan, split, processor, config, reporter) for split in splits}
        unlabelled = task.encode(plan.splits.unlabelled, processor).features if plan.splits.unlabelled else []
        if plan.continued is None:
            model = load_model(task, ref, processor, say=reporter.say)
        else:
            model = extended_model(plan, processor, reporter)
        _share_padding(model, processor)
        use_cache = getattr(model.config, "use_cache", None)
        if use_cache is not None:  # a cache of keys and values serves generation only
            model.config.use_cache = False
        if training.gradient_checkpointing:
            recompute_activations(model)
        collate = task.collator(processor)
        session = Session(task, model, processor, collate, examples, encoded, training, accelerator, reporter)
        session.anchored = plan.continued is not None
        session.unlabelled = [replace(feature, values={**feature.values, "target": None}) for feature in unlabelled]
        method = plan.method()
        session.trained = method.freeze(session)
        if training.fsdp and accelerator.num_processes > 1:
            half = HALF.get(accelerator.mixed_precision) if accelerator.device.type == "cuda" else None
            session.sharded = Sharded(model, accelerator.device, half)
            if not session.sharded.layers:
                reporter.say("warning   fsdp=true gathers the model as a whole, as it has no list of layers.")
        else:
            session.trained.to(accelerator.device)
        parameters = count_parameters(session.trained)
        _try_two_rows(plan, session)
        method.check_model(session)
        if training.teacher:
            session.teacher = _taught(plan, session)
        misfits = fit_notes(plan, processor)
    return Loaded(session, method, precision, parameters, use_cache, further, misfits)


def _taught(plan: Plan, session: Session) -> list[np.ndarray]:
    """The logits of the teacher, which is loaded for that alone.

    Raises:
        RequestError: the task packs rows, so that features are not those that the teacher predicts.
    """
    if session.training_features is not session.encoded["train"].features:
        raise RequestError(
            "teacher=RUN gives logits for each row, and here several rows are packed into one; turn the packing off."
        )
    path, rows = plan.config.training.teacher, session.examples["train"]
    session.reporter.say(f"teacher   {path} predicts the {len(rows):,} training rows")
    teacher = read_teacher(path)
    ref = ModelRef(path, str(teacher.folder), trusted=plan.ref.trusted)
    task = teacher.task(plan.entry, teacher.saved.options)
    processor, _ = load_processor(task, ref)
    model = load_model(task, ref, processor)
    check_files(teacher.folder)
    return teacher_logits(session, task, model, processor)


def _encoded(plan: Plan, split: str, processor: Any, config: Any, reporter: Reporter) -> Encoded:
    """The features of a split: in memory, or on disk, where they are named by all that they depend on."""
    task, examples = plan.task, plan.splits.examples[split]
    if not plan.on_disk:
        return task.encode(examples, processor)
    settings = {name: value for name, value in config.to_dict().items() if not name.startswith("_")}
    about = [plan.entry.name, task.options, task.state(), settings, [version(name) for name in ENCODING]]
    known = json.dumps(about, sort_keys=True, default=str)
    parts = [content_key(examples), code_digest(type(task)), known, processor_digest(processor)]
    return encode_to_disk(task, examples, processor, key=digest(*parts), split=split, reporter=reporter)


def further_metrics(names: str, *, trusted: bool) -> list[Metric]:
    """Metrics of ``evaluate`` modules, which are loaded now; a :class:`RequestError` if one cannot be.

    Those of the hub are code of others, which is run only if ``trusted``.
    """
    from taskzoo.metrics.evaluate_modules import EvaluateMetric

    made = [EvaluateMetric(name.strip(), trust_remote_code=trusted) for name in names.split(",") if name.strip()]
    for metric in made:
        _ = metric.module
    return list(made)


def model_files(plan: Plan, reporter: Reporter, folder: Path) -> ModelRef:
    """The model's files: as they are, or of a model from scratch made in ``folder``."""
    if not plan.ref.is_scratch:
        return plan.ref
    own = plan.ref.name.removeprefix(SCRATCH)
    if own in plan.entry.spec.scratch_models:
        reporter.say("The model starts without any pretraining.")
        plan.task.make_scratch(own, folder, plan.config.training.seed)
        return replace(plan.ref, location=str(folder))
    rows, everything = few_of(plan.splits.examples["train"]), len(plan.splits.examples["train"])
    which = "the" if len(rows) == everything else f"{len(rows):,} of the {everything:,}"
    reporter.say(f"Training a tokenizer on {which} training rows; the model starts without any pretraining.")
    given, (texts, targets) = plan.config.training, plan.task.vocabulary_texts(rows)
    vocabulary = (given.scratch_tokenizer, given.scratch_vocabulary, given.scratch_separate)
    return make_scratch(plan.ref, ScratchRecipe(texts, targets, *vocabulary, given.seed), folder)


def load_processor(task: Task, ref: ModelRef) -> tuple[Any, Any]:
    """The tokenizer, or what the task loads instead, and the model's configuration; both configured with the task.

    Raises:
        RequestError: they cannot be loaded, or the model cannot do what the task's options ask.
    """
    with explain_load_errors(ref, "processor"), _own_error():
        processor = task.load_processor(ref.location, **ref.loading)
    if processor is None:
        processor = load_tokenizer(ref)
    with explain_load_errors(ref, "configuration"):
        config = load_config(ref)
    task.configure(processor, config)
    return processor, config


def load_model(
    task: Task, ref: ModelRef, processor: Any, *, say: Callable[[str], object] | None = None
) -> PreTrainedModel:
    """The model with the task's head, in float32 on the CPU.

    Args:
        task: configured for the checkpoint.
        ref: the checkpoint; without ``say`` a finished run, of which all weights must be there.
        processor: loaded from the same checkpoint.
        say: gets a line for what is noteworthy, such as a new head.

    Raises:
        RequestError: it cannot be loaded, or is not what it seems.
    """
    with explain_load_errors(ref, "model", finished=say is None) as notes, _own_error():
        model = task.head(ref.location, dtype=torch.float32, **ref.loading)
        if not hasattr(model, "config"):
            raise PluginError(f"The head() of {type(task).__name__} gives {type(model).__name__}, no PreTrainedModel.")
        if isinstance(processor, PreTrainedTokenizerBase) and (note := fit_vocabulary(model, processor, ref.name)):
            notes.append(note)
    if say is not None and not ref.name.startswith(SCRATCH):
        for note in dict.fromkeys(notes):
            say(f"weights   {note}")
    saved = Path(ref.location) / TASK_FILE
    if saved.is_file() and _same_outputs(model, load_config(ref)):
        unfold(model, read_task(saved).logit_scaling)
    return model


def extended_model(plan: Plan, processor: Any, reporter: Reporter) -> PreTrainedModel:
    """The model of the run that is continued, with the outputs that the task has now; the new ones are 0.

    Raises:
        RequestError: as :func:`load_model`; or the model has other parts than that of the earlier run.
    """
    assert plan.continued is not None
    before = plan.continued.task(plan.entry, plan.continued.saved.options)
    old = load_model(before, plan.ref, load_processor(before, plan.ref)[0])
    check_files(plan.continued.folder)
    model = load_model(plan.task, plan.ref, processor, say=lambda _: None)
    if added := extend_outputs(model, old):
        reporter.say(f"outputs   {len(added)} new: {_first(added)}; those of the earlier run keep their weights")
    present = {name for example in plan.splits.examples["train"] for name in plan.task.classes(example)}
    known: Any = old.config
    if present and (absent := [name for name in known.id2label.values() if name not in present]):
        one = len(absent) == 1
        reporter.say(
            f"warning   {len(absent)} label{'s' * (not one)} of the earlier run {'has' if one else 'have'} no training "
            f"row here ({_first(absent)}) and will be forgotten; {option_name('mix_old')} mixes in old rows (0.25: a "
            "quarter of them)"
        )
    return model


def _first(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _same_outputs(model: PreTrainedModel, saved: Any) -> bool:
    """Whether the head is that of the saved run, not a new one on its backbone."""
    same_class = type(model).__name__ in (saved.architectures or ())
    config: Any = model.config
    return same_class and (config.problem_type, config.id2label) == (saved.problem_type, saved.id2label)


@contextmanager
def _own_error() -> Iterator[None]:
    """Inside a task, files that cannot be loaded are not the task's fault: their error comes out as it was raised."""
    try:
        yield
    except PluginError as error:
        if isinstance(error.__cause__, (OSError, ValueError, SafetensorError)):
            raise error.__cause__ from None
        raise


def _share_padding(model: PreTrainedModel, processor: Any) -> None:
    """Heads of decoders find the last token of a text by the padding id of the model's configuration."""
    padding = getattr(processor, "pad_token_id", None)
    known = getattr(model.config, "pad_token_id", None)
    if padding is not None and (known is None or model_kind(model.config.to_dict()) == "decoder"):
        model.config.pad_token_id = padding


@torch.no_grad()
def _try_two_rows(plan: Plan, session: Session) -> None:
    """Two training rows go the whole way to JSON, so that what cannot work is refused before anything is written."""
    task, device = session.task, session.accelerator.device
    features = session.encoded["train"].features
    row_of, lengths = rows_of(features), lengths_of(features)[0]
    lengths = np.bincount(row_of, lengths)
    rows = np.argsort(lengths, kind="stable")[:2].tolist()  # every row has a feature
    of_row: dict[int, list[Feature]] = {
        row: [features[i] for i in np.flatnonzero(row_of == row).tolist()] for row in rows
    }
    batch = to_device(session.collate([feature for row in rows for feature in of_row[row]]), device)
    session.trained.eval()
    predictor = Predictor(task, session.trained, session.processor, session.accelerator)
    with in_turns(session.trained):
        found, outputs = predictor.decode_batch(batch, with_outputs=True)
        task.loss(outputs, batch, label_smoothing=session.settings.label_smoothing)
    parts, examples = iter(found), [session.examples["train"][row] for row in rows]
    predictions = assemble(task, examples, Decoded([[next(parts) for _ in of_row[row]] for row in rows])).rows
    _check_answers(plan.entry, task, predictions)
    try:
        for prediction, reference in zip(predictions, task.references(examples), strict=True):
            json.dumps([public(prediction), public(reference)])
    except (TypeError, ValueError) as error:
        raise PluginError(
            f"The predictions or references of {titled(plan.entry)} cannot be written as JSON: {error}. Its assemble() "
            "must give plain values."
        ) from error


def _check_answers(entry: TaskEntry, task: Task, predictions: Sequence[Any]) -> None:
    """Refuse, by a :class:`PluginError`, what is no prediction, no metric, or no score to choose by."""
    if wrong := [prediction for prediction in predictions if not isinstance(prediction, dict)]:
        raise PluginError(
            f"The assemble() of {titled(entry)} gives {shown(wrong[0])}; a prediction is a dict with plain values."
        )
    metrics = task.metrics()
    if wrong := [metric for metric in metrics if not isinstance(metric, Metric)]:
        raise PluginError(
            f"The metrics() of {titled(entry)} gives {shown(wrong[0])}; each must be an object of a subclass of "
            "taskzoo.Metric."
        )
    scores = [score.name for metric in metrics for score in metric.scores]
    if task.primary_metric != LOSS.name and not any(
        score.describes(task.primary_metric) for metric in metrics for score in metric.scores
    ):
        raise PluginError(
            f"The primary_metric of {titled(entry)} is {task.primary_metric!r}, and its metrics give "
            f"{', '.join(scores) or 'nothing'}."
        )
