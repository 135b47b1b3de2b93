"""The form of registry.yaml. Names, numbers and identifiers only: no field can hold the location of code.

Every class is strict and forbids unknown keys, so a typing mistake is an error instead of a silent nothing. Entries are
immutable and hashable.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from importlib import metadata, util
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, NonNegativeInt, PositiveInt, model_validator

from taskzoo.config import TRAINING_FIELDS, make_training
from taskzoo.errors import RequestError, UnknownNameError
from taskzoo.spec import TaskSpec

from .entries import FrozenDict, short_list
from .naming import TaskEntry

Kind = Literal["encoder", "decoder", "encoder-decoder"]


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


# `tasks: ner` and `tasks: [ner]` are the same thing.
Words = Annotated[tuple[str, ...], BeforeValidator(_as_tuple, json_schema_input_type=str | list[str])]


class _Strict(BaseModel):
    model_config = {"extra": "forbid", "strict": True, "frozen": True}

    _origin: str = ""

    @property
    def origin(self) -> str:
        """Where it comes from: ``built in``, ``plugin NAME`` or the path of a catalogue file."""
        return self._origin

    def facts(self) -> dict[str, Any]:
        """All fields and the origin as plain values; a field that is not given is None or empty."""
        return {**self.model_dump(mode="json"), "origin": self.origin}


class _Entry(_Strict):
    """A named entry, which remembers the layer it comes from."""

    _name: str = ""
    _folder: Path = Path()

    replace: bool = Field(False, exclude=True)
    """Whether it may take the place of an entry of the same name in a lower layer."""

    @property
    def name(self) -> str:
        return self._name

    def facts(self) -> dict[str, Any]:
        return {"name": self.name, **super().facts()}

    def __repr_args__(self) -> Iterable[tuple[str, Any]]:
        yield "name", self.name
        for name in type(self).model_fields:
            if name in self.model_fields_set and name not in ("description", "source", "package", "replace", "results"):
                value = getattr(self, name)
                yield name, short_list(value) if isinstance(value, tuple) else value
        yield "origin", self.origin


class _Located(_Entry):
    """An entry that lies on the hub (``hub``), in a local directory (``path``), or in both.

    ``gated`` where the hub gives it only to those who agreed to its terms; ``modelscope`` is its id there.
    """

    hub: str | None = None
    revision: str | None = None
    gated: bool = False
    modelscope: str | None = None
    path: str | None = None

    @property
    def directory(self) -> Path | None:
        """``path``; a relative one counts from the folder of the file that names it."""
        return None if self.path is None else self._folder / Path(self.path).expanduser()


class Package(_Strict):
    """An installable distribution and the folder of the checkpoint inside it."""

    distribution: str
    path: str

    def find(self) -> Path | None:
        """That folder where the distribution is installed, found without importing anything."""
        try:
            distribution = metadata.distribution(self.distribution)
        except (metadata.PackageNotFoundError, ValueError):
            return None
        top, *rest = Path(self.path).parts or ("",)
        spec = util.find_spec(top) if top.isidentifier() else None
        places = [Path(str(distribution.locate_file(self.path)))]  # an editable install keeps its files elsewhere
        places += [Path(place, *rest) for place in (spec and spec.submodule_search_locations) or []]
        return next((place for place in places if place.is_dir()), None)


class TaskDefaults(_Entry):
    """A user's own default models of a task, in place of those that its plugin names."""

    default_model: str | None = None
    demo_model: str | None = None


class Result(_Strict):
    """A score of a fine-tuned model, measured here or published: ``source`` is the command or the page.

    ``rows`` counts the test rows. ``note`` says what else is needed to read it, such as how it was trained, or why
    there is no ``interval``.
    """

    dataset: str
    task: str
    metric: str
    value: float
    interval: Annotated[tuple[float, float] | None, BeforeValidator(_as_tuple)] = None
    rows: PositiveInt | None = None
    note: str = ""
    source: Annotated[Words, Field(min_length=1)]

    @model_validator(mode="after")
    def _is_readable(self) -> Result:
        if self.interval is None:
            if not self.note:
                raise ValueError("needs an interval, or a note that says why there is none")
        elif not self.interval[0] <= self.value <= self.interval[1]:
            raise ValueError(f"the value {self.value:g} is outside of its interval")
        return self

    def __str__(self) -> str:
        interval = f" [{self.interval[0]:g}, {self.interval[1]:g}]" if self.interval else ""
        rows = f" on {self.rows:,} rows" if self.rows else ""
        note = f" ({self.note})" if self.note else ""
        return f"{self.metric} {self.value:g}{interval}{rows} of {self.dataset}{note}"


class ModelEntry(_Located):
    """One model. ``family`` is the ``model_type`` of its configuration.

    It suits the tasks that take its ``kind``; one that was tuned for some tasks suits these. A ``sentence_encoder`` was
    trained so that its vectors of similar texts are near to one another.
    """

    package: Package | None = None
    family: str
    kind: Kind
    parameters: PositiveInt | None = None
    context_length: PositiveInt | None = None
    languages: Words
    license: str | None = None
    tuned_for: Words = ()
    sentence_encoder: bool = False
    results: Annotated[tuple[Result, ...], BeforeValidator(_as_tuple)] = ()
    description: str = ""
    source: Words = ()

    @model_validator(mode="after")
    def _has_location(self) -> ModelEntry:
        if not (self.hub or self.package or self.path):
            raise ValueError("needs one of hub, package and path")
        return self

    def find(self) -> Path | None:
        """The directory of its files on this machine: ``path``, or a folder inside its installed package."""
        if self.directory is not None and self.directory.is_dir():
            return self.directory
        return self.package.find() if self.package else None

    def suits(self, spec: TaskSpec) -> bool:
        """Whether it is of a kind that the task takes, and not tuned for other tasks alone."""
        return self.kind in spec.kinds and (not self.tuned_for or spec.id in self.tuned_for)


class DatasetEntry(_Located):
    """One data set. ``columns`` maps a task's roles to the data set's own columns.

    ``labels`` are the classes or the types of entities, where there are few enough to list.
    """

    config: str | None = None
    tasks: Words
    languages: Words = ()
    license: str | None = None
    labels: Words = ()
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
    min_parameters: PositiveInt | None = None
    max_parameters: PositiveInt | None = None

    def fits(self, run: Mapping[str, str | None], parameters: int | None) -> bool:
        """Whether a run is meant that has these ``model``, ``family``, ``kind`` and ``method``, and a model that large.

        A model of unknown size is in no range.
        """
        words = self.model_dump(include=set(run), exclude_none=True)
        lowest, highest = self.min_parameters or 0, self.max_parameters or math.inf
        sized = (lowest, highest) == (0, math.inf) or (parameters is not None and lowest <= parameters <= highest)
        return sized and all(run[name] == wanted for name, wanted in words.items())

    def specificity(self) -> tuple[bool, ...]:
        """Sorts the general before the specific: size, then method, then kind, then family, then model."""
        return tuple(value is not None for _, value in self)

    def __str__(self) -> str:
        return " ".join(f"{name}={value}" for name, value in self if value is not None)


class Recipe(_Strict):
    """Settings that work well: training settings and task options by name. ``version`` counts changes of them."""

    _own: frozenset[str] = frozenset()
    _owner: str = ""

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
        if task.id not in self.tasks or task.full_name in self.tasks:
            return task.full_name in self.tasks
        return task.distribution == self._owner if task.id in self._own else task.name == task.id

    def check_options(self, spec: TaskSpec) -> None:
        """Compare what it sets with the options of a task; raises RequestError for one that it does not take."""
        options = {name: value for name, value in self.set.items() if name not in TRAINING_FIELDS}
        for name in options:
            if name not in spec.options:
                raise UnknownNameError(f"setting of {spec.id}", name, [*TRAINING_FIELDS, *spec.options])
        spec.resolve_options(options)

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
    sections: dict[Any, type[BaseModel]] = {"tasks": TaskDefaults, "models": ModelEntry, "datasets": DatasetEntry}
    inner: dict[Any, type[BaseModel]] = {"recipes": Recipe, "package": Package, "match": Match, "results": Result}
    if len(location) == 1:
        return list(CatalogueFile.model_fields)
    return list((sections | inner)[location[0 if len(location) == 3 else 2]].model_fields)
