"""Data sets by name: what the catalogue lists, and what is on the hub."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import datasets
import pytest

from taskzoo import registry
from taskzoo.config import DataConfig
from taskzoo.errors import DataError, RequestError, UnknownNameError
from taskzoo.runs.data import Splits, demo_rows, load_splits
from taskzoo.spec import Column, TaskSpec

from .test_rows_in_memory import TASK

SPEC = TaskSpec(
    id="words",
    contract=2,
    columns={
        "tokens": Column("the words", required=True),
        "tags": Column("their tags", required=True, target=True),
    },
    formats=("conll",),
)
CONLL = "Ada\tB-PER\nleft\tO\n\nLima\tB-LOC\nis\tO\n\n"


class Words(type(TASK)):  # type: ignore[misc]
    def dedup_key(self, example: Any) -> tuple[str, str]:
        return " ".join(example["tokens"]), " ".join(example["tags"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, split in enumerate(("train", "dev", "test")):
        (tmp_path / f"{split}.conll").write_text(CONLL.replace("left", f"left{number}"), encoding="utf-8")
    return tmp_path


def load(
    monkeypatch: pytest.MonkeyPatch, name: str = "mine", own: dict[str, Any] | None = None, **entry: Any
) -> Splits:
    known = {"name": "mine", "hub": None, "directory": None, "config": None, "revision": None, "columns": {}, **entry}
    monkeypatch.setattr(registry, "datasets", lambda: [SimpleNamespace(**known)])
    return load_splits(SPEC, Words({}), DataConfig(name=name, **own or {}), seed=0)


def test_a_local_directory_is_read_by_the_zoos_own_readers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    splits = load(monkeypatch, directory=folder, columns={"tokens": "0", "tags": "-1"})
    assert {split: len(found) for split, found in splits.examples.items()} == {"train": 2, "validation": 2, "test": 2}
    assert splits.examples["test"][0]["tokens"] == ["Ada", "left2"]
    source = splits.sources["train"]
    assert source["source"] == str(folder / "train.conll")
    assert len(source["sha256"]) == 64


def test_a_split_of_ones_own_replaces_that_of_a_named_data_set(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"validation": "none", "test": str(folder / "dev.conll")}
    splits = load(monkeypatch, own=own, directory=folder, columns={"tokens": "0", "tags": "-1"})
    assert {split: len(found) for split, found in splits.examples.items()} == {"train": 2, "validation": 0, "test": 2}
    assert splits.sources["test"]["source"] == own["test"]
    assert splits.sources.keys() == {"train", "test"}


def test_a_directory_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="there is no such folder"):
        load(monkeypatch, directory=tmp_path / "none")


def test_a_name_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownNameError, match=r"There is no data set named 'mina'\. Did you mean 'mine'"):
        load(monkeypatch, "mina")


def test_a_hub_set_through_datasets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = '{"tokens": ["Ada", "left%s"], "ner": ["B-PER", "O"]}\n'
    for split in ("train", "dev", "test"):
        (tmp_path / f"{split}.jsonl").write_text(row % split, encoding="utf-8")
    splits = load(monkeypatch, hub=str(tmp_path), columns={"tags": "ner"})
    assert splits.examples["validation"][0]["tokens"] == ["Ada", "leftdev"]
    assert len(splits.sources["test"]["sha256"]) == 64
    with pytest.raises(RequestError, match="no column for tags; found 'tokens', 'ner'"):
        load(monkeypatch, hub=str(tmp_path))
    said = rf"`format` is for files, and {tmp_path} is a data set of the hub or as save_to_disk wrote it; leave"
    for name in ("mine", f"hub:{tmp_path}"):
        with pytest.raises(RequestError, match=said):
            load(monkeypatch, name, {"format": "conll"}, hub=str(tmp_path), columns={"tags": "ner"})
    (tmp_path / "own.conll").write_text(CONLL, encoding="utf-8")
    own = {"format": "conll", "test": str(tmp_path / "own.conll"), "test_columns": {"tags": "-1"}}
    assert len(load(monkeypatch, own=own, hub=str(tmp_path), columns={"tags": "ner"}).examples["test"]) == 2


def test_a_saved_data_set_has_no_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets.Dataset.from_list([{"tokens": ["Ada"], "tags": ["B-PER"]}] * 3).save_to_disk(tmp_path / "saved")
    with pytest.raises(RequestError, match=r"`format` is for files, and .*saved is a data set of the hub or as save"):
        load(monkeypatch, str(tmp_path / "saved"), {"format": "conll"})
    assert load(monkeypatch, str(tmp_path / "saved"), {"validation": "none", "test": "none"}).examples["train"]


def test_rows_of_the_demo_set() -> None:
    spec = registry.task("ner")
    rows = demo_rows(spec, Words({}))
    assert {split: len(found) for split, found in rows.items()} == {"train": 1600, "validation": 150, "test": 200}
