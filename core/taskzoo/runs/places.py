"""Where files lie on this machine is nobody else's business: what is published names them without their folders."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .plan import Plan


def without_places(plan: Plan, run: Path) -> Callable[[Any], Any]:
    """A function that takes folders of this machine out of the texts inside a JSON value, keys of objects included.

    A file that was named for the run is left with its own name (``/srv/poems/train.csv`` is ``train.csv``); what
    lies below the working directory, the home directory or the run with its way from there.
    """
    data, sources = plan.config.data, plan.splits.sources.values()
    named = [
        data.name,
        *chain(*data.files.values()),
        data.unlabelled,
        plan.ref.name,
        plan.ref.location,
        plan.config.from_run,
        plan.config.training.teacher,
    ]
    named += [source.get("source") for source in sources] + [file for s in sources for file in s.get("files", ())]
    named.append(plan.entry.full_name.rpartition(":")[0])
    files = [Path(name) for name in named if name and Path(name).is_absolute()]
    return shortener([*(file.parent for file in files), run.absolute(), Path.cwd(), Path.home()])


def shortener(folders: Iterable[Path]) -> Callable[[Any], Any]:
    """A function that takes these folders out of the texts inside a JSON value, keys of objects included."""
    texts = {text for folder in folders for text in (str(folder), str(folder.resolve())) if folder != Path(folder.root)}
    if not texts:
        return lambda value: value
    longest_first = "|".join(map(re.escape, sorted(texts, key=lambda text: (-len(text), text))))
    below = re.compile(rf"(?<![\w./~-])(?:{longest_first})[/\\]")

    def shorten(value: Any) -> Any:
        if isinstance(value, str):
            return below.sub("", value)
        if isinstance(value, dict):
            return {shorten(key): shorten(inner) for key, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [shorten(inner) for inner in value]
        return value

    return shorten
