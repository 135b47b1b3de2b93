"""The catalogue: layers laid over one another.

Built in, then what plugins bring, then the user's own file, then one that is named for this call. An entry takes the
place of one of the same name below it only where it says ``replace: true``. Recipes are added, and win over those of
the layers below.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from taskzoo.errors import DataError, RequestError, TaskZooError

from .discovery import Discovery, Plugin
from .layers import Layer, read_file, read_mapping
from .naming import FIRST_PARTY, TaskEntry
from .schema import CatalogueFile, DatasetEntry, ModelEntry, Recipe, TaskDefaults

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

        Raises:
            DataError: an entry would replace one and does not say ``replace: true``, or a recipe sets what one of the
                ``tasks`` that it is for does not take.
        """
        check_recipes(layer, tasks)
        for section, name, origin in self.clashes(layer):
            raise layer.error((section, name), f"{section}.{name}: {_already(section, name, origin)}.")
        self.lay(layer.content)

    def copy(self) -> Catalogue:
        """One that can be added to while this stays as it is."""
        return Catalogue(dict(self.tasks), dict(self.models), dict(self.datasets), list(self.recipes))

    def clashes(self, layer: Layer) -> list[tuple[str, str, str]]:
        """Section, name and present origin of each entry that would replace one and does not say so."""
        return [
            clash for clash in self.repeats(layer.content) if not getattr(layer.content, clash[0])[clash[1]].replace
        ]

    def repeats(self, content: CatalogueFile) -> list[tuple[str, str, str]]:
        """Section, name and present origin of each entry whose name there is already."""
        sections: dict[str, Mapping[str, ModelEntry | DatasetEntry]] = {
            "models": self.models,
            "datasets": self.datasets,
        }
        return [
            (section, name, known[name].origin)
            for section, known in sections.items()
            for name in getattr(content, section)
            if name in known
        ]

    def lay(self, content: CatalogueFile) -> None:
        """Lay one more layer on top, whatever it replaces."""
        self.tasks.update(content.tasks)
        self.models.update(content.models)
        self.datasets.update(content.datasets)
        self.recipes.extend(sorted(content.recipes, key=lambda recipe: recipe.match.specificity()))


def check_recipes(layer: Layer, tasks: Sequence[TaskEntry]) -> None:
    """Compare the recipes of a layer with the options of the tasks that they are for.

    Raises:
        DataError: a task has no such option or does not take the value, with file and line.
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
    change how others' tasks are trained, without saying ``replace: true`` is left out and noted.

    Args:
        discovery: the plugins.
        base: the layers below them (default: the built-in file).
    """
    base = [read_file(built_in_file(), BUILT_IN)] if base is None else base
    catalogue = Catalogue.from_layers(base, discovery.tasks)
    for plugin in discovery.found:
        try:
            _add_plugin(catalogue, plugin, discovery.tasks)
        except Exception as error:  # whatever a stranger's mapping may raise
            plugin.fail(str(error) if isinstance(error, DataError) else f"{type(error).__name__}: {error}")
    return Discovery(discovery.found), catalogue


def user_layers() -> list[Layer]:
    """The user's own catalogue and the one that ``TASKZOO_REGISTRY`` (``--registry``) names, as far as there are such.

    Raises:
        DataError: one cannot be used, with file and line.
    """
    files = [path for path in (user_file(),) if path.is_file()]
    named = os.environ.get(FILE_VARIABLE)
    if named:
        files.append(Path(named).expanduser())
    built_in = built_in_file().resolve()
    return [read_file(path) for path in dict.fromkeys(path.resolve() for path in files) if path != built_in]


def built_in_file() -> Path:
    """The packaged registry.yaml: inside the package, or at the root of a checkout.

    Raises:
        TaskZooError: neither is there.
    """
    package = Path(__file__).resolve().parents[1]
    for path in (package / FILE, package.parents[1] / FILE):
        if path.is_file():
            return path
    raise TaskZooError(f"The built-in {FILE} is missing in {package}; reinstall taskzoo.")


def user_file() -> Path:
    """The user's own registry.yaml, which need not exist; ``ZOO_CONFIG_DIR`` names another folder for it."""
    folder = os.environ.get(CONFIG_VARIABLE)
    if not folder:
        from platformdirs import user_config_dir

        folder = user_config_dir("taskzoo")
    return Path(folder).expanduser() / FILE


def _add_plugin(catalogue: Catalogue, plugin: Plugin, tasks: Sequence[TaskEntry]) -> None:
    """Lay all catalogues of one plugin over ``catalogue``, or none, and put on its record what they hold."""
    origin = f"plugin {plugin.record.name}"
    layers = [
        read_file(raw, origin) if isinstance(raw, Path) else read_mapping(raw, origin, plugin.folder)
        for raw in plugin.catalogues
    ]
    own = {task.id for task in tasks if task.distribution == plugin.distribution}
    for layer in layers:
        layer.content.remember_owner(plugin.distribution, own)
        check_recipes(layer, tasks)
    notes, replaced = [], []
    for layer in layers:
        if layer.content.tasks:
            notes.append("its default models of tasks are left out: a plugin names them in its TaskSpec")
            layer.content.tasks.clear()
        for section, name, present in catalogue.clashes(layer):
            notes.append(f"its {section}.{name} is left out: {_already(section, name, present)}")
            del getattr(layer.content, section)[name]
    models = {name for layer in layers for name in layer.content.models}
    for layer in layers:
        content = layer.content
        kept = [recipe for recipe in content.recipes if _may_apply(recipe, plugin, own, models)]
        if len(kept) < len(content.recipes):
            notes.append(
                f"{len(content.recipes) - len(kept)} of its recipes are left out: they change how tasks of others are "
                "trained with models of others; write `replace: true` in them if that is meant"
            )
            content.recipes[:] = kept
        replaced += [f"{section}.{name} ({present})" for section, name, present in catalogue.repeats(content)]
        replaced += [f"recipe {recipe}" for recipe in kept if recipe.replace]
        catalogue.lay(content)
    plugin.notes = notes
    plugin.record = replace(
        plugin.record,
        models=tuple(name for layer in layers for name in layer.content.models),
        datasets=tuple(name for layer in layers for name in layer.content.datasets),
        recipes=sum(len(layer.content.recipes) for layer in layers),
        replaces=tuple(replaced),
    )


def _may_apply(recipe: Recipe, plugin: Plugin, own: Collection[str], models: Collection[str]) -> bool:
    """Whether a recipe is for the plugin's own tasks or models, or says that it replaces others' settings."""
    if plugin.distribution == FIRST_PARTY or recipe.replace or recipe.match.model in models:
        return True
    return all(task in own or task.startswith(f"{plugin.distribution}/") for task in recipe.tasks)


def _already(section: str, name: str, origin: str) -> str:
    kind = {"models": "model", "datasets": "data set"}[section]
    where = "the built-in catalogue" if origin == BUILT_IN else origin
    return f"{where} has a {kind} {name!r}; write `replace: true` in the entry to replace it"
