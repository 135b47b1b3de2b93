"""The form of registry.yaml. Names, numbers and identifiers only: no field can hold the location of code.

Every class is strict and forbids unknown keys, so a typing mistake is an error instead of a silent nothing. Entries are
immutable, and hashable by their name and origin.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
    PrivateAttr,
    model_validator,
)

from taskzoo.config import TRAINING_FIELDS, make_training
from taskzoo.errors import RequestError, UnknownNameError
from taskzoo.spec import TaskSpec

from .entries import FrozenDict, shorten_words
from .naming import TaskEntry

Kind = Literal["encoder", "decoder", "encoder-decoder"]


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


# `tasks: ner` and `tasks: [ner]` are the same thing.
Words = Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    _origin: str = PrivateAttr("")

    @property
    def origin(self) -> str:
        """Where it comes from: ``built in``, ``plugin NAME`` or the path of a catalogue file."""
        return self._origin


class _Entry(_Strict):
    """A named entry, which remembers the layer it comes from."""

    _name: str = PrivateAttr("")
    _folder: Path = PrivateAttr(Path())

    replace: bool = Field(False, exclude=True)
    """Whether it may take the place of an entry of the same name in a lower layer."""

    @property
    def name(self) -> str:
        return self._name

    def facts(self) -> dict[str, Any]:
        """All fields and the origin as plain values; a field that is not given is None or empty."""
        return {"name": self.name, **self.model_dump(mode="json"), "origin": self.origin}

    def __hash__(self) -> int:
        return hash((type(self), self._name, self._origin))

    def __repr_args__(self) -> Iterable[tuple[str, Any]]:
        yield "name", self.name
        for name in type(self).model_fields:
            if name in self.model_fields_set and name not in ("description", "source", "package", "replace"):
                value = getattr(self, name)
                yield name, shorten_words(value) if isinstance(value, tuple) else value
        yield "origin", self.origin


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
    """A user's own default models of a task, in place of those that its plugin names."""

    default_model: str | None = None
    demo_model: str | None = None


class ModelEntry(_Located):
    """One model. ``family`` is the ``model_type`` of its configuration.

    It suits the tasks that take its ``kind``; one that was tuned for some tasks suits these.
    """

    package: Package | None = None
    family: str
    kind: Kind
    parameters: PositiveInt | None = None
    context_length: PositiveInt | None = None
    languages: Words
    license: str | None = None
    tuned_for: Words = ()
    description: str = ""
    source: Words = ()

    @model_validator(mode="after")
    def _has_location(self) -> ModelEntry:
        if not (self.hub or self.package or self.path):
            raise ValueError("needs one of hub, package and path")
        return self

    def suits(self, spec: TaskSpec) -> bool:
        """Whether it is of a kind that the task takes, and not tuned for other tasks alone."""
        return self.kind in spec.kinds and (not self.tuned_for or spec.id in self.tuned_for)


class DatasetEntry(_Located):
    """One data set. ``columns`` maps a task's roles to the data set's own columns."""

    config: str | None = None
    tasks: Words
    languages: Words = ()
    license: str | None = None
    sizes: Annotated[dict[str, NonNegativeInt], AfterValidator(FrozenDict)] = FrozenDict()
    columns: Annotated[dict[str, str], AfterValidator(FrozenDict)] = FrozenDict()
    description: str = ""
    source: Words = ()

    @model_validator(mode="after")
    def _has_location(self) -> DatasetEntry:
        if not (self.hub or self.path):
            raise ValueError("needs one of hub and path")
        return self


class Match(_Strict):
    """Which runs of its tasks a recipe is for; what is not given matches all."""

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
    """Settings that work well: training settings and task options by name. ``version`` counts changes of them."""

    _own: frozenset[str] = PrivateAttr(frozenset())
    _owner: str = PrivateAttr("")

    tasks: Words
    match: Match = Match()
    set: Annotated[dict[str, Any], AfterValidator(FrozenDict)]
    version: PositiveInt = 1
    replace: bool = Field(False, exclude=True)
    note: str = ""
    source: Words = ()

    @model_validator(mode="after")
    def _sets_known_values(self) -> Recipe:
        settings = {name: value for name, value in self.set.items() if name in TRAINING_FIELDS}
        try:
            make_training(settings)
        except RequestError as error:
            raise ValueError(str(error).rstrip(".")) from None
        return self

    def is_for(self, task: TaskEntry) -> bool:
        """Whether it is for a task. A bare id means the task that it reaches, or the plugin's own of that id."""
        if task.full_name in self.tasks:
            return True
        meant = task.distribution == self._owner if task.id in self._own else task.name == task.id
        return meant and task.id in self.tasks

    def check_options(self, spec: TaskSpec) -> None:
        """Compare what it sets with the options of a task that it names.

        Raises:
            RequestError: the task has no such option, or does not take the value.
        """
        options = {name: value for name, value in self.set.items() if name not in TRAINING_FIELDS}
        for name in options:
            if name not in spec.options:
                raise UnknownNameError(f"setting of {spec.id}", name, [*TRAINING_FIELDS, *spec.options])
        spec.resolve_options(options)

    def facts(self) -> dict[str, Any]:
        """All fields and the origin as plain values."""
        return {**self.model_dump(mode="json"), "origin": self.origin}

    def __hash__(self) -> int:
        return hash(str(self))

    def __str__(self) -> str:
        return f"{self.origin}: {', '.join(self.tasks)} {self.match}".rstrip() + f" (version {self.version})"


class CatalogueFile(_Strict):
    """One catalogue: registry.yaml, or a part of it that a plugin brings."""

    version: Literal[2] = 2
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

    def remember_owner(self, distribution: str, tasks: Collection[str]) -> None:
        """Tell every recipe which distribution brings it, and the ids of the tasks that this one offers."""
        for recipe in self.recipes:
            recipe._owner, recipe._own = distribution, frozenset(tasks)


SCHEMA_VERSION: int = get_args(CatalogueFile.model_fields["version"].annotation)[0]


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
