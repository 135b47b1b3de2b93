"""Where a run comes from, as the catalogue knows it: ids on the hub, licences, languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from taskzoo import registry
from taskzoo.runs.directory import RunDirectory

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
    """Of the base model, from the public part of the manifest. A directory has no id and no licence that is known."""
    model = facts["model"]
    names = (model["name"], model["location"])
    entry = next((e for e in registry.models() if e.name in names or (e.hub and e.hub in names)), None)
    if entry is not None:
        return Origin(entry.hub or entry.name, entry.hub, entry.license or UNKNOWN)
    from_hub = model.get("revision") is not None and model["location"].count("/") == 1
    return Origin(model["location"] if from_hub else model["name"], model["location"] if from_hub else None)


def data_origin(directory: RunDirectory, facts: Mapping[str, Any]) -> Origin:
    """Of the data: a set of the catalogue, one of the hub, the demo set, or files by their names."""
    config = yaml.safe_load(directory.config.read_text(encoding="utf-8")) if directory.config.is_file() else {}
    named = str((config.get("data") or {}).get("name") or "")
    if named == "demo" or named.startswith("demo/"):
        return Origin("the demo set that comes with Task Zoo", licence="apache-2.0")
    hub = named.removeprefix(HUB_DATA) if named.startswith(HUB_DATA) else None
    entry = next((e for e in registry.datasets() if e.name == named or (hub and e.hub == hub)), None)
    if entry is not None:
        return Origin(entry.name, entry.hub, entry.license or UNKNOWN, entry.languages)
    sources = [str(source.get("source", "")) for source in facts["data"].values()]
    names = dict.fromkeys(source.replace("\\", "/").rpartition("/")[2] for source in sources if source)
    return Origin(hub or ", ".join(names) or UNKNOWN, hub)
