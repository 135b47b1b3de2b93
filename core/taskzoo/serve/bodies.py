"""From the bytes of a request to what is asked for."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, NoReturn

from taskzoo.data.readers.json_values import repeated_key
from taskzoo.errors import shown

from .failures import HttpError
from .options import NAMES, PredictOptions, take_options

_KINDS = {dict: "an object", list: "a list", str: "a text", bool: "true or false", int: "a number", float: "a number"}
_EXAMPLE = 'send a JSON object such as {"text": "..."} or {"inputs": ["...", "..."]}'


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for: predictions for ``inputs``, or for its only one (``single``)."""

    inputs: list[Any]
    single: bool
    model: str | None = None
    options: PredictOptions = field(default_factory=PredictOptions)


def read_json(body: bytes) -> Any:
    """The value that a body holds.

    Raises:
        HttpError: 400, it is not JSON.
    """
    if not body.strip():
        raise HttpError(400, f"The request has no body; {_EXAMPLE}.")
    try:
        return json.loads(body.decode("utf-8-sig"), parse_constant=_refuse_constant, object_pairs_hook=_object)
    except UnicodeDecodeError:
        raise HttpError(400, "The body is not UTF-8 text; send JSON in UTF-8.") from None
    except RecursionError:
        raise HttpError(400, "The body is nested too deeply; an input is a text or an object of texts.") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise HttpError(400, f"The body is not JSON ({error.msg}, {place}); {_EXAMPLE}.") from None
    except ValueError:  # a number of thousands of digits
        raise HttpError(400, "The body holds a number that is too long.") from None


def _refuse_constant(name: str) -> NoReturn:
    raise HttpError(400, f"The body holds {name}, which is not JSON.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = repeated_key(pairs)
        raise HttpError(400, f"The body has the key {shown(twice)} twice in one object; send it once.")
    return found


def read_asked(value: Any) -> Asked:
    """What a JSON value asks for.

    It is a text, an object of columns, a list of both, or ``{"inputs": any of these}``, where ``model`` and the
    options (also inside ``parameters``, as hub endpoints have it) may stand beside the inputs.

    Raises:
        HttpError: 422, it is something else.
    """
    if not isinstance(value, dict):
        return Asked(*_inputs(value))
    rest = dict(value)
    model, options = rest.pop("model", None), take_options(rest)
    if model is not None and not isinstance(model, str):
        raise HttpError(422, f"model is {kind(model)}; give the name of a model.")
    if "inputs" not in rest:
        return Asked([rest], True, model, options)
    inputs, single = _inputs(rest.pop("inputs"))
    parameters = rest.pop("parameters", None) or {}
    if not isinstance(parameters, dict):
        raise HttpError(422, f"parameters is {kind(parameters)}; give an object.")
    parameters = {name: item for name, item in parameters.items() if item is not None}
    options = take_options(parameters).over(options)
    for name in (*rest, *parameters):
        known = " and ".join((", ".join(("model", *NAMES[:-1])), NAMES[-1]))
        raise HttpError(422, f"There is no parameter {shown(name)} beside inputs; there are {known}.")
    return Asked(inputs, single, model, options)


def kind(value: Any) -> str:
    """What a JSON value is, in words."""
    return _KINDS.get(type(value), "null")


def _inputs(value: Any) -> tuple[list[Any], bool]:
    """A list of inputs, and whether it was not a list but a single one."""
    if isinstance(value, str | dict):
        return [value], True
    if not isinstance(value, list):
        raise HttpError(422, f"The input is {kind(value)}; {_EXAMPLE}.")
    for number, item in enumerate(value, 1):
        if not isinstance(item, str | dict):
            raise HttpError(422, f"Input {number} is {kind(item)}; give a text, or an object of columns.")
    return value, False
