"""Look-up for commands and notebooks: :mod:`taskzoo.registry` offers these functions.

They are the methods of one :class:`Registry` for the process, which reads plugins and catalogue on first use.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from taskzoo.errors import PluginError, RequestError, UnknownNameError
from taskzoo.task import Task, TaskSpec

from .discovery import Discovery, PluginRecord, discover
from .naming import FIRST_PARTY, TaskEntry, normalise, resolve

if TYPE_CHECKING:
    from .catalogue import Catalogue
    from .layers import Layer
    from .merging import ResolvedRecipe
    from .schema import DatasetEntry, ModelEntry, Recipe


class Registry:
    """Plugins and catalogue, read once.

    Args:
        discovery: the plugins (default: the installed ones).
        layers: all layers of the catalogue (default: built in, plugins', user's, working directory's).
    """

    def __init__(self, discovery: Discovery | None = None, layers: Sequence[Layer] | None = None) -> None:
        self._given = discovery, layers
        self._discovery: Discovery | None = None
        self._catalogue: Catalogue | None = None

    def refresh(self) -> None:
        """Forget what was read; the next call reads plugins and catalogue anew."""
        self._discovery = self._catalogue = None

    def _plugins(self) -> Discovery:
        if self._discovery is None:
            self._discovery = discover() if self._given[0] is None else self._given[0]
        return self._discovery

    def _entries(self) -> Catalogue:
        if self._catalogue is None:
            from . import catalogue

            layers = self._given[1]
            self._catalogue = (
                catalogue.load(self._plugins().layers) if layers is None else catalogue.Catalogue.from_layers(layers)
            )
        return self._catalogue

    # Tasks and plugins

    def plugins(self) -> list[PluginRecord]:
        """Every plugin found, also those that failed or are disabled."""
        return list(self._plugins().plugins)

    def tasks(self) -> list[TaskEntry]:
        """All tasks that can be run, taskzoo's own first."""
        return list(self._plugins().tasks)

    def task_entry(self, name: str) -> TaskEntry:
        """The task that a bare or full name reaches, with where it comes from.

        Raises:
            PluginError: the plugin of this name failed or is disabled.
            RequestError: several third parties offer it; the message lists the full names.
            UnknownNameError: no such task, with the nearest names.
        """
        broken = self._unusable_plugin(name)
        # A failed first-party plugin keeps its name: no third party's task of the same id takes over unnoticed.
        if (
            broken is not None
            and broken.status == "failed"
            and broken.name == name.rpartition("/")[2]
            and normalise(broken.distribution) == FIRST_PARTY
        ):
            raise _unusable(name, broken)
        hint = "`zoo tasks` lists all." if self.tasks() else "No plugin is installed; `pip install taskzoo` has some."
        try:
            return resolve(name, self._plugins().tasks, hint)
        except UnknownNameError:
            if broken is not None:
                raise _unusable(name, broken) from None
            raise

    def task(self, name: str) -> TaskSpec:
        """The spec of a task; its code is not imported. Raises as :meth:`task_entry` does."""
        return self.task_entry(name).spec

    def load_task(self, name: str) -> type[Task]:
        """The class of a task, imported now. Raises as :meth:`task_entry` does.

        Raises:
            PluginError: its module cannot be imported or holds no such class.
        """
        entry = self.task_entry(name)
        module_name, _, class_name = entry.spec.entry_point.partition(":")
        try:
            found = getattr(importlib.import_module(module_name), class_name)
        except Exception as error:  # whatever a stranger's module may raise
            raise PluginError(
                f"Task {entry.name!r} of {entry.distribution} cannot be loaded from {entry.spec.entry_point!r} "
                f"({type(error).__name__}: {error}); repair or upgrade {entry.distribution}."
            ) from error
        if not isinstance(found, type):
            raise PluginError(
                f"Task {entry.name!r} of {entry.distribution} names {entry.spec.entry_point!r}, which is not a class."
            )
        return cast("type[Task]", found)

    def provider(self, task: str) -> dict[str, str]:
        """``plugin``, ``distribution`` and ``version`` behind a task. Raises as :meth:`task_entry` does."""
        entry = self.task_entry(task)
        record = next(
            r
            for r in self.plugins()
            if r.name == entry.plugin and normalise(r.distribution) == entry.distribution and r.status == "ok"
        )
        return {"plugin": record.name, "distribution": record.distribution, "version": record.version}

    def default_model(self, task: str) -> str | None:
        """The name of the model a run of ``task`` uses when none is asked for. Raises as :meth:`task_entry` does."""
        entry = self.task_entry(task)
        for name in (entry.full_name, entry.spec.id):
            defaults = self._entries().tasks.get(name)
            if defaults is not None and defaults.default_model:
                return defaults.default_model
        return None

    def _unusable_plugin(self, name: str) -> PluginRecord | None:
        """The failed or disabled plugin that a task of this name would come from."""
        distribution, _, task_id = name.rpartition("/")
        bad = [record for record in self.plugins() if record.status != "ok"]
        if distribution:
            bad = [record for record in bad if normalise(record.distribution) == normalise(distribution)]
            return next((record for record in bad if record.name == task_id), bad[0] if bad else None)
        return next((record for record in bad if record.name == task_id), None)

    # Models, data sets and recipes

    def models(
        self,
        task: str | None = None,
        language: str | None = None,
        family: str | None = None,
        kind: str | None = None,
        max_params: int | None = None,
        license: str | None = None,
        text: str | None = None,
    ) -> list[ModelEntry]:
        """The models that meet every condition given.

        Args:
            task: made for this task.
            language: an ISO code; ``zh`` also finds ``zh-cn`` and ``zh-Hans``.
            family: the ``model_type``, e.g. ``bert``.
            kind: ``encoder``, ``decoder`` or ``encoder-decoder``.
            max_params: at most this many parameters; a model of unknown size is left out.
            license: the licence tag, e.g. ``mit``.
            text: part of the name, the hub id or the description.

        Raises:
            UnknownNameError: a task that neither a plugin nor the catalogue knows.
            RequestError: a kind that does not exist.
        """
        from .schema import KINDS

        if kind is not None and kind not in KINDS:
            raise RequestError(f"There is no kind of model named {kind!r}; there are {', '.join(KINDS)}.")
        names = self._task_names(task)
        return [
            entry
            for entry in self._entries().models.values()
            if (names is None or not names.isdisjoint(entry.tasks))
            and (language is None or _speaks(entry.languages, language))
            and (family is None or entry.family.casefold() == family.casefold())
            and (kind is None or entry.kind == kind)
            and (max_params is None or (entry.parameters is not None and entry.parameters <= max_params))
            and (license is None or (entry.license or "").casefold() == license.casefold())
            and (text is None or text.casefold() in f"{entry.name}\n{entry.hub}\n{entry.description}".casefold())
        ]

    def model(self, name: str) -> ModelEntry:
        """One model by name.

        Raises:
            UnknownNameError: no such model, with the nearest names.
        """
        known = self._entries().models
        if name not in known:
            raise UnknownNameError("model", name, known, "`zoo models` lists all.")
        return known[name]

    def datasets(self, task: str | None = None, language: str | None = None) -> list[DatasetEntry]:
        """The data sets that meet every condition given. Raises as :meth:`models` does."""
        names = self._task_names(task)
        return [
            entry
            for entry in self._entries().datasets.values()
            if (names is None or not names.isdisjoint(entry.tasks))
            and (language is None or _speaks(entry.languages, language))
        ]

    def dataset(self, name: str) -> DatasetEntry:
        """One data set by name.

        Raises:
            UnknownNameError: no such data set, with the nearest names.
        """
        known = self._entries().datasets
        if name not in known:
            raise UnknownNameError("dataset", name, known, "`zoo datasets` lists all.")
        return known[name]

    def recipe(
        self,
        task: str,
        model: ModelEntry | str | None = None,
        kind: str | None = None,
        method: str = "full",
    ) -> ResolvedRecipe:
        """The settings that all matching recipes give together, the most specific last.

        Args:
            task: the task's name.
            model: an entry of the catalogue or its name, or the family of a model outside it (a word that is
                both means the entry).
            kind: the model's kind (an entry knows its own).
            method: ``full`` or the way of training fewer weights, e.g. ``lora``.
        """
        from .merging import merge

        matching = self.recipes(task)
        if isinstance(model, str):
            model = self._entries().models.get(model, model)
        if model is None or isinstance(model, str):
            return merge(matching, None, model or None, kind or None, method)
        return merge(matching, model.name, model.family, kind or model.kind, method)

    def recipes(self, task: str) -> list[Recipe]:
        """All recipes of a task, in the order they apply."""
        names = self._names(task)
        return [recipe for recipe in self._entries().recipes if recipe.task in names]

    def model_path(self, entry: ModelEntry) -> Path | None:
        """The local directory of a model that is installed here, else None; nothing is imported."""
        from . import local

        return local.model_path(entry)

    def is_available(self, entry: ModelEntry) -> bool:
        """Whether a model's files are here, so that it loads without a network."""
        return self.model_path(entry) is not None

    def _names(self, task: str) -> set[str]:
        """How the catalogue may speak of a task: as it was asked for, by its full name or by its bare id."""
        for entry in self.tasks():
            if task in (entry.name, entry.full_name):
                return {entry.full_name, entry.spec.id}
        return {task}

    def _task_names(self, task: str | None) -> set[str] | None:
        """The names to filter by; a task may be in the catalogue while its plugin is not installed."""
        if task is None:
            return None
        names = self._names(task)
        catalogue = self._entries()
        known = {name for entry in self.tasks() for name in (entry.name, entry.full_name, entry.spec.id)}
        known.update(catalogue.tasks)
        for entries in (catalogue.models.values(), catalogue.datasets.values()):
            known.update(name for listed in entries for name in listed.tasks)
        if names.isdisjoint(known):
            raise UnknownNameError("task", task, sorted(known), "`zoo tasks` lists all.")
        return names


def _speaks(languages: Sequence[str], wanted: str) -> bool:
    code = wanted.casefold().replace("_", "-")
    folded = [language.casefold().replace("_", "-") for language in languages]
    return any(language == code or language.startswith(f"{code}-") for language in folded)


def _unusable(name: str, record: PluginRecord) -> PluginError:
    state = "is disabled" if record.status == "disabled" else "failed"
    advice = "" if record.status == "disabled" else f"; repair or upgrade {record.distribution}"
    return PluginError(
        f"Task {name!r} cannot be used: its plugin {record.name!r} of {record.distribution} {state} "
        f"({record.reason}){advice}."
    )


_process = Registry()

refresh = _process.refresh
plugins = _process.plugins
tasks = _process.tasks
task_entry = _process.task_entry
task = _process.task
load_task = _process.load_task
provider = _process.provider
default_model = _process.default_model
models = _process.models
model = _process.model
datasets = _process.datasets
dataset = _process.dataset
recipe = _process.recipe
recipes = _process.recipes
model_path = _process.model_path
is_available = _process.is_available
