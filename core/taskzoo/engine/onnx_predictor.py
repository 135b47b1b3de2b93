"""Prediction with an exported model by onnxruntime: arrays in, arrays out, and no torch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from taskzoo.arrays import as_array
from taskzoo.data.batching import plan_evaluation
from taskzoo.errors import PluginError, RequestError, RunError
from taskzoo.task import Task
from taskzoo.types import NO_SCALING, Collate, Encoded, Example

from .scoring import MAX_EXAMPLES, Decoded, Predictions, assemble


class OnnxModel:
    """A model in a session of onnxruntime on the CPU, called as a model of torch is.

    Like torch, it takes as many threads as ``OMP_NUM_THREADS`` says, or as there are cores.

    Args:
        file: the model.
        inputs: names of what the model was exported with; the graph may not need all of them.
        scaling: factor and offset that the file has in its output layer, and that its logits are freed of.

    Raises:
        RequestError: onnxruntime is not installed, or cannot read the file.
    """

    def __init__(self, file: Path, inputs: Sequence[str], scaling: tuple[float, float] = NO_SCALING) -> None:
        try:
            import onnxruntime
        except ImportError:
            raise RequestError(
                "This is an export to ONNX, which onnxruntime runs, and that is not installed: pip install onnxruntime."
            ) from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = _threads()
        options.log_severity_level = 3  # errors
        try:
            self._session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # it has a class for each fault
            said = " ".join(str(error).split())
            raise RequestError(f"onnxruntime cannot load {str(file)!r}: {said:.200}. Copy the export again.") from None
        self._wanted = [one.name for one in self._session.get_inputs()]
        self._inputs, self._scaling = {*inputs, *self._wanted}, scaling
        self._outputs = [one.name for one in self._session.get_outputs()]

    def __call__(self, **inputs: Any) -> SimpleNamespace:
        """The model's outputs by name, a tuple where one has parts.

        Raises:
            RequestError: there is an input that says something and that the model was exported without.
            RunError: the graph fails on this batch.
        """
        given = {name: as_array(value) for name, value in inputs.items()}
        for name, value in given.items():
            if name not in self._inputs and value.any():
                raise RequestError(
                    f"The model was exported without the input {name!r}, which pairs of texts need, because the rows "
                    "of the run have none; export it again with --data FILE that has pairs."
                )
        filled = np.zeros_like(given["input_ids"]) if set(self._wanted) - set(given) else None
        try:
            found = self._session.run(None, {name: given.get(name, filled) for name in self._wanted})
        except Exception as error:  # it has a class for each fault
            said = " ".join(str(error).split())
            raise RunError(f"onnxruntime cannot run the exported model on a batch: {said:.200}; use the run.") from None
        outputs: dict[str, Any] = {}
        for name, value in zip(self._outputs, found, strict=True):
            whole, _, part = name.partition(".")
            outputs[whole] = (*outputs.get(whole, ()), value) if part else value
        factor, offset = self._scaling
        if self._scaling != NO_SCALING:
            outputs["logits"] = (outputs["logits"] - np.float32(offset)) / np.float32(factor)
        return SimpleNamespace(**outputs)


@dataclass(slots=True)
class OnnxPredictor:
    """What :class:`~taskzoo.engine.evaluation.Predictor` is, of an exported model.

    A batch holds ``max_tokens`` padded tokens at most, but for a single feature that is longer.
    """

    task: Task
    model: OnnxModel
    processor: Any
    max_tokens: int = 8192
    collate: Collate = field(init=False)

    def __post_init__(self) -> None:
        self.collate = self.task.collator(self.processor)

    def predict(self, examples: Sequence[Example], *, with_loss: bool = False) -> Predictions:
        """One prediction per example; there is never a loss."""
        encoded = self.task.encode(examples, self.processor)
        return replace(assemble(self.task, examples, self.decode(encoded, len(examples))), counts=encoded.counts)

    def decode(self, encoded: Encoded, rows: int) -> Decoded:
        """Run the model over all features of ``rows`` examples and reduce its outputs to small parts."""
        features = encoded.features
        lengths = [feature.length for feature in features]
        parts: dict[int, Any] = {}
        for indices in plan_evaluation(lengths, max_tokens=self.max_tokens, max_examples=MAX_EXAMPLES):
            found = self.task.predict_batch(self.model, self.collate([features[i] for i in indices]))
            if len(found) != len(indices):
                raise PluginError(f"The task gave {len(found)} parts for {len(indices)} features of a batch.")
            parts.update(zip(indices, found, strict=True))
        per_row: list[list[Any]] = [[] for _ in range(rows)]
        for index in sorted(parts):
            per_row[features[index].row].append(parts[index])
        return Decoded(per_row)


def _threads() -> int:
    """0: as many as there are cores."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdecimal() else 0
