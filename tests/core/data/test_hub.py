"""A folder that is loaded through the library ``datasets`` gives the rows that the readers give."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import datasets
import pytest

from taskzoo.data.columns import Columns
from taskzoo.data.hub import PARQUET_EXPORT, dataset_rows, load_hub_rows, name_splits
from taskzoo.data.readers import ReadRequest, find_splits, read_rows
from taskzoo.errors import RequestError
from taskzoo.types import Row

from .kit import PAIR, PAIR_FORMATS, TEXT, make_spec

SPEC = make_spec(TEXT, ("jsonl", "csv", "parquet"))


def fields(rows: list[Row]) -> list[dict[str, Any]]:
    return [dict(row.fields) for row in rows]


def both(folder: Path, request: ReadRequest) -> dict[str, list[dict[str, Any]]]:
    """Split -> rows, once they are the same either way."""
    found = find_splits(folder, request.spec.columns)
    files = {split: fields(read_rows(path, request)) for split, path in found.items()}
    loaded = {split: fields(rows) for split, rows in load_hub_rows(str(folder), request).rows.items()}
    assert loaded == files
    return files


@pytest.mark.parametrize("name", ["validation", "valid", "val", "dev"])
def test_csv(tmp_path: Path, name: str) -> None:
    for split in ("train", name, "test"):
        content = f"id,Review,stars,doc\n1,well {split},pos,a_1\n2,ill {split},neg,b_1\n"
        (tmp_path / f"{split}.csv").write_text(content, encoding="utf-8")
    rows = both(tmp_path, ReadRequest(SPEC))
    assert rows["validation"] == [{"text": f"well {name}", "label": "pos"}, {"text": f"ill {name}", "label": "neg"}]
    mapped = both(tmp_path, ReadRequest(SPEC, {"text": "doc", "label": "review"}))
    assert mapped["test"][0] == {"text": "a_1", "label": "well test"}
    assert both(tmp_path, ReadRequest(SPEC, labelled=False))["train"][0] == {"text": "well train"}


def test_nested_columns_named_by_languages(tmp_path: Path) -> None:
    line = json.dumps({"id": "1", "translation": {"en": "Hi", "zh": "嗨"}})
    (tmp_path / "train.jsonl").write_text(line + "\n", encoding="utf-8")
    spec = make_spec(PAIR, PAIR_FORMATS, languages=PAIR)
    assert both(tmp_path, ReadRequest(spec))["train"][0] == {"source": "Hi", "target": "嗨", "languages": ("en", "zh")}
    turned = both(tmp_path, ReadRequest(spec, languages={"source": "zh", "target": "en"}))
    assert turned["train"][0]["source"] == "嗨"
    named = both(tmp_path, ReadRequest(spec, {"source": "translation.zh", "target": "id"}))
    assert named["train"][0]["target"] == "1"


def test_a_configuration_is_a_folder_on_the_branch_of_exports(tmp_path: Path) -> None:
    label = datasets.ClassLabel(names=["neg", "pos"])
    for config, shift in (("first", 0), ("second", 1)):
        for split in ("train", "test"):
            rows = {"text": [f"{config} {split} a", f"{config} {split} b"], "label": [shift, 1]}
            folder = tmp_path / config / split
            folder.mkdir(parents=True)
            table = datasets.Dataset.from_dict(rows, datasets.Features(text=datasets.Value("string"), label=label))
            table.to_parquet(folder / "0000.parquet")
    found = load_hub_rows(str(tmp_path), ReadRequest(SPEC), config="second", revision=PARQUET_EXPORT)
    assert {split: fields(rows) for split, rows in found.rows.items()} == {
        split: [{"text": f"second {split} {letter}", "label": "pos"} for letter in "ab"] for split in ("train", "test")
    }
    with pytest.raises(RequestError, match="cannot be loaded"):
        load_hub_rows(str(tmp_path), ReadRequest(SPEC), config="third", revision=PARQUET_EXPORT)


def test_what_save_to_disk_wrote(tmp_path: Path) -> None:
    features = datasets.Features(text=datasets.Value("string"), label=datasets.ClassLabel(names=["neg", "pos"]))
    one = datasets.Dataset.from_dict({"text": ["a", "b"], "label": [1, 0]}, features=features)
    one.save_to_disk(tmp_path / "one")
    datasets.DatasetDict({"train": one, "dev": one.select([0])}).save_to_disk(tmp_path / "several")
    expected = [{"text": "a", "label": "pos"}, {"text": "b", "label": "neg"}]
    loaded = load_hub_rows(str(tmp_path / "one"), ReadRequest(SPEC))
    assert {split: fields(rows) for split, rows in loaded.rows.items()} == {"train": expected}
    assert loaded.sources["train"]["source"] == str(tmp_path / "one")
    several = load_hub_rows(str(tmp_path / "several"), ReadRequest(SPEC)).rows
    assert {split: fields(rows) for split, rows in several.items()} == {"train": expected, "validation": expected[:1]}


def test_class_labels_and_parquet(tmp_path: Path) -> None:
    features = datasets.Features(sentence=datasets.Value("string"), label=datasets.ClassLabel(names=["neg", "pos"]))
    made = datasets.Dataset.from_dict({"sentence": ["well", "ill"], "label": [1, 0]}, features=features)
    for split in ("train", "test"):
        made.to_parquet(tmp_path / f"{split}.parquet")
    assert both(tmp_path, ReadRequest(SPEC))["test"] == [
        {"text": "well", "label": "pos"},
        {"text": "ill", "label": "neg"},
    ]


def test_messages_name_the_columns(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("a,b\nx,y\n", encoding="utf-8")
    with pytest.raises(RequestError, match=r"no column for text, label; found 'a', 'b'; name it with --columns"):
        load_hub_rows(str(tmp_path), ReadRequest(SPEC))
    with pytest.raises(RequestError, match="cannot be loaded"):
        load_hub_rows(str(tmp_path / "none"), ReadRequest(SPEC))


def test_the_source_has_a_hash_of_what_is_used(tmp_path: Path) -> None:
    file = tmp_path / "train.csv"

    def load(content: str) -> dict[str, Any]:
        file.write_text(content, encoding="utf-8")
        return load_hub_rows(str(tmp_path), ReadRequest(SPEC)).sources["train"]

    first = load("text,label,note\na,x,1\n")
    assert first["source"] == f"hub:{tmp_path}"
    assert first["rows"] == 1
    assert load("text,label,note\na,x,2\n")["sha256"] == first["sha256"]
    assert load("text,label,note\na,y,1\n")["sha256"] != first["sha256"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["train", "dev", "eval"], {"train": "train", "validation": "dev", "test": "eval"}),
        (["training", "devel", "testing"], {"train": "training", "validation": "devel", "test": "testing"}),
        (["train", "validation_matched", "validation_mismatched"], {"train": "train"}),
        (["train", "test", "test_hard", "unsupervised"], {"train": "train", "test": "test"}),
        (["en_train", "en_test"], {"train": "en_train", "test": "en_test"}),
    ],
)
def test_names_of_splits(names: list[str], expected: dict[str, str]) -> None:
    assert name_splits(names) == expected


def test_splits_that_are_not_used_are_counted(tmp_path: Path) -> None:
    for name in ("train", "test"):
        (tmp_path / f"{name}.csv").write_text("text,label\na,x\n", encoding="utf-8")
    made = datasets.load_dataset(str(tmp_path))
    assert name_splits(made) == {"train": "train", "test": "test"}
    assert fields(dataset_rows(made["train"].select([]), Columns(ReadRequest(SPEC), "x"))) == []
