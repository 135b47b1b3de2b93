"""The catalogue: layers laid over one another.

Built in, then what plugins bring, then the user's own file, then one that is named for this call. An entry takes the
place of one of the same name below it only where it says ``replace: true``. Recipes are added, and win over those of
the layers below.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from taskzoo.errors import DataError, RequestError, TaskZooError, nearest

from .discovery import Discovery, Plugin
from .layers import Layer, read_file, read_mapping
from .naming import FIRST_PARTY, TaskEntry
from .schema import CatalogueFile, DatasetEntry, ModelEntry, Recipe, TaskDefaults
from .strangers import INTERRUPTS, describe

FILE = "registry.yaml"
BUILT_IN = "built in"
CONFIG_VARIABLE = "ZOO_CONFIG_DIR"
FILE_VARIABLE = "TASKZOO_REGISTRY"


@dataclass(slots=True)
class Catalogue:
    """All layers in one; ``recipes`` stand in the order they apply, general before specific in each layer."""

    tasks: dict[str, TaskDefaults] = field(default_factory=dict)
    models: dict[str, ModelEntry] = field(default_factory=dict)
    datasets: dict[str, DatasetEntry] = field(default_factory=dict)
    recipes: list[Recipe] = field(default_factory=list)

    @classmethod
    def from_layers(cls, layers: Iterable[Layer], tasks: Sequence[TaskEntry] = ()) -> Catalogue:
        """Lay ``layers`` over one another, the first at the bottom. Raises as :meth:`add` does."""
        result = cls()
        for layer in layers:
            result.add(layer, tasks)
        return result

    def add(self, layer: Layer, tasks: Sequence[TaskEntry]) -> None:
        """Check one more layer and lay it on top.

        Raises DataError where an entry would replace one and does not say ``replace: true``, or as
        :func:`check_recipes` does.
        """
        check_recipes(layer, tasks)
        for section, name, origin in self.repeats(layer.content, openly=False):
            raise layer.error((section, name), f"{section}.{name}: {_already(section, name, origin)}.")
        self.lay(layer.content)

    def copy(self) -> Catalogue:
        """One that can be added to while this stays as it is."""
        return Catalogue(dict(self.tasks), dict(self.models), dict(self.datasets), list(self.recipes))

    def repeats(self, content: CatalogueFile, *, openly: bool) -> list[tuple[str, str, str]]:
        """Section, name and present origin of the entries that there are already and that say so, or that do not."""
        return [
            (section, name, getattr(self, section)[name].origin)
            for section in ("models", "datasets")
            for name, entry in getattr(content, section).items()
            if name in getattr(self, section) and entry.replace == openly
        ]

    def lay(self, content: CatalogueFile) -> None:
        """Lay one more layer on top, whatever it replaces."""
        self.tasks.update(content.tasks)
        self.models.update(content.models)
        self.datasets.update(content.datasets)
        self.recipes.extend(sorted(content.recipes, key=lambda recipe: recipe.match.specificity()))


def check_recipes(layer: Layer, tasks: Sequence[TaskEntry]) -> None:
    """Compare the recipes of a layer with the options of the tasks that they are for.

    Raises DataError with file and line where a task has no such option or does not take the value.
    """
    for number, recipe in enumerate(layer.content.recipes):
        for task in tasks:
            if recipe.is_for(task):
                try:
                    recipe.check_options(task.spec)
                except RequestError as error:
                    raise layer.error(("recipes", number, "set"), f"recipes.{number}.set: {error}") from None


def complete(discovery: Discovery, base: Iterable[Layer] | None = None) -> tuple[Discovery, Catalogue]:
    """The catalogue with all that plugins bring, and the plugins with what became of their part of it.

    A plugin whose catalogue cannot be read has failed. An entry of a third party that would replace another, or would
    change how others' tasks are trained, without saying ``replace: true`` is left out and noted. ``base`` are the
    layers below (default: the built-in file).
    """
    base = [read_file(built_in_file(), BUILT_IN)] if base is None else base
    catalogue = Catalogue.from_layers(base, discovery.tasks)
    for plugin in [one for one in discovery.found if one.catalogues]:
        try:
            _add_plugin(catalogue, plugin, discovery.tasks)
        except INTERRUPTS:
            raise
        except BaseException as error:  # whatever a stranger's mapping may raise
            plugin.fail(str(error) if isinstance(error, DataError) else describe(error))
    return Discovery(discovery.found), catalogue


def user_layers() -> list[Layer]:
    """The user's own catalogue and the one that ``TASKZOO_REGISTRY`` (``--registry``) names, as far as there are such.

    Raises DataError with file and line where one cannot be used.
    """
    files = [user_file()] if user_file().is_file() else []
    if named := os.environ.get(FILE_VARIABLE):
        files.append(Path(named).expanduser())
    built_in = built_in_file().resolve()
    return [read_file(path) for path in dict.fromkeys(path.resolve() for path in files) if path != built_in]


def built_in_file() -> Path:
    """The packaged registry.yaml: inside the package, or at the root of a checkout."""
    package = Path(__file__).resolve().parents[1]
    for path in (package / FILE, package.parents[1] / FILE):
        if path.is_file():
            return path
    raise TaskZooError(f"The built-in {FILE} is missing in {package}; reinstall taskzoo.")


def user_file() -> Path:
    """The user's own registry.yaml, which need not exist; ``ZOO_CONFIG_DIR`` names another folder for it."""
    from platformdirs import user_config_dir

    return Path(os.environ.get(CONFIG_VARIABLE) or user_config_dir("taskzoo")).expanduser() / FILE


def _add_plugin(catalogue: Catalogue, plugin: Plugin, tasks: Sequence[TaskEntry]) -> None:
    """Lay all catalogues of one plugin over ``catalogue``, or none, and put on its record what they hold."""
    origin = f"plugin {plugin.record.name}"
    layers = [
        read_file(raw, origin) if isinstance(raw, Path) else read_mapping(raw, origin, plugin.folder)
        for raw in plugin.catalogues
    ]
    own = {name for task in tasks if task.distribution == plugin.distribution for name in (task.id, task.full_name)}
    others = {name for task in tasks for name in (task.id, task.full_name)} - own
    for layer in layers:
        layer.content.remember_owner(plugin.distribution, own)
        check_recipes(layer, tasks)
    contents = [layer.content for layer in layers]
    notes, replaced = [plugin.note] if plugin.note else [], []
    for content in contents:
        if content.tasks:
            notes.append("its default models of tasks are left out: a plugin names them in its TaskSpec")
            content.tasks.clear()
        for section, name, present in catalogue.repeats(content, openly=False):
            notes.append(f"its {section}.{name} is left out: {_already(section, name, present)}")
            del getattr(content, section)[name]
    models = tuple(name for content in contents for name in content.models)
    for content in contents:
        kept = [recipe for recipe in content.recipes if _may_apply(recipe, plugin, own, models)]
        notes += _task_notes(content.recipes, kept, own, others)
        content.recipes[:] = kept
        repeats = catalogue.repeats(content, openly=True)
        replaced += [f"{section}.{name} ({present})" for section, name, present in repeats]
        replaced += [f"recipe {recipe}" for recipe in kept if recipe.replace]
        catalogue.lay(content)
    plugin.record = replace(
        plugin.record,
        reason="; ".join(notes),
        models=models,
        datasets=tuple(name for content in contents for name in content.datasets),
        recipes=sum(len(content.recipes) for content in contents),
        replaces=tuple(replaced),
    )


def _may_apply(recipe: Recipe, plugin: Plugin, own: Collection[str], models: Collection[str]) -> bool:
    """Whether a recipe is for the plugin's own tasks or models, or says that it replaces others' settings."""
    if plugin.distribution == FIRST_PARTY or recipe.replace or recipe.match.model in models:
        return True
    return all(task in own for task in recipe.tasks)


def _task_notes(
    recipes: Sequence[Recipe], kept: Sequence[Recipe], own: Collection[str], others: Collection[str]
) -> list[str]:
    """What to know of the tasks that a plugin's recipes name: some are none, and some of others' are left out."""
    notes: dict[str, None] = {}
    for recipe in recipes:
        strange = [name for name in recipe.tasks if name not in own]
        unknown = next((name for name in strange if name not in others), None)
        near = nearest(unknown, [*own, *others]) if unknown else []
        if unknown and (near or recipe not in kept):
            what = "apply to nothing" if recipe in kept else "are left out"
            hint = f"; did you mean {near[0]!r}?" if near else ""
            notes[f"its recipes for {unknown!r} {what}: no plugin here offers such a task{hint}"] = None
        elif recipe not in kept:
            notes[
                f"its recipes for {', '.join(map(repr, strange))} are left out: they change how tasks of others are "
                "trained with models of others; write `replace: true` in them if that is meant"
            ] = None
    return list(notes)


def _already(section: str, name: str, origin: str) -> str:
    kind = {"models": "model", "datasets": "data set"}[section]
    where = "the built-in catalogue" if origin == BUILT_IN else origin
    return f"{where} has a {kind} {name!r}; write `replace: true` in the entry to replace it"
