"""Where the files of a model lie on this machine, found without importing anything."""

from __future__ import annotations

from importlib import metadata, util
from pathlib import Path

from .schema import ModelEntry, Package


def model_path(entry: ModelEntry) -> Path | None:
    """The directory of a model that is here: its ``path``, or a folder inside its installed package; else None."""
    if entry.directory is not None and entry.directory.is_dir():
        return entry.directory
    return None if entry.package is None else _inside(entry.package)


def _inside(package: Package) -> Path | None:
    try:
        distribution = metadata.distribution(package.distribution)
    except (metadata.PackageNotFoundError, ValueError):
        return None
    found = Path(str(distribution.locate_file(package.path)))
    if found.is_dir():
        return found
    top, *rest = Path(package.path).parts  # an editable install keeps its files elsewhere
    spec = util.find_spec(top) if top.isidentifier() else None
    for location in (spec.submodule_search_locations or []) if spec else []:
        found = Path(location, *rest)
        if found.is_dir():
            return found
    return None
