"""Where a run comes from, as the catalogue knows it: ids on the hub, licences, languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from taskzoo import registry
from taskzoo.registry.naming import FIRST_PARTY
from taskzoo.runs.directory import RunDirectory
from taskzoo.runs.manifest import CATALOGUE, HUB

UNKNOWN = "unknown"
HUB_DATA = "hub:"


@dataclass(frozen=True, slots=True)
class Origin:
    """Of a base model or of data.

    Args:
        name: for people; never a path.
        hub: its id on the hub, where it has one.
        licence: the hub's name of it, or :data:`UNKNOWN`.
        languages: codes.
    """

    name: str
    hub: str | None = None
    licence: str = UNKNOWN
    languages: Sequence[str] = ()


def model_origin(facts: Mapping[str, Any]) -> Origin:
    """Of the base model, from the public part of the manifest. A folder has no id and no licence that is known.

    What its name is says ``source``, which runs of earlier versions lack: a folder may be called as a model of the
    catalogue is. One that was loaded from the hub has a commit.
    """
    model = facts["model"]
    named, source = model["name"], model.get("source")
    hub = model["location"] if source == HUB or model.get("revision") is not None else None
    known = registry.models() if hub or source == CATALOGUE else ()
    entry = next((entry for entry in known if (entry.hub == hub if hub else entry.name == named)), None)
    if entry is not None:
        return Origin(entry.hub or entry.name, entry.hub, entry.license or UNKNOWN)
    return Origin(hub or named, hub)


def data_origin(directory: RunDirectory, facts: Mapping[str, Any]) -> Origin:
    """Of the data: a set of the catalogue, one of the hub, the demo set, or files by their names."""
    config = yaml.safe_load(directory.config.read_text(encoding="utf-8")) if directory.config.is_file() else {}
    named = str((config.get("data") or {}).get("name") or "")
    if named == "demo" or named.startswith("demo/"):
        distribution = facts["task"]["distribution"]
        if distribution == FIRST_PARTY:
            return Origin("the demo set that comes with Task Zoo", licence="apache-2.0")
        return Origin(f"the demo set of {distribution}")
    hub = named.removeprefix(HUB_DATA) if named.startswith(HUB_DATA) else None
    entry = next((e for e in registry.datasets() if e.name == named or (hub and e.hub == hub)), None)
    if entry is not None:
        return Origin(entry.name, entry.hub, entry.license or UNKNOWN, entry.languages)
    sources = [str(source.get("source", "")) for source in facts["data"].values()]
    names = dict.fromkeys(source.replace("\\", "/").rpartition("/")[2] for source in sources if source)
    return Origin(hub or ", ".join(names) or UNKNOWN, hub)
