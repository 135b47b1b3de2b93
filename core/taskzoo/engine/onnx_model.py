"""A model in onnxruntime: arrays in, arrays out, and no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from taskzoo.arrays import as_array
from taskzoo.errors import RequestError, RunError
from taskzoo.types import NO_SCALING

from .threads import wanted_threads


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
        options.intra_op_num_threads = wanted_threads()
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
