"""The catalogue: layers laid over one another.

Built in, then what plugins supply, then the user's registry.yaml, then the working directory's. A later layer
replaces entries of the same name; its recipes are added and win over those of the layers below.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from taskzoo.errors import TaskZooError

from .layers import Layer, read_file
from .schema import DatasetEntry, ModelEntry, Recipe, TaskDefaults

FILE = "registry.yaml"
BUILT_IN = "built in"
CONFIG_VARIABLE = "ZOO_CONFIG_DIR"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All layers in one; ``recipes`` stand in the order they apply, general before specific in each layer."""

    tasks: dict[str, TaskDefaults] = field(default_factory=dict)
    models: dict[str, ModelEntry] = field(default_factory=dict)
    datasets: dict[str, DatasetEntry] = field(default_factory=dict)
    recipes: list[Recipe] = field(default_factory=list)

    @classmethod
    def from_layers(cls, layers: Iterable[Layer]) -> Catalogue:
        """Lay ``layers`` over one another, the first at the bottom."""
        result = cls()
        for layer in layers:
            result.tasks.update(layer.content.tasks)
            result.models.update(layer.content.models)
            result.datasets.update(layer.content.datasets)
            result.recipes.extend(sorted(layer.content.recipes, key=lambda recipe: recipe.match.specificity()))
        return result


def load(plugin_layers: Iterable[Layer] = ()) -> Catalogue:
    """The catalogue as this user sees it in this directory.

    Raises:
        DataError: a registry.yaml that cannot be used, with file and line.
    """
    base = built_in_file()
    seen = {base.resolve()}
    layers = [read_file(base, BUILT_IN), *plugin_layers]
    for path in (user_file(), Path.cwd() / FILE):
        if path.is_file() and path.resolve() not in seen:  # a checkout of taskzoo holds the built-in file itself
            seen.add(path.resolve())
            layers.append(read_file(path))
    return Catalogue.from_layers(layers)


def built_in_file() -> Path:
    """The packaged registry.yaml: inside the package, or at the root of a checkout.

    Raises:
        TaskZooError: neither is there.
    """
    package = Path(__file__).resolve().parents[1]
    for path in (package / FILE, package.parents[1] / FILE):
        if path.is_file():
            return path
    raise TaskZooError(f"The built-in {FILE} is missing beside {package}; reinstall taskzoo.")


def user_file() -> Path:
    """The user's own registry.yaml, which need not exist; ``ZOO_CONFIG_DIR`` names another folder for it."""
    folder = os.environ.get(CONFIG_VARIABLE)
    if not folder:
        from platformdirs import user_config_dir

        folder = user_config_dir("taskzoo")
    return Path(folder).expanduser() / FILE
