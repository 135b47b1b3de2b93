"""The Open Inference Protocol (KServe V2) over JSON: texts are BYTES tensors of shape ``[n]`` or ``[n, 1]``."""

from __future__ import annotations

from typing import Any

from taskzoo.errors import shown
from taskzoo.types import Prediction

from . import binary
from .bodies import kind
from .failures import HttpError
from .options import NAMES, PredictOptions, take_options
from .served import Served
from .wire import json_line

SERVER = {"name": "taskzoo", "extensions": [binary.NAME]}


def metadata(served: Served) -> dict[str, Any]:
    """Names, types and shapes of a model's inputs and outputs."""
    outputs = {"prediction": "BYTES", **served.tensors}
    return {
        "name": served.name,
        "versions": [],
        "platform": f"taskzoo_{served.task}",
        "inputs": [{"name": name, "datatype": "BYTES", "shape": [-1]} for name in served.inputs],
        "outputs": [{"name": name, "datatype": datatype, "shape": [-1]} for name, datatype in outputs.items()],
    }


def read_inputs(served: Served, body: Any) -> list[Any]:
    """The inputs of a request, one object of texts for each element of its tensors.

    Raises:
        HttpError: 400, the tensors are not those of the model.
    """
    tensors = body.get("inputs") if isinstance(body, dict) else None
    if not isinstance(tensors, list) or not all(isinstance(tensor, dict) for tensor in tensors):
        raise HttpError(400, 'The body needs "inputs", a list of tensors with name, shape, datatype and data.')
    columns: dict[str, list[Any]] = {}
    for tensor in tensors:
        name = tensor.get("name")
        if not isinstance(name, str) or name not in served.inputs:
            known = " and ".join(served.inputs)
            raise HttpError(400, f"There is no input {shown(name)}; the inputs of {served.name} are {known}.")
        if name in columns:
            raise HttpError(400, f"The input {name} is there more than once; give each once.")
        columns[name] = _texts(tensor, name)
    if missing := [name for name in served.inputs if name not in columns]:
        raise HttpError(400, f"The input {missing[0]} is missing.")
    if len({len(texts) for texts in columns.values()}) != 1:
        raise HttpError(400, "The inputs have different numbers of elements.")
    return [dict(zip(columns, texts, strict=True)) for texts in zip(*columns.values(), strict=True)]


def _texts(tensor: dict[str, Any], name: str) -> list[Any]:
    if tensor.get("datatype") != "BYTES":
        raise HttpError(400, f"The input {name} has the datatype {shown(tensor.get('datatype'))}; it must be BYTES.")
    data = tensor.get("data")
    if not isinstance(data, list):
        raise HttpError(400, f"The data of the input {name} is {kind(data)}; give a list of texts.")
    flat = [text for item in data for text in (item if isinstance(item, list) else [item])]
    for text in flat:
        if not isinstance(text, str):
            raise HttpError(400, f"The data of the input {name} holds {kind(text)}; give texts only.")
    shape = tensor.get("shape")
    sizes = shape if isinstance(shape, list) and all(type(size) is int for size in shape) else []
    if sizes not in ([len(flat)], [len(flat), 1]):
        counted = shown(sizes[0] if len(sizes) == 1 else shape)
        raise HttpError(400, f"The shape of the input {name} says {counted}, and its data has {len(flat)} texts.")
    return flat


def read_options(body: Any) -> PredictOptions:
    """The options among the parameters of a request.

    Raises:
        HttpError: there is another parameter, or a value that cannot be.
    """
    parameters = body.get("parameters") if isinstance(body, dict) else None
    if not isinstance(parameters, dict | None):
        raise HttpError(400, f"parameters is {kind(parameters)}; give an object.")
    rest = dict(parameters or {})
    options = take_options(rest)
    rest.pop("binary_data_output", None)
    for name in rest:
        raise HttpError(400, f"There is no parameter {shown(name)}; there are {' and '.join(NAMES)}.")
    return options


def answer(served: Served, body: dict[str, Any], predictions: list[Prediction]) -> dict[str, Any]:
    """The response: the lines of ``zoo predict`` as ``prediction``, and what of them is one text or one number.

    Of an empty input, a text is empty and a number ``null``.

    Raises:
        HttpError: 400, the request asks for an output that there is not.
    """
    data: dict[str, list[Any]] = {"prediction": [json_line(prediction) for prediction in predictions]}
    for name, datatype in served.tensors.items():
        values = (prediction.get(name) for prediction in predictions)
        data[name] = ["" if value is None and datatype == "BYTES" else value for value in values]
    kinds = {output["name"]: output["datatype"] for output in metadata(served)["outputs"]}
    found: dict[str, Any] = {
        "model_name": served.name,
        "outputs": [
            {"name": name, "datatype": kinds[name], "shape": [len(predictions)], "data": data[name]}
            for name in wanted_outputs(served, body)
        ],
    }
    if isinstance(body.get("id"), str):
        found["id"] = body["id"]
    return found


def wanted_outputs(served: Served, body: Any) -> list[str]:
    """The names of the outputs that a request asks for, by default all.

    Raises:
        HttpError: 400, there is no such output, or one is named more than once.
    """
    known = [output["name"] for output in metadata(served)["outputs"]]
    asked = body.get("outputs") if isinstance(body, dict) else None
    if not asked:
        return known
    if not isinstance(asked, list) or not all(isinstance(item, dict) for item in asked):
        raise HttpError(400, f"outputs is {shown(asked)}; give a list of objects with a name.")
    names: list[Any] = [item.get("name") for item in asked]
    for i, name in enumerate(names):
        if name not in known:
            raise HttpError(400, f"There is no output {shown(name)}; the outputs are {', '.join(known)}.")
        if i >= len(known) or name in names[:i]:
            raise HttpError(400, f"The output {name} is asked for more than once; name each once.")
    return names
