"""The one door to what turns a model of torch into a graph of ONNX, and such a graph into int8.

``transformers.exporters`` knows what the graphs of its models need; it is young, so nothing else imports it.
"""

from __future__ import annotations

import importlib
import io
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskzoo.errors import RequestError, RunError
from taskzoo.models.loading import quietly

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

ONE_FILE = 1_500_000_000
"""Bytes of weights from which on they have a file of their own: the format's limit is 2 GB."""
_QUANTISED = ["MatMul", "Gemm"]
"""Operations in int8. Tables of embeddings stay as they are: their error would reach every layer."""


def check_installed() -> None:
    """Refuse, by a :class:`RequestError`, to export where a package for it is missing, with what to install."""
    try:
        for name in ("onnx", "onnxruntime", "onnxscript", "transformers.exporters.exporter_onnx"):
            importlib.import_module(name)
    except ImportError as error:
        missing = error.name or "a package"
        raise RequestError(
            f"An export to ONNX needs {missing}; install it with: pip install 'taskzoo[onnx]'."
        ) from None


def write_graph(model: PreTrainedModel, inputs: Mapping[str, Tensor], file: Path) -> None:
    """Write ``model`` as a graph for any number of rows of any length.

    Args:
        model: on the CPU, in evaluation mode.
        inputs: of two or more rows.
        file: ``model.onnx``.

    Raises:
        RunError: ``transformers`` cannot export the model.
    """
    import onnx_ir
    from transformers.exporters.exporter_onnx import OnnxConfig, OnnxExporter

    cache = getattr(model.config, "use_cache", None)
    try:
        if cache is not None:
            model.config.use_cache = False  # a cache of keys and values would be outputs
        with _unheard():
            program = OnnxExporter().export(model, dict(inputs), OnnxConfig(dynamic=True)).program
            for graph in program.graphs():
                for node in graph:
                    node.metadata_props.clear()  # where the code is on this machine
    except Exception as error:  # whatever torch, onnxscript and transformers may raise
        said = " ".join(f"{type(error).__name__}: {error}".split())
        raise RunError(f"transformers cannot export a {type(model).__name__} to ONNX: {said:.300}") from error
    finally:
        if cache is not None:
            model.config.use_cache = cache
    onnx_ir.save(program, str(file), external_data=_data_file(program, file))


def write_int8(graph: Path, file: Path) -> None:
    """Write the graph with the weights of its products of matrices in int8, one scale per channel.

    What flows between layers is quantised as it comes (dynamic quantisation), so no texts are needed.

    Raises:
        RunError: onnxruntime cannot do it.
    """
    import onnx_ir
    from transformers.exporters import ExportFormat
    from transformers.exporters.quantizers import OnnxRuntimeDynamicConfig, OnnxRuntimeQuantizer

    quantizer = OnnxRuntimeQuantizer(OnnxRuntimeDynamicConfig(op_types_to_quantize=_QUANTISED, per_channel=True))
    try:
        with _unheard():
            program = quantizer.quantize(onnx_ir.load(str(graph)), {}, ExportFormat.ONNX)
    except Exception as error:  # whatever onnxruntime may raise
        said = " ".join(f"{type(error).__name__}: {error}".split())
        raise RunError(f"onnxruntime cannot quantise the model: {said:.300}") from error
    onnx_ir.save(program, str(file), external_data=_data_file(program, file))


def _data_file(program: Any, file: Path) -> str | None:
    weights = sum(value.const_value.nbytes for value in program.graph.initializers.values() if value.const_value)
    return f"{file.name}.data" if weights > ONE_FILE else None


@contextmanager
def _unheard() -> Iterator[None]:
    """Keep what exporters print, log and warn of away from the person."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir", "")]
    levels = [logger.level for logger in loggers]
    try:
        with quietly(), redirect_stdout(io.StringIO()):
            import warnings

            warnings.simplefilter("ignore")
            for logger in loggers:
                logger.setLevel(logging.ERROR)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
