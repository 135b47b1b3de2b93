"""The form of a registry.yaml as JSON Schema, for editors that complete and check YAML."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaWarningKind

from .schema import CatalogueFile

FILE = "registry.schema.json"
"""The name that the first line of a catalogue refers to: ``# yaml-language-server: $schema=registry.schema.json``."""


class _Generator(GenerateJsonSchema):
    """Leaves out without a warning that what is not given is an empty mapping that cannot be changed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ignored_warning_kinds: set[JsonSchemaWarningKind] = {"skipped-choice", "non-serializable-default"}


def catalogue_schema() -> dict[str, Any]:
    """The schema. What only :mod:`taskzoo` can check, such as the names of options, is not in it."""
    schema = CatalogueFile.model_json_schema(mode="validation", schema_generator=_Generator)
    for section in ("tasks", "models", "datasets", "recipes"):  # an empty one may have nothing below its heading
        part = schema["properties"][section]
        part["type"] = [part["type"], "null"]
    title = "A catalogue of Task Zoo (registry.yaml)"
    return {"$schema": GenerateJsonSchema.schema_dialect, **schema, "title": title}
