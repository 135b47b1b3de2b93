"""Data sets of the library ``datasets``: from the Hugging Face hub, from a folder in its layout, or in memory."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from itertools import chain, starmap
from pathlib import Path
from typing import Any

from taskzoo.errors import RequestError
from taskzoo.hub_access import hub_access, unreachable_hub
from taskzoo.option_names import option_name
from taskzoo.types import Row

from .columns import Columns, ReadRequest, nested_names, reach
from .language_columns import LANGUAGES
from .readers.names import by_split, split_word, splits_in
from .readers.sources import file_sha256
from .readers.values import named, plain

PARQUET_EXPORT = "refs/convert/parquet"
"""The branch on which the hub keeps data sets of scripts as Parquet, with a folder for each configuration."""

_COMMIT = re.compile(r"@([0-9a-f]{40})/")


@dataclass(frozen=True, slots=True)
class HubData:
    """The rows of each split, and what the manifest says of them."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)


def load_hub_rows(
    location: str, request: ReadRequest, *, config: str | None = None, revision: str | None = None
) -> HubData:
    """The train/validation/test rows of a hub data set; integer labels become their names.

    Args:
        location: hub id or local folder.
        request: what is wanted of it; a column may be nested (``translation.en``). Only training rows have groups.
        config: configuration name, if the data set has several.
        revision: of the data set on the hub; on :data:`PARQUET_EXPORT` a configuration is a folder.

    Raises:
        RequestError: it cannot be loaded, or lacks a column.
    """
    saved = is_saved_data_set(Path(location))
    loaded = _load(location, config=config, revision=revision)
    loaded = loaded if isinstance(loaded, Mapping) else {"train": loaded}
    found = HubData()
    names = name_splits(loaded)
    for split, name in names.items():
        wanted = request if split == "train" else replace(request, group=None)
        wanted = replace(wanted, bad=None if request.bad is None else [])
        rows = found.rows[split] = dataset_rows(loaded[name], Columns(wanted, location))
        source = {"source": location if saved else f"hub:{location}", "rows": len(rows), "sha256": _hash(rows)}
        found.sources[split] = source | _commit(loaded[name]) | ({"bad_rows": wanted.bad} if wanted.bad else {})
    if "train" in found.sources and (others := [name for name in loaded if name not in names.values()]):
        what = f"rows of the data set's other splits ({', '.join(others)}) not used"
        found.sources["train"]["left_out"] = {what: sum(len(loaded[name]) for name in others)}
    return found


def hub_streams(location: str) -> dict[str, Any]:
    """Each of train, validation and test that a data set has -> a ``datasets.IterableDataset``; nothing is read yet.

    Raises:
        RequestError: as :func:`load_hub_rows`.
    """
    loaded = _load(location, streaming=True)
    loaded = loaded if isinstance(loaded, Mapping) else {"train": loaded}
    return {split: loaded[name] for split, name in name_splits(loaded).items()}


def streamed_rows(dataset: Any, columns: Columns) -> Iterator[Row]:
    """The rows of a ``datasets.IterableDataset``, as :func:`dataset_rows` gives them.

    Raises:
        DataError: as there.
    """
    items = iter(dataset.with_format(None))
    if (first := next(items, None)) is not None:
        read = _reader(list(first), first, dataset.features or {}, columns)
        yield from starmap(read, enumerate(chain([first], items), 1))


def hub_content(location: str) -> str:
    """Says what a data set holds: its commit on the hub, or the SHA-256 of the files in a folder.

    Raises:
        RequestError: the hub cannot be reached.
    """
    if _is_path(location):
        digest, folder = hashlib.sha256(), Path(location)
        for file in sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else [folder]:
            digest.update(str(file.relative_to(folder)).encode() + b"\0" + file_sha256(file))
        return digest.hexdigest()
    from huggingface_hub import HfApi

    try:
        with hub_access():
            return str(HfApi().dataset_info(location).sha)
    except Exception as error:  # as many kinds as datasets raises
        raise _not_loaded(location, error) from error


def _load(location: str, *, config: str | None = None, revision: str | None = None, streaming: bool = False) -> Any:
    try:
        from datasets import load_dataset, load_from_disk

        if is_saved_data_set(Path(location)):
            return load_from_disk(location)
        with nullcontext() if _is_path(location) else hub_access():
            where = {"data_dir" if revision == PARQUET_EXPORT else "name": config}
            return load_dataset(location, **where, revision=revision, streaming=streaming)
    except Exception as error:  # datasets raises many kinds, all of them about this request
        raise _not_loaded(location, error) from error


def _not_loaded(location: str, error: Exception) -> RequestError:
    if not _is_path(location) and (why := unreachable_hub()):
        return RequestError(
            f"The data set {location!r} is not on this machine, and {why}. Try again with a connection or a mirror "
            f"(HF_ENDPOINT); without one, use files: {option_name('train', 'FILE')}."
        )
    reason = str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
    return RequestError(f"The data set {location!r} cannot be loaded: {reason}")


def _is_path(location: str) -> bool:
    return Path(location).exists() or Path(location).is_absolute()


def is_saved_data_set(folder: Path) -> bool:
    """Whether ``save_to_disk`` of the library ``datasets`` wrote the folder."""
    return (folder / "dataset_dict.json").is_file() or all(
        (folder / name).is_file() for name in ("state.json", "dataset_info.json")
    )


def name_splits(names: Iterable[str]) -> dict[str, str]:
    """train/validation/test -> the name that says it: the word alone, else the only one that has the word in it."""
    candidates = by_split({name: splits.pop() for name in names if len(splits := splits_in(name)) == 1})
    chosen = {}
    for split in ("train", "validation", "test"):
        several = candidates[split]
        exact = [name for name in several if split_word(name)]
        if only := exact[:1] if exact else several[: len(several) == 1]:
            chosen[split] = only[0]
    return chosen


def dataset_rows(dataset: Any, columns: Columns) -> list[Row]:
    """The rows of one ``datasets.Dataset``. Columns that hold no role are not decoded.

    Raises:
        DataError: it lacks a column, or a required value.
    """
    top, dataset = list(dataset.column_names), dataset.with_format(None)  # a format may give tensors or frames for rows
    read = _reader(top, dataset[0] if len(dataset) else {}, dataset.features, columns)
    rows = []
    for number, item in enumerate(dataset.select_columns([name for name in top if name in read.columns]), 1):
        with columns.leaving_out():
            rows.append(read(number, item))
    return rows


@dataclass(frozen=True, slots=True)
class _Reader:
    """Makes rows of the items of a data set, of which it needs ``columns``."""

    table: Columns
    where: Mapping[str, str]
    labels: Mapping[str, list[str] | None]
    columns: frozenset[str]

    def __call__(self, number: int, item: Mapping[str, Any]) -> Row:
        values = {role: named(plain(reach(item, name)), self.labels.get(name)) for role, name in self.where.items()}
        return self.table.row(values, number, item.get(LANGUAGES))


def _reader(top: list[str], first: Mapping[str, Any], features: Mapping[str, Any], columns: Columns) -> _Reader:
    """For items with the columns ``top``, of which one is ``first``."""
    names = [*top, *columns.dotted(top, nested_names(first) if first else [])]
    where = {role: names[index] for role, index in columns.find(names).items()}
    heads = {name if name in top else name.partition(".")[0] for name in where.values()}
    labels = {name: _label_names(features[name]) for name in where.values() if name in top and name in features}
    return _Reader(columns, where, labels, frozenset({*heads, LANGUAGES}))


def _label_names(feature: Any) -> list[str] | None:
    inner = getattr(feature, "feature", feature)
    names: list[str] | None = getattr(inner, "names", None)
    return names


def _commit(dataset: Any) -> dict[str, str]:
    """The commit on the hub that the files came from, where they did."""
    found: Mapping[str, Any] = dataset.info.download_checksums or {}
    commits = {match[1] for name in found if (match := _COMMIT.search(name))}
    return {"commit": commits.pop()} if len(commits) == 1 else {}


def _hash(rows: list[Row]) -> str:
    """SHA-256 of what is used of the rows, which does not depend on the version of the library."""
    digest = hashlib.sha256()
    for row in rows:
        line = json.dumps(dict(row.fields), sort_keys=True, default=str) + "\n"
        digest.update(line.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
