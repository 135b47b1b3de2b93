"""Runs that predict labels, numbers or tags, as a graph for onnxruntime."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from taskzoo.errors import RequestError
from taskzoo.option_names import option_name
from taskzoo.runs.exported import CTRANSLATE2, MODEL_FILES, ONNX, ONNX_FILE, ExportedModel
from taskzoo.runs.load import Run
from taskzoo.task import Task
from taskzoo.types import Feature

from .export_format import ExportFormat, check_tokenizer
from .onnx_graph import check_installed, write_graph, write_int8

if TYPE_CHECKING:
    from taskzoo.engine.exported_predictor import ExportedPredictor

SAMPLE = 3
"""Rows that the graph is traced with."""


class OnnxFormat(ExportFormat):
    """The graph of the model and its head."""

    kind = ONNX
    title = "an ONNX model"
    runtime = "onnxruntime"
    output = "output"
    note = (
        "The output `logits` of `model.onnx` is scaled as the run learned on its validation rows: its softmax (one "
        "label) or sigmoid (several) is the probability; of a number, it is the number itself."
    )
    _inputs: tuple[str, ...] = ()

    @classmethod
    def check_installed(cls) -> None:
        check_installed()

    @classmethod
    def check_run(cls, run: Run) -> None:
        if run.task.generates:
            raise RequestError(
                f"Runs of {run.spec.id} generate text, which needs the model many times for one answer; export it with "
                f"{option_name('to', CTRANSLATE2)}."
            )
        if type(run.task).configure is not Task.configure or type(run.task).load_processor is not Task.load_processor:
            raise RequestError(f"The task {run.spec.id} sets up its processor itself, which needs transformers.")
        check_tokenizer(run)

    def write(self, folder: Path) -> None:
        from taskzoo.engine.batches import tensors
        from taskzoo.engine.folding import folded

        batch = tensors(self.predictor.collate(_sample(self.features)))
        self._inputs = tuple(batch.inputs)
        with folded(self.run.model, self.run.task.logit_scaling):
            write_graph(self.run.model, batch.inputs, folder / ONNX_FILE)

    def write_int8(self, folder: Path) -> None:
        with tempfile.TemporaryDirectory(dir=folder.parent) as place:
            for name in MODEL_FILES[self.kind]:
                if (folder / name).is_file():
                    os.replace(folder / name, Path(place) / name)
            write_int8(Path(place) / ONNX_FILE, folder / ONNX_FILE)

    def largest_difference(self, exported: ExportedPredictor) -> tuple[float, float]:
        from .measure import largest_difference

        return largest_difference(self.predictor, exported, self.features)

    def facts(self, precision: str, folder: Path) -> ExportedModel:
        return replace(super().facts(precision, folder), inputs=self._inputs)


def _sample(features: Sequence[Feature]) -> list[Feature]:
    """Two features or more of different lengths; first those with the most inputs, such as pairs of texts."""
    ordered = sorted(features, key=lambda feature: (-len(feature.values), -feature.length))
    chosen = [*ordered[: SAMPLE - 1], min(features, key=lambda feature: feature.length)]
    return chosen if len(features) > 1 else chosen * 2
