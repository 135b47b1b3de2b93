"""The configuration that a finished run has, wherever the run lies now."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from taskzoo.config import RunConfig, read_config

from .data import SPLITS, UNLABELLED
from .directory import RunDirectory


def saved_config(directory: RunDirectory) -> RunConfig:
    """Its ``config.yaml``; rows that lie in the run, because they were given in memory, are named where it is now.

    Raises:
        RequestError, DataError: there is none, or it cannot be used.
    """

    def there(name: str | list[str] | None) -> str | list[str] | None:
        if not isinstance(name, str) or Path(name).parent.name != directory.data.name:
            return name
        own = directory.data / Path(name).name
        return str(own.absolute()) if own.is_file() else name

    config = RunConfig.from_dict(read_config(directory.config))
    data = config.data
    moved: dict[str, Any] = {split: there(getattr(data, split)) for split in (*SPLITS, UNLABELLED)}
    return replace(config, data=replace(data, **moved))
