"""``taskzoo.export.export.export_run``: a finished run to the directory of a model that needs no torch."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskzoo.errors import RequestError, RunError
from taskzoo.option_names import option_name
from taskzoo.runs.data import Files
from taskzoo.runs.directory import TASK_FILE, new_run_path, write_json, write_text
from taskzoo.runs.exported import EXPORT_FILE, MODEL_FILE, ExportedModel, digests, is_export
from taskzoo.runs.load import Run, load
from taskzoo.task import Task
from taskzoo.types import Example, Feature

from .onnx_graph import check_installed, write_graph, write_int8
from .rows import measured_examples, shown_path

if TYPE_CHECKING:
    from taskzoo.engine.evaluation import Predictor
    from taskzoo.engine.onnx_predictor import OnnxPredictor

    from .measure import Change, Form

SAME = 1e-3
"""Outputs in float32 may differ by this, or by this share of the largest: other kernels add in another order."""
SAMPLE = 3
"""Rows that the graph is traced with."""


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What to export, and how.

    Args:
        run: the run directory.
        output: the new directory; ``None``: ``RUN/onnx`` or ``RUN/onnx-int8``.
        int8: quantise the weights.
        tolerance: how much worse int8 may score, as a share of the score's range.
        data: labelled files to measure on; ``None``: the run's test rows, else its validation rows.
        columns: of ``data``, as typed.
        rows: so many of them at most; 0: all.
        trust_remote_code: whether Python code that was saved with the model may be run.
    """

    run: str | Path
    output: str | Path | None = None
    int8: bool = False
    tolerance: float = 0.01
    data: Files | None = None
    columns: str = ""
    rows: int = 1000
    trust_remote_code: bool = False


@dataclass(frozen=True, slots=True)
class Export:
    """A finished export.

    Args:
        path: its directory.
        table: head and rows of the comparison, as text.
        measured: the same as plain values.
    """

    path: Path
    table: list[list[str]]
    measured: dict[str, Any] = field(repr=False)


def export_run(request: ExportRequest, say: Callable[[str], object] = lambda _: None) -> Export:
    """Export a run to ONNX, load it again, and measure it against the run; nothing is left of one that fails.

    Raises:
        RequestError: the run cannot be exported (nothing is written).
        RunError: the export fails, gives other outputs than the run, or int8 costs more than the tolerance.
    """
    check_installed()
    run = _loaded(request)
    name = "onnx-int8" if request.int8 else "onnx"
    output = new_run_path(request.output or run.path / name, run.spec.id, "")
    examples, split = measured_examples(run, request.data, columns=request.columns, limit=request.rows)
    made = not output.parent.exists()
    output.parent.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as scratch:
            folder = Path(scratch) / "export"
            export = _Exporter(run, examples, folder, say).make(request, output, split)
            if output.is_dir():
                output.rmdir()  # it is empty
            os.replace(folder, output)
            return export
    except BaseException:
        if made and not any(output.parent.iterdir()):
            output.parent.rmdir()
        raise


def _loaded(request: ExportRequest) -> Run:
    """The run on the CPU in float32, if it is one that can be exported."""
    if is_export(request.run):
        raise RequestError(f"{str(request.run)!r} is an export already; name the run that it was made of.")
    if not 0 <= request.tolerance <= 1:
        raise RequestError(f"{option_name('tolerance')} {request.tolerance} must be between 0 and 1.")
    if request.rows < 0:
        raise RequestError(f"{option_name('rows')} {request.rows} must be 0 (all) or more.")
    run = load(request.run, precision="fp32", trust_remote_code=request.trust_remote_code)
    if run.task.generates:
        raise RequestError(
            f"Runs of {run.spec.id} generate text, which needs the model many times for one answer; only tasks that "
            "predict labels, numbers or tags can be exported to ONNX."
        )
    if type(run.task).configure is not Task.configure or type(run.task).load_processor is not Task.load_processor:
        raise RequestError(f"The task {run.spec.id} sets up its processor itself, which needs transformers.")
    if not getattr(run.processor, "is_fast", False):
        raise RequestError(
            f"The tokenizer of this run ({type(run.processor).__name__}) is written in Python and has no "
            "tokenizer.json, which an export needs."
        )
    return run


class _Exporter:
    """Writes the forms of one run into ``folder`` and measures them."""

    def __init__(self, run: Run, examples: Sequence[Example], folder: Path, say: Callable[[str], object]) -> None:
        from taskzoo.engine.evaluation import Predictor
        from taskzoo.engine.precision import make_accelerator
        from taskzoo.models.fast_tokenizer import TokenizerSettings

        self.run, self.examples, self.folder, self.say = run, examples, folder, say
        self.tokenizer = TokenizerSettings.of(run.processor)
        accelerator = make_accelerator("fp32", cpu=True)
        self.predictor: Predictor = Predictor(run.task, run.model.to("cpu"), run.processor, accelerator)
        self.features = run.task.encode(examples, run.processor).features
        self.inputs: tuple[str, ...] = ()
        self.largest = 0.0
        self.forms: list[Form] = []
        self.changes: list[Change] = []

    def make(self, request: ExportRequest, output: Path, split: str) -> Export:
        """All files of the export."""
        from .card import card, facts, form_rows
        from .measure import Form

        self.say(f"measuring the run on {len(self.examples)} {split} rows")
        weights = sum(tensor.nbytes for tensor in self.run.model.state_dict().values())
        self.forms.append(Form.measured("torch fp32", weights, self.predictor, self.examples))
        self.folder.mkdir()
        self.run.processor.save_pretrained(self.folder)
        shutil.copyfile(_model_folder(request.run) / TASK_FILE, self.folder / TASK_FILE)
        graph = self.folder / MODEL_FILE
        self.say("exporting to ONNX")
        self._trace(graph)
        self._measure("onnx fp32")
        self._check_same()
        if request.int8:
            self.say("quantising to int8")
            self._quantise(graph)
            self._measure("onnx int8")
            self._check_cost(request.tolerance)
        precision = "int8" if request.int8 else "fp32"
        measured = {"rows": len(self.examples), "split": split, "precision": precision, **_machine()}
        table = form_rows(self.forms, self.changes, self.changes[-1].metric)
        shown, source = shown_path(output), shown_path(self.run.path)
        write_text(self.folder / "README.md", card(shown, source, table, measured))
        values = facts(self.forms, self.changes, measured)
        self._describe(precision, {"run": source, "measured": values})
        return Export(output, table, values)

    def _trace(self, graph: Path) -> None:
        from taskzoo.engine.batches import tensors
        from taskzoo.engine.folding import folded

        batch = tensors(self.predictor.collate(_sample(self.features)))
        self.inputs = tuple(batch.inputs)
        with folded(self.run.model, self.run.task.logit_scaling):
            write_graph(self.run.model, batch.inputs, graph)

    def _quantise(self, graph: Path) -> None:
        with tempfile.TemporaryDirectory(dir=self.folder.parent) as place:
            for name in digests(self.folder):
                if name.startswith(MODEL_FILE):
                    os.replace(self.folder / name, Path(place) / name)
            write_int8(Path(place) / MODEL_FILE, graph)

    def _measure(self, name: str) -> None:
        """Load what was written as anybody would, and compare."""
        from .measure import Change, Form, largest_difference

        self._describe("", {})
        exported = self._reloaded()
        if [f.values for f in exported.task.encode(self.examples, exported.processor).features] != [
            f.values for f in self.features
        ]:
            raise RunError("The exported tokenizer gives other tokens than that of the run, so it cannot be exported.")
        output, self.largest = largest_difference(self.predictor, exported, self.features)
        size = sum((self.folder / file).stat().st_size for file in digests(self.folder) if file.startswith(MODEL_FILE))
        form = Form.measured(name, size, exported, self.examples)
        self.forms.append(form)
        self.changes.append(Change.between(self.run.task, self.forms[0], form, output))

    def _reloaded(self) -> OnnxPredictor:
        from taskzoo.runs.exported import load_exported
        from taskzoo.runs.task_file import read_task

        return load_exported(self.folder, self.run.task, read_task(self.folder / TASK_FILE))

    def _check_same(self) -> None:
        worst = self.changes[-1].output
        if not worst <= SAME * max(1.0, self.largest):
            raise RunError(
                f"The exported model does not give what the run gives: outputs differ by up to {worst:.2g}, where the "
                f"largest is {self.largest:.2g}. Nothing was kept."
            )

    def _check_cost(self, tolerance: float) -> None:
        change = self.changes[-1]
        if change.cost > tolerance:
            value = "nan" if change.value is None else f"{change.value:+.4f}"
            interval = "" if change.interval is None else " (95% interval {:+.4f} to {:+.4f})".format(*change.interval)
            raise RunError(
                f"int8 costs more than {option_name('tolerance')} {tolerance:g}: {change.metric} changes by {value}"
                f"{interval} on {len(self.examples)} rows. Nothing was kept; export without int8, or allow more."
            )

    def _describe(self, precision: str, more: dict[str, Any]) -> None:
        facts = ExportedModel(precision, self.inputs, self.tokenizer, digests(self.folder))
        write_json(self.folder / EXPORT_FILE, {**facts.to_dict(), **more})


def _model_folder(run: str | Path) -> Path:
    return Path(run) if (Path(run) / TASK_FILE).is_file() else Path(run) / "model"


def _sample(features: Sequence[Feature]) -> list[Feature]:
    """Two features or more of different lengths; first those with the most inputs, such as pairs of texts."""
    ordered = sorted(features, key=lambda feature: (-len(feature.values), -feature.length))
    chosen = [*ordered[: SAMPLE - 1], min(features, key=lambda feature: feature.length)]
    return chosen if len(features) > 1 else chosen * 2


def _machine() -> dict[str, Any]:
    import torch

    from taskzoo.runs.manifest import processor_name

    return {"processor": processor_name(), "threads": torch.get_num_threads()}
