"""``taskzoo.export.export.export_run``: a finished run to the directory of a model that needs no torch."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskzoo.durable import write_text
from taskzoo.errors import RequestError, RunError, UnknownNameError
from taskzoo.option_names import option_name
from taskzoo.runs.data import Files
from taskzoo.runs.directory import TASK_FILE, new_run_path, write_json
from taskzoo.runs.exported import CTRANSLATE2, EXPORT_FILE, ONNX, is_export, load_exported
from taskzoo.runs.identity import find_task, restore_task
from taskzoo.runs.load import Run, load
from taskzoo.runs.task_file import read_task
from taskzoo.types import Example

from .ctranslate2_format import Ctranslate2Format
from .export_format import ExportFormat
from .onnx_format import OnnxFormat
from .rows import measured_examples, shown_path

if TYPE_CHECKING:
    from taskzoo.engine.exported_predictor import ExportedPredictor

    from .measure import Change, Form

SAME = 1e-3
"""Outputs in float32 may differ by this, or by this share of the largest: other kernels add in another order."""
FORMATS: Mapping[str, type[ExportFormat]] = {ONNX: OnnxFormat, CTRANSLATE2: Ctranslate2Format}


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What to export, and how.

    Args:
        run: the run directory.
        output: the new directory; ``None``: in the run, named by the format: ``RUN/onnx`` or ``RUN/onnx-int8``.
        int8: quantise the weights.
        tolerance: how much worse the export may score, as a share of the score's range.
        data: labelled files to measure on; ``None``: the run's test rows, else its validation rows.
        columns: of ``data``, as typed.
        rows: so many of them at most; 0: all.
        trust_remote_code: whether Python code that was saved with the model may be run.
        to: one of :data:`FORMATS`; ``""``: the one that suits the task.
    """

    run: str | Path
    output: str | Path | None = None
    int8: bool = False
    tolerance: float = 0.01
    data: Files | None = None
    columns: str = ""
    rows: int = 1000
    trust_remote_code: bool = False
    to: str = ""


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
    """Export a run to another runtime, load it again, and measure it against the run; a failed one leaves nothing.

    Raises:
        RequestError: the run cannot be exported (nothing is written).
        RunError: the export fails, gives other outputs than the run, or costs more than the tolerance.
    """
    if request.to and request.to not in FORMATS:
        raise UnknownNameError("format to export to", request.to, FORMATS, f"There are {', '.join(FORMATS)}.")
    if request.to:
        FORMATS[request.to].check_installed()
    run = _loaded(request)
    kind = FORMATS[request.to or (CTRANSLATE2 if run.task.generates else ONNX)]
    kind.check_installed()
    kind.check_run(run)
    name = f"{kind.kind}-int8" if request.int8 else kind.kind
    output = new_run_path(request.output or run.path / name, run.spec.id, "")
    examples, split = measured_examples(run, request.data, columns=request.columns, limit=request.rows)
    made = not output.parent.exists()
    output.parent.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as scratch:
            folder = Path(scratch) / "export"
            export = _Exporter(run, kind, examples, folder, say).make(request, output, split)
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
    return load(request.run, precision="fp32", trust_remote_code=request.trust_remote_code)


class _Exporter:
    """Writes the forms of one run into ``folder`` and measures them."""

    def __init__(
        self,
        run: Run,
        kind: type[ExportFormat],
        examples: Sequence[Example],
        folder: Path,
        say: Callable[[str], object],
    ) -> None:
        from taskzoo.engine.evaluation import Predictor
        from taskzoo.engine.precision import make_accelerator

        self.run, self.examples, self.folder, self.say = run, examples, folder, say
        accelerator = make_accelerator("fp32", cpu=True)
        self.predictor = Predictor(run.task, run.model.to("cpu"), run.processor, accelerator)
        self.features = run.task.encode(examples, run.processor).features
        self.format = kind(run, self.predictor, self.features)
        self.largest = 0.0
        self.forms: list[Form] = []
        self.changes: list[Change] = []

    def make(self, request: ExportRequest, output: Path, split: str) -> Export:
        """All files of the export."""
        from .card import card, facts, form_rows
        from .measure import Form

        self.say(f"measuring the run on {len(self.examples)} {split} rows")
        shared = {tensor.data_ptr(): tensor.nbytes for tensor in self.run.model.state_dict().values()}
        self.forms.append(Form.measured("torch fp32", sum(shared.values()), self.predictor, self.examples))
        self.folder.mkdir()
        self.run.processor.save_pretrained(self.folder)
        shutil.copyfile(_model_folder(request.run) / TASK_FILE, self.folder / TASK_FILE)
        self.say(f"exporting to {self.format.kind}")
        self.format.write(self.folder)
        self._measure("fp32")
        self._check_same()
        if request.int8:
            self.say("quantising to int8")
            self.format.write_int8(self.folder)
            self._measure("int8")
        self._check_cost(request.tolerance)
        precision = "int8" if request.int8 else "fp32"
        measured = {"rows": len(self.examples), "split": split, "precision": precision, **_machine()}
        table = form_rows(self.forms, self.changes, self.changes[-1].metric, self.format.output)
        shown, source = shown_path(output), shown_path(self.run.path)
        write_text(self.folder / "README.md", card(shown, source, self.format, table, measured))
        values = facts(self.forms, self.changes, measured)
        self._describe(precision, {"run": source, "measured": values})
        return Export(output, table, values)

    def _measure(self, precision: str) -> None:
        """Load what was written as anybody would, and compare."""
        from .measure import Change, Form

        self._describe(precision, {})
        exported = self._reloaded()
        if [f.values for f in exported.task.encode(self.examples, exported.processor).features] != [
            f.values for f in self.features
        ]:
            raise RunError("The exported tokenizer gives other tokens than that of the run, so it cannot be exported.")
        output, self.largest = self.format.largest_difference(exported)
        name = f"{self.format.kind} {precision}"
        form = Form.measured(name, self.format.size(self.folder), exported, self.examples)
        self.forms.append(form)
        self.changes.append(Change.between(self.run.task, self.forms[0], form, output))

    def _reloaded(self) -> ExportedPredictor:
        saved = read_task(self.folder / TASK_FILE)
        entry = find_task(saved.task["name"], saved.task)
        task = restore_task(entry, saved.task, saved.options, saved.state)
        return load_exported(self.folder, task, saved)

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
            instead = "export without int8, or allow more" if len(self.forms) > 2 else "use the run, or allow more"
            raise RunError(
                f"{self.forms[-1].name} costs more than {option_name('tolerance')} {tolerance:g}: {change.metric} "
                f"changes by {value}{interval} on {len(self.examples)} rows. Nothing was kept; {instead}."
            )

    def _describe(self, precision: str, more: dict[str, Any]) -> None:
        facts = self.format.facts(precision, self.folder)
        write_json(self.folder / EXPORT_FILE, {**facts.to_dict(), **more})


def _model_folder(run: str | Path) -> Path:
    return Path(run) if (Path(run) / TASK_FILE).is_file() else Path(run) / "model"


def _machine() -> dict[str, Any]:
    import torch

    from taskzoo.runs.manifest import processor_name

    return {"processor": processor_name(), "threads": torch.get_num_threads()}
