"""The OpenAPI document of a server, at ``/openapi.json``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from taskzoo import __version__

from .served import Served

_REFUSALS = {
    "400": "The request is not HTTP, JSON or the protocol of this path.",
    "401": "The API key is missing or wrong.",
    "404": "There is no such path or model.",
    "408": "The request did not arrive in time.",
    "413": "The request has too many bytes, inputs or characters.",
    "415": "The body is packed.",
    "422": "An input cannot be used.",
    "429": "The queue is full; Retry-After says when to try again.",
    "500": "The model failed on an input.",
    "503": "The answer took too long.",
}
_TEXT = {"type": "string"}
_OPTIONS = {
    "min_confidence": {
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "description": "Leave out what is less probable.",
    },
    "coverage": {
        "type": "number",
        "exclusiveMinimum": 0,
        "exclusiveMaximum": 1,
        "description": "Add a set of labels that holds the right one this often.",
    },
}


def openapi(models: Sequence[Served]) -> dict[str, Any]:
    """The document for these models."""
    names = [served.name for served in models]
    name = {"name": "name", "in": "path", "required": True, "schema": {"type": "string", "enum": names}}
    lines = "one line of `zoo predict` for one input, a list of them for several"
    hub = "The answers of a Hugging Face inference endpoint"
    return {
        "openapi": "3.1.0",
        "info": {"title": "Task Zoo", "version": __version__},
        "security": [{}, {"key": []}],
        "paths": {
            "/": {"get": _page(), "post": _post(hub, "Asked", {})},
            "/models": {"get": _get("Names, tasks and inputs of the models")},
            "/models/{name}": {"post": _post(hub, "Asked", {}, name)},
            "/predict": {"post": _post(f"Predict: {lines}", "Asked", _ref("Predicted"))},
            "/predict/{name}": {"post": _post(f"Predict: {lines}", "Asked", _ref("Predicted"), name)},
            "/health": {"get": _get("Whether the server works")},
            "/metrics": {"get": _get("Counters in Prometheus' text format", "text/plain")},
            "/openapi.json": {"get": _get("This document")},
            "/v2": {"get": _get("Name and version of the server")},
            "/v2/health/live": {"get": _get("Whether the server works")},
            "/v2/health/ready": {"get": _get("Whether all models are loaded")},
            "/v2/models/{name}": {"get": _get("Inputs and outputs of a model", parameter=name)},
            "/v2/models/{name}/ready": {"get": _get("Whether a model is loaded", parameter=name)},
            "/v2/models/{name}/infer": {"post": _post("The Open Inference Protocol", "Tensors", {}, name)},
        },
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(models),
        },
    }


def _schemas(models: Sequence[Served]) -> dict[str, Any]:
    roles = sorted({role for served in models for role in served.inputs})
    columns = {"type": "object", "properties": dict.fromkeys(roles, _TEXT)}
    one = {"anyOf": [_TEXT, columns]}
    envelope = {
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "inputs": {"anyOf": [one, {"type": "array", "items": one}]},
            "model": {"type": "string", "enum": [served.name for served in models]},
            **_OPTIONS,
            "parameters": {"type": "object", "properties": _OPTIONS},
        },
    }
    tensor = {
        "type": "object",
        "required": ["name", "shape", "datatype", "data"],
        "properties": {
            "name": {"type": "string", "enum": roles},
            "shape": {"type": "array", "items": {"type": "integer"}},
            "datatype": {"const": "BYTES"},
            "data": {"type": "array"},
        },
    }
    prediction = {"type": "object", "description": "the input, and what the task predicts"}
    return {
        "Asked": {"anyOf": [envelope, one, {"type": "array", "items": one}]},
        "Predicted": {"anyOf": [prediction, {"type": "array", "items": prediction}]},
        "Tensors": {
            "type": "object",
            "required": ["inputs"],
            "properties": {
                "id": _TEXT,
                "parameters": {"type": "object", "properties": _OPTIONS},
                "inputs": {"type": "array", "items": tensor},
                "outputs": {"type": "array", "items": {"type": "object", "properties": {"name": _TEXT}}},
            },
        },
        "Error": {"type": "object", "required": ["error"], "properties": {"error": _TEXT}},
    }


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _get(summary: str, media: str = "application/json", parameter: dict[str, Any] | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"summary": summary, "responses": _responses(media, {})}
    return found if parameter is None else {**found, "parameters": [parameter]}


def _page() -> dict[str, Any]:
    return _get("A page to try the models", "text/html")


def _post(summary: str, body: str, answer: Any, parameter: dict[str, Any] | None = None) -> dict[str, Any]:
    request = {"required": True, "content": {"application/json": {"schema": _ref(body)}}}
    found = {"summary": summary, "requestBody": request, "responses": _responses("application/json", answer)}
    return found if parameter is None else {**found, "parameters": [parameter]}


def _responses(media: str, schema: Any) -> dict[str, Any]:
    error = {"application/json": {"schema": _ref("Error")}}
    refused = {status: {"description": what, "content": error} for status, what in _REFUSALS.items()}
    return {"200": {"description": "The answer.", "content": {media: {"schema": schema}}}, **refused}
