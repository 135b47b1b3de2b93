"""A finished run, loaded to predict and evaluate."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from taskzoo import registry
from taskzoo.data.readers import content_sha256
from taskzoo.errors import RequestError, RunError, UnknownNameError
from taskzoo.spec import TaskSpec
from taskzoo.types import Prediction, Row, public

from .bad_rows import LISTED, listed_bad_rows, usable_rows
from .data import Files, each_file, file_rows, memory_rows, paired_languages, task_languages
from .directory import TASK_FILE, RunDirectory, read_json, write_json
from .exported import is_export, load_exported
from .identity import describe_task, find_task, restore_task
from .inputs import check_complete, input_rows, is_blank, is_single, is_table
from .records import Confusion, Records
from .saved_files import check_files
from .task_file import FORMAT, SavedTask, read_task
from .verdict import split_scores
from .wording import count_notes, cut_output_notes, known_file_notes

if TYPE_CHECKING:
    from taskzoo.engine.evaluation import Predictor
    from taskzoo.engine.exported_predictor import ExportedPredictor
    from taskzoo.engine.scoring import Evaluation
    from taskzoo.registry import TaskEntry, TaskReference

    from .memory import MemoryRows
    from .plan import Plan

    Input = str | tuple[str, ...] | Mapping[str, Any]


LAZY_ROWS = 1000
"""Inputs that are read and predicted together where predictions are lazy."""


class Run:
    """A trained model with its task: ``predict`` texts, ``evaluate`` rows.

    Attributes:
        path: the run directory (or the directory of a model that was moved out of it).
        spec: of the task.
        task: the task object, fitted.
        model: the ``PreTrainedModel``.
        processor: its tokenizer, or what the task has instead.
        say: is called with what a person should know of rows, such as that texts were cut; by default a warning.
    """

    def __init__(self, path: Path, spec: TaskSpec, predictor: Predictor | ExportedPredictor) -> None:
        self.path, self.spec, self._predictor = path, spec, predictor
        self.say: Callable[[str], object] = _warn
        self.task, self.processor = predictor.task, predictor.processor
        self.model: Any = predictor.model
        self._calibration_told = False

    @property
    def predictor(self) -> Predictor | ExportedPredictor:
        """What predicts: model, task and processor together."""
        return self._predictor

    @property
    def metrics(self) -> dict[str, Any]:
        """The content of ``metrics.json``: split -> scores, each with its ``_ci95``; ``baseline``; ``verdict``."""
        file = RunDirectory(self.path).metrics
        if not file.is_file():
            raise RequestError(f"There is no metrics.json in {str(self.path)!r}.")
        metrics: dict[str, Any] = read_json(file)
        return metrics

    @property
    def manifest(self) -> dict[str, Any]:
        """The content of ``manifest.json``: what the run was made of."""
        return RunDirectory(self.path).read_manifest()

    @property
    def predictions(self) -> Records:
        """One prediction per test row, each with its ``reference``; none without test rows."""
        return _records(RunDirectory(self.path).predictions)

    @property
    def history(self) -> Records:
        """One item per logged step and per evaluation."""
        return _records(RunDirectory(self.path).history)

    @property
    def confusion(self) -> Confusion:
        """Reference -> prediction -> number of test rows.

        Raises:
            RequestError: there are no test rows, or they have not one label each.
        """
        pairs: list[tuple[Any, Any]] = [(row["reference"].get("label"), row.get("label")) for row in self.predictions]
        if not pairs or not all(isinstance(label, str) for pair in pairs for label in pair):
            raise RequestError("A confusion matrix needs test rows with one label each, and this run has none.")
        matrix = Confusion()
        for (reference, prediction), count in sorted(Counter(pairs).items()):
            matrix.setdefault(reference, {})[prediction] = count
        return matrix

    def predict(
        self,
        inputs: Input | Iterable[Input],
        *,
        min_confidence: float | None = None,
        coverage: float | None = None,
        lazy: bool = False,
    ) -> Any:
        """Predictions for plain inputs: one for one input, a list for several.

        An input that is empty or whitespace has an empty answer.

        Args:
            inputs: a text, a pair of texts as a tuple (where the run was trained on pairs) or a mapping of columns; any
                number of these in a list or another iterable; or a data frame or data set.
            min_confidence: leave out what is less probable, and say ``abstained``: :meth:`taskzoo.Task.abstain`.
            coverage: add ``label_set``, labels that hold the right one this often: :meth:`taskzoo.Task.label_sets`.
            lazy: give an iterator over the predictions for several inputs, which may be an iterator, too: it reads
                inputs only when it is read itself, :data:`LAZY_ROWS` at a time, so memory does not grow.

        Raises:
            RequestError: it is of another type.
            DataError: an input cannot be used.
        """
        if lazy:
            by_row = type(inputs).__module__.partition(".")[0] == "datasets"
            if is_single(self.task, inputs) or (is_table(inputs) and not by_row):
                what = f"lazy=True reads many inputs one after the other, and this is one {type(inputs).__name__}"
                raise RequestError(f"{what}; leave it out, or give an iterator, such as frame['text'].")
            return self._lazily(inputs, {"min_confidence": min_confidence, "coverage": coverage})
        rows = input_rows(self.spec, self.task, inputs)
        found = self.predict_rows(rows, min_confidence=min_confidence, coverage=coverage)
        return found[0] if is_single(self.task, inputs) else found

    def _lazily(self, inputs: Iterable[Input], asked: Mapping[str, Any]) -> Iterator[Prediction]:
        waiting, first = iter(inputs), 1
        while chunk := list(islice(waiting, LAZY_ROWS)):
            yield from self.predict_rows(input_rows(self.spec, self.task, chunk, first=first), **asked)
            first += len(chunk)

    def predict_file(
        self,
        path: Files,
        *,
        columns: Mapping[str, str] | None = None,
        format: str | None = None,
        min_confidence: float | None = None,
        coverage: float | None = None,
    ) -> list[Prediction]:
        """Predictions for the rows of files in any format of the task, file after file; labels are not needed.

        A row without any input, such as an empty line of a text file, has an empty answer.

        Args:
            path: a file, or a list of files and patterns (``"part-*.csv"``).
            columns: role -> column name or position.
            format: the files' format, where their content does not tell.
            min_confidence: as in :meth:`predict`.
            coverage: as in :meth:`predict`.

        Raises:
            DataError: a file cannot be read.
        """
        wanted = {"columns": columns or {}, "format": format, "labelled": False, "incomplete": True}
        rows = file_rows(self.spec, self.task, path, **wanted)
        return self.predict_rows(rows, min_confidence=min_confidence, coverage=coverage)

    def predict_rows(
        self, rows: Sequence[Row], *, min_confidence: float | None = None, coverage: float | None = None
    ) -> list[Prediction]:
        """Predictions for rows as a reader gives them; what was cut is said (:attr:`say`).

        Raises:
            RequestError: the task has nothing to compare with ``min_confidence`` or ``coverage``.
            RunError: the model predicts what is not a number.
        """
        check_confidence(min_confidence)
        check_coverage(coverage)
        given = [row for row in rows if not is_blank(self.spec, row)]
        for row in given:
            check_complete(self.spec, row)
        made = self._predictor.predict(self.task.prepare(given, "predict")) if given else None
        if made is not None:
            self._tell([", ".join(count_notes(made.counts)), *cut_output_notes(made.rows)])
        predictions = made.rows if made is not None else []
        if coverage is not None:
            sets = self.task.label_sets(predictions, coverage)
            predictions = [{**p, "label_set": labels} for p, labels in zip(predictions, sets, strict=True)]
        if min_confidence is not None and not self._calibration_told:
            self._calibration_told = True
            self._tell([self.task.calibration_note])
        each = iter(predictions)
        found = []
        for row in rows:
            blank = is_blank(self.spec, row)
            prediction = self.task.empty_prediction(row) if blank else check_finite(public(next(each)))
            if blank and coverage is not None:
                prediction = {**prediction, "label_set": []}
            if min_confidence is not None:
                prediction = (
                    {**prediction, "abstained": True} if blank else self.task.abstain(prediction, min_confidence)
                )
            found.append(prediction)
        return found

    def _tell(self, notes: Iterable[str]) -> None:
        for note in filter(None, notes):
            self.say(note)

    def evaluate(
        self,
        data: Files | MemoryRows,
        *,
        columns: Mapping[str, str] | None = None,
        format: str | None = None,
        skip_bad_rows: bool = False,
    ) -> Evaluation:
        """Scores with 95% intervals on labelled rows.

        What was left out or cut, and what makes the scores doubtful, is said (:attr:`say`).

        Args:
            data: a file, or a list of files and patterns (``"part-*.csv"``); a pair ``(inputs, targets)``, a data frame
                or a list of mappings.
            columns: role -> column name or position.
            format: the files' format, where their content does not tell.
            skip_bad_rows: leave out rows that cannot be used, and list them.

        Raises:
            DataError: the rows cannot be used.
            RequestError: more than half of the rows cannot be used.
        """
        from taskzoo.engine.scoring import score

        bad: list[str] | None = [] if skip_bad_rows else None
        if _are_files(data):
            rows = file_rows(self.spec, self.task, data, columns=columns or {}, format=format, bad=bad)
        else:
            rows = memory_rows(self.spec, self.task, data, columns=columns or {}, bad=bad)
        if bad is not None:
            rows = usable_rows(self.task, rows, "test", bad)
            self._tell(listed_bad_rows("data", len(bad), bad, LISTED) if bad else ())
        examples = self.task.prepare(rows, "test")
        if not examples:
            raise RequestError("There are no rows to evaluate.")
        predictions = self._predictor.predict(examples, with_loss=True)
        counted = ", ".join(count_notes(predictions.counts))
        self._tell([*self._file_notes(data), counted, *self.task.remarks(examples)])
        return score(self.task, examples, predictions, intervals=True)

    def _file_notes(self, data: Any) -> list[str]:
        """That the rows are those that the run was trained or tuned on, where that can be seen."""
        if not _are_files(data) or not RunDirectory(self.path).manifest.is_file():
            return []
        paired = paired_languages(self.spec, task_languages(self.spec, self.task))
        hashes = [content_sha256(path, paired, self.spec.columns) for path in each_file(data)]
        return list(dict.fromkeys(note for sha in hashes for note in known_file_notes(self.manifest, sha)))

    def __repr__(self) -> str:
        name, file = self.task.primary_metric, RunDirectory(self.path).metrics
        splits = split_scores(read_json(file) if file.is_file() else {})
        values = {split: found.get(name) for split, found in splits.items()}
        scores = [f"{split} {name} {value:.3f}" for split, value in values.items() if isinstance(value, float)]
        return f"<Run {str(self.path)!r}: {', '.join([self.spec.id, *scores])}>"


def _are_files(data: Any) -> TypeGuard[Files]:
    """Whether this names a file or several, and is not rows."""
    several = isinstance(data, list | tuple) and len(data) > 0
    return isinstance(data, str | Path) or (several and all(isinstance(item, str | Path) for item in data))


def _records(file: Path) -> Records:
    return Records(read_json(file) if file.is_file() else ())


def _warn(message: str) -> None:
    warnings.warn(message, stacklevel=5)


def check_confidence(least: Any) -> None:
    """Refuse, by a :class:`RequestError`, what is not a probability; ``None`` is none at all."""
    if least is None or (isinstance(least, (int, float)) and not isinstance(least, bool) and 0 <= least <= 1):
        return
    raise RequestError(f"min_confidence={least!r} must be a number between 0 and 1.")


def check_coverage(share: Any) -> None:
    """Refuse, by a :class:`RequestError`, what is not a share between 0 and 1; ``None`` is none at all."""
    if share is None or (isinstance(share, (int, float)) and not isinstance(share, bool) and 0 < share < 1):
        return
    raise RequestError(f"coverage={share!r} must be a number above 0 and below 1, such as 0.9.")


def check_finite(prediction: Prediction) -> Prediction:
    """The prediction, unless it holds a number that is none (NaN, infinite): then the model is damaged.

    Raises:
        RunError: it does.
    """
    try:
        json.dumps(prediction, allow_nan=False)
    except ValueError:
        raise RunError(
            "The model gives scores that are not numbers (NaN), so its weights are damaged; train it again, or copy "
            "the run anew."
        ) from None
    return prediction


def save_task(folder: Path, plan: Plan, precision: str) -> None:
    """Write ``task.json`` next to the model: what prediction needs besides weights and processor."""
    saved = {
        "format": FORMAT,
        "task": describe_task(plan.entry, plan.task),
        "precision": precision,
        "base_model": Path(plan.ref.name).name if Path(plan.ref.name).is_absolute() else plan.ref.name,
        "options": plan.config.options,
        "state": plan.task.state(),
        "logit_scaling": list(plan.task.logit_scaling),
    }
    write_json(folder / TASK_FILE, saved)


def load(
    path: str | Path,
    *,
    task: TaskReference | None = None,
    precision: str = "auto",
    options: Mapping[str, Any] | None = None,
    trust_remote_code: bool = False,
) -> Run:
    """Load a finished run (its directory, or the ``model`` folder inside), or an export of one, which needs no torch.

    Args:
        path: the directory.
        task: the task's class, for a run whose task has no package and cannot be found where it was.
        precision: ``auto`` takes the run's own where this machine has it, else fp32.
        options: task options that differ from those of training, where they can be changed after it, such as
            ``{"num_beams": 4}``. What is saved stays as it is.
        trust_remote_code: whether Python code that was saved with the model may be run.

    Raises:
        RequestError: there is no finished run, it does not load, or its weights or tokenizer were exchanged.
        UnknownNameError: an option that cannot be changed after training, with the nearest that can.
        PluginError: its task's plugin is missing or failed, or its version cannot read the run.
    """
    root = Path(path)
    folder = root if (root / TASK_FILE).is_file() else root / "model"
    saved = _read_task(root, folder)
    entry = find_task(saved.task["name"], saved.task) if task is None else registry.task_entry(task)
    values = {**saved.options, **_inference_options(entry, options or {})}
    restored = restore_task(entry, saved.task, values, saved.state)
    if is_export(folder):
        if precision not in ("auto", "fp32"):
            raise RequestError(f"precision={precision} is for runs; an export computes as it was exported.")
        return Run(folder, entry.spec, load_exported(folder, restored, saved))
    try:
        import torch  # noqa: F401
    except ImportError:
        raise RequestError(
            f"The run {str(root)!r} needs torch, which is not installed; install it, or use an export of the run "
            "(`zoo export`), which does without."
        ) from None
    from taskzoo.engine.evaluation import Predictor
    from taskzoo.engine.precision import make_accelerator, own_precision, resolve_precision
    from taskzoo.models.refs import ModelRef

    from .loading import load_model, load_processor

    if precision == "auto":
        precision = own_precision(saved.precision)
    accelerator = make_accelerator(resolve_precision(precision))
    with accelerator.active():
        ref = ModelRef(str(folder), str(folder), trusted=trust_remote_code)
        processor, _ = load_processor(restored, ref)
        model = load_model(restored, ref, processor)
        check_files(folder)
        model.to(accelerator.device).eval()
    own = folder != root or RunDirectory(root).manifest.is_file()  # as it lies on the hub, both are one folder
    return Run(root if own else root.parent, entry.spec, Predictor(restored, model, processor, accelerator))


def _read_task(root: Path, folder: Path) -> SavedTask:
    """What :func:`save_task` wrote; refused if no run has finished there, or it was made under another contract."""
    if not (folder / TASK_FILE).is_file():
        if not root.exists():
            raise RequestError(f"There is no run at {str(root)!r}.")
        if (root / "checkpoints" / "last").is_dir():
            raise RequestError(f"The run {str(root)!r} is not finished; `zoo resume {root}` continues it.")
        raise RequestError(f"{str(root)!r} is not a finished run: it has no model/{TASK_FILE}.")
    return read_task(folder / TASK_FILE)


def _inference_options(entry: TaskEntry, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options given, checked."""
    known = tuple(entry.load().inference_options)
    for name in given:
        if not known:
            what = "can be changed after training, so"
            raise RequestError(f"No option of {entry.spec.id} {what} {name!r} cannot be set here.")
        if name not in known:
            hint = f"There are {', '.join(known)}."
            raise UnknownNameError("option that can be changed after training", name, known, hint)
    resolved = entry.spec.resolve_options(given)
    return {name: resolved[name] for name in given}
