"""The form of registry.yaml. Names, numbers and identifiers only: no field can hold the location of code.

Every class is strict and forbids unknown keys, so a typing mistake is an error instead of a silent nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
    PrivateAttr,
    model_validator,
)

SCHEMA_VERSION = 1  # the only `version` that CatalogueFile accepts

Kind = Literal["encoder", "decoder", "encoder-decoder"]
KINDS = ("encoder", "decoder", "encoder-decoder")

# `source: page` and `source: [page, page]` are the same thing.
Sources = Annotated[list[str], BeforeValidator(lambda value: [value] if isinstance(value, str) else value)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Entry(_Strict):
    """A named entry, which remembers the layer it comes from."""

    _name: str = PrivateAttr("")
    _origin: str = PrivateAttr("")
    _folder: Path = PrivateAttr(Path())

    @property
    def name(self) -> str:
        return self._name

    @property
    def origin(self) -> str:
        """What it was installed by: ``built in``, ``plugin NAME`` or the path of a registry.yaml."""
        return self._origin

    def facts(self) -> dict[str, Any]:
        """All fields and the origin as plain values; a field that is not given is None or empty."""
        return {"name": self.name, **self.model_dump(), "origin": self.origin}


class _Located(_Entry):
    """An entry that lies on the hub (``hub``), in a local directory (``path``), or in both."""

    hub: str | None = None
    revision: str | None = None
    path: str | None = None

    @property
    def directory(self) -> Path | None:
        """``path``; a relative one counts from the folder of the file that names it."""
        return None if self.path is None else self._folder / Path(self.path).expanduser()


class Package(_Strict):
    """An installable distribution and the folder of the checkpoint inside it."""

    distribution: str
    path: str


class TaskDefaults(_Entry):
    """What a run of a task uses when nothing is asked for."""

    default_model: str | None = None


class ModelEntry(_Located):
    """One model. ``family`` is the ``model_type`` of its configuration."""

    package: Package | None = None
    family: str
    kind: Kind
    parameters: PositiveInt | None = None
    context_length: PositiveInt | None = None
    languages: list[str]
    license: str | None = None
    tasks: list[str]
    description: str = ""
    source: Sources = Field(default_factory=list)

    @model_validator(mode="after")
    def _has_location(self) -> ModelEntry:
        if not (self.hub or self.package or self.path):
            raise ValueError("needs one of hub, package and path")
        return self


class DatasetEntry(_Located):
    """One data set. ``columns`` maps a task's roles to the data set's own columns."""

    config: str | None = None
    tasks: list[str]
    languages: list[str] = Field(default_factory=list)
    license: str | None = None
    sizes: dict[str, NonNegativeInt] = Field(default_factory=dict)
    columns: dict[str, str] = Field(default_factory=dict)
    description: str = ""
    source: Sources = Field(default_factory=list)

    @model_validator(mode="after")
    def _has_location(self) -> DatasetEntry:
        if not (self.hub or self.path):
            raise ValueError("needs one of hub and path")
        return self


class Match(_Strict):
    """Which runs of its task a recipe is for; what is not given matches all."""

    model: str | None = None
    family: str | None = None
    kind: Kind | None = None
    method: str | None = None

    def fits(self, model: str | None, family: str | None, kind: str | None, method: str) -> bool:
        """Whether a run with these properties is meant."""
        wanted = (self.model, self.family, self.kind, self.method)
        return all(w in (None, found) for w, found in zip(wanted, (model, family, kind, method), strict=True))

    def specificity(self) -> tuple[bool, bool, bool, bool]:
        """Sorts the general before the specific: kind, then family, then model; a method breaks ties."""
        return self.model is not None, self.family is not None, self.kind is not None, self.method is not None

    def __str__(self) -> str:
        return " ".join(f"{name}={value}" for name, value in self if value is not None)


class Recipe(_Strict):
    """Settings that work well: training settings and task options by name."""

    _origin: str = PrivateAttr("")

    task: str
    match: Match = Field(default_factory=Match)
    set: dict[str, Any]
    note: str = ""
    source: Sources = Field(default_factory=list)

    @property
    def origin(self) -> str:
        return self._origin

    def __str__(self) -> str:
        return f"{self.origin}: {self.task} {self.match}".rstrip()


class CatalogueFile(_Strict):
    """One registry.yaml."""

    version: Literal[1] = 1
    tasks: dict[str, TaskDefaults] = Field(default_factory=dict)
    models: dict[str, ModelEntry] = Field(default_factory=dict)
    datasets: dict[str, DatasetEntry] = Field(default_factory=dict)
    recipes: list[Recipe] = Field(default_factory=list)

    def remember(self, origin: str, folder: Path) -> None:
        """Tell every entry its name, the layer it comes from, and where relative paths count from."""
        for section in (self.tasks, self.models, self.datasets):
            for name, entry in section.items():
                entry._name, entry._origin, entry._folder = name, origin, folder
        for recipe in self.recipes:
            recipe._origin = origin


def known_keys(location: tuple[str | int, ...]) -> list[str]:
    """The keys allowed beside the one at ``location`` (``("models", "minilm", "licence")``)."""
    section: dict[str | int, type[BaseModel]] = {
        "tasks": TaskDefaults,
        "models": ModelEntry,
        "datasets": DatasetEntry,
        "recipes": Recipe,
    }
    inner: dict[str | int, type[BaseModel]] = {"package": Package, "match": Match}
    owner: type[BaseModel] | None = CatalogueFile
    if len(location) == 3:
        owner = section.get(location[0])
    elif len(location) == 4:
        owner = inner.get(location[2])
    return list(owner.model_fields) if owner else []
