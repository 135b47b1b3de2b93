"""A finished run, loaded to predict and evaluate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskzoo import registry
from taskzoo.errors import RequestError, UnknownNameError
from taskzoo.task import CONTRACT_VERSION, Prediction, Row, Task, TaskSpec, public

from .data import read_file, read_inputs, task_languages
from .directory import RunDirectory, read_json, write_json
from .memory import MemoryRows, rows_from_memory
from .plan import Plan

if TYPE_CHECKING:
    from accelerate import Accelerator

    from taskzoo.engine.evaluation import Evaluation

TASK_FILE = "task.json"


class Run:
    """A trained model with its task: ``predict`` texts, ``evaluate`` rows.

    Attributes:
        path: the run directory (or the directory of a model that was moved out of it).
        task: the task object, fitted.
        model: the ``PreTrainedModel``.
        tokenizer: its tokenizer.
    """

    def __init__(
        self, path: Path, spec: TaskSpec, task: Task, model: Any, tokenizer: Any, accelerator: Accelerator
    ) -> None:
        self.path = path
        self.spec = spec
        self.task = task
        self.model = model
        self.tokenizer = tokenizer
        self._accelerator = accelerator
        self._collate = task.collator(tokenizer)

    @property
    def metrics(self) -> dict[str, Any]:
        """The content of ``metrics.json``: split -> scores, each with its ``_ci95``."""
        metrics: dict[str, Any] = read_json(RunDirectory(self.path).metrics)
        return metrics

    def predict(self, texts: str | Sequence[str], *, min_confidence: float | None = None) -> Any:
        """Predictions for plain texts: one for a string, a list for a list.

        Args:
            texts: the texts.
            min_confidence: see :func:`abstain`.
        """
        if isinstance(texts, str):
            return self.predict_rows(self.task.rows_from_texts([texts]), min_confidence=min_confidence)[0]
        return self.predict_rows(self.task.rows_from_texts(list(texts)), min_confidence=min_confidence)

    def predict_file(
        self,
        path: str | Path,
        *,
        columns: dict[str, str] | None = None,
        format: str | None = None,
        min_confidence: float | None = None,
    ) -> list[Prediction]:
        """Predictions for the rows of a file in any format of the task; labels are not needed.

        Raises:
            DataError: the file cannot be read.
        """
        rows = read_inputs(self.spec, path, columns or {}, format, task_languages(self.spec, self.task))
        return self.predict_rows(self.task.prepare(rows, "predict"), min_confidence=min_confidence)

    def predict_rows(self, rows: Sequence[Row], *, min_confidence: float | None = None) -> list[Prediction]:
        """Predictions for prepared rows."""
        from taskzoo.engine.evaluation import predict

        if min_confidence is not None and not 0 <= min_confidence <= 1:
            raise RequestError(f"The least confidence {min_confidence:g} must lie between 0 and 1.")
        if not rows:
            return []
        encoded = self.task.encode(rows, self.tokenizer)
        found = predict(self.model, self.task, rows, encoded, self._collate, self._accelerator).rows
        shown = [public(prediction) for prediction in found]
        return shown if min_confidence is None else [abstain(prediction, min_confidence) for prediction in shown]

    def evaluate(
        self, data: str | Path | MemoryRows, *, columns: dict[str, str] | None = None, format: str | None = None
    ) -> Evaluation:
        """Scores with 95% intervals on labelled rows: a file, ``(inputs, targets)`` or a list of mappings.

        Raises:
            DataError: the rows cannot be used.
        """
        from taskzoo.engine.evaluation import predict, score

        languages = task_languages(self.spec, self.task)
        if isinstance(data, (str, Path)):
            raw = read_file(self.spec, data, columns or {}, format, languages=languages)
        else:
            raw = rows_from_memory(self.spec, data, "data", languages=languages)
        rows = self.task.prepare(raw, "test")
        if not rows:
            raise RequestError("There are no rows to evaluate.")
        encoded = self.task.encode(rows, self.tokenizer)
        predictions = predict(self.model, self.task, rows, encoded, self._collate, self._accelerator, with_loss=True)
        return score(self.task, rows, predictions, intervals=True)


def abstain(prediction: Prediction, least: float) -> Prediction:
    """The prediction, with ``label`` ``None`` and ``abstained`` true where its ``score`` is below ``least``.

    Raises:
        RequestError: it has no label with a probability.
    """
    if not isinstance(prediction.get("label"), str) or "score" not in prediction:
        raise RequestError("A least confidence needs predictions of one label with its probability; this run has none.")
    doubtful = prediction["score"] < least
    return {**prediction, "label": None if doubtful else prediction["label"], "abstained": doubtful}


def _later_options(spec: TaskSpec, task_class: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options given, checked.

    Raises:
        UnknownNameError, RequestError: as :func:`load`.
    """
    known = tuple(getattr(task_class, "later_options", ()))
    if not known:
        raise RequestError(
            f"No option of {spec.id} can be changed after training, so {next(iter(given))!r} cannot be set here."
        )
    for name in given:
        if name not in known:
            raise UnknownNameError(
                "option that can be changed after training", name, known, f"There are {', '.join(known)}."
            )
    resolved = spec.resolve_options(given)
    return {name: resolved[name] for name in given}


def save_task(folder: Path, plan: Plan, precision: str, provider: dict[str, Any]) -> None:
    """Write ``task.json`` beside the model: what prediction needs besides weights and tokenizer."""
    write_json(
        folder / TASK_FILE,
        {
            "format": 1,
            "task": plan.config.task,
            "provider": provider,
            "contract": CONTRACT_VERSION,
            "precision": precision,
            "base_model": plan.checkpoint.name,
            "state": plan.task.state(),
        },
    )


def load(path: str | Path, *, precision: str = "auto", options: Mapping[str, Any] | None = None) -> Run:
    """Load a finished run (its directory, or the ``model`` folder inside).

    Args:
        path: the directory.
        precision: ``auto`` takes the run's own where this machine has it, else fp32.
        options: of the task, other than the run was trained with, where they can be changed after training, such as
            ``{"num_beams": 4}``. What is saved stays as it is.

    Raises:
        RequestError: there is no finished run, or it does not load.
        UnknownNameError: an option that cannot be changed after training, with the nearest that can.
        PluginError: its task's plugin is missing or failed.
    """
    import torch

    from taskzoo.engine.precision import make_accelerator, resolve_precision
    from taskzoo.models.checkpoints import Checkpoint
    from taskzoo.models.loading import explain_load_errors, load_config, quiet_transformers
    from taskzoo.models.tokenizers import load_tokenizer

    root = Path(path)
    folder = root if (root / TASK_FILE).is_file() else root / "model"
    if not (folder / TASK_FILE).is_file():
        if not root.exists():
            raise RequestError(f"There is no run at {str(path)!r}.")
        if (root / "checkpoints" / "last").is_dir():
            raise RequestError(f"The run {str(path)!r} is not finished; `zoo resume {path}` goes on with it.")
        raise RequestError(f"{str(path)!r} is not a finished run: it has no model/{TASK_FILE}.")
    saved = read_json(folder / TASK_FILE)
    spec = registry.task(saved["task"])
    task_class: Any = registry.load_task(saved["task"])
    state = saved["state"]
    if options:
        state = {**state, "options": {**state["options"], **_later_options(spec, task_class, options)}}
    task: Task = task_class.from_state(state)
    quiet_transformers()
    if precision == "auto":
        precision = "fp32" if saved["precision"] == "fp32" else resolve_precision("auto")
    precision = resolve_precision(precision)
    checkpoint = Checkpoint(str(folder), str(folder))
    tokenizer = load_tokenizer(checkpoint)
    if hasattr(task, "adapt"):
        task.adapt(tokenizer, load_config(checkpoint))
    with explain_load_errors(checkpoint, "model"):
        model = task.head(str(folder), dtype=torch.float32)
    accelerator = make_accelerator(precision)
    model.to(accelerator.device).eval()
    return Run(root if folder != root else root.parent, spec, task, model, tokenizer, accelerator)
