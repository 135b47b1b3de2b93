from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from taskzoo.data.readers import files, find_splits
from taskzoo.errors import UnknownNameError

from .conftest import Write
from .kit import TABLE, pairs, refused, texts

FORMATS = (*TABLE, "parquet")
Save = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Write columns (or a table) to a Parquet file and give its path."""

    def do(columns: Any, name: str = "a.parquet", **settings: Any) -> Path:
        pq.write_table(pa.table(columns) if isinstance(columns, dict) else columns, tmp_path / name, **settings)
        return tmp_path / name

    return do


def test_columns_by_name_synonym_and_mapping(save: Save) -> None:
    path = save({"id": [7, 8], "Review": ["well", "no"], "label": ["pos", "neg"], "mood": ["+", "-"]})
    rows = texts(path, formats=FORMATS)
    assert [dict(row.fields) for row in rows] == [{"text": "well", "label": "pos"}, {"text": "no", "label": "neg"}]
    assert [(row.source, row.line) for row in rows] == [(str(path), 1), (str(path), 2)]
    assert pairs(texts(path, formats=FORMATS, columns={"label": "mood"})) == [("well", "+"), ("no", "-")]


def test_the_content_decides_and_not_the_name(save: Save, tmp_path: Path) -> None:
    columns = {"text": ["well"], "label": ["pos"]}
    for name in ("train.csv", "train.pq", "train"):
        assert pairs(texts(save(columns, name), formats=FORMATS)) == [("well", "pos")]
    packed = tmp_path / "a.parquet.gz"
    packed.write_bytes(gzip.compress(save(columns).read_bytes()))
    assert pairs(texts(packed, formats=FORMATS, format="parquet")) == [("well", "pos")]


def test_values_keep_their_types(save: Save) -> None:
    labels = pa.array([["a", "b"], [], ["c"]])
    rows = texts(save({"text": ["x", "y", "z"], "label": labels}), formats=FORMATS)
    assert [row["label"] for row in rows] == [["a", "b"], [], ["c"]]
    for label in (1, 2.5, True, "s"):
        (row,) = texts(save({"text": ["x"], "label": [label]}), formats=FORMATS)
        assert (row["label"], type(row["label"])) == (label, type(label))


def test_categories_decimals_and_bytes(save: Save) -> None:
    columns = {
        "text": pa.array(["très".encode(), b"b"]),
        "label": pa.array(["pos", "neg"]).dictionary_encode(),
    }
    assert pairs(texts(save(columns), formats=FORMATS)) == [("très", "pos"), ("b", "neg")]
    decimals = save({"text": ["a", "b"], "label": [Decimal("1.50"), Decimal("2.00")]})
    assert [(type(v), v) for _, v in pairs(texts(decimals, formats=FORMATS))] == [(float, 1.5), (int, 2)]
    refused(save({"text": [b"ok", b"\xff"], "label": [1, 2]}), "text is binary", line=2, formats=FORMATS)


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_null_and_nan_are_missing(save: Save, missing: float | None) -> None:
    path = save({"text": ["a", "b"], "label": [1.0, missing]})
    refused(path, "label is empty", line=2, formats=FORMATS)
    rows = texts(path, formats=FORMATS, required=frozenset({"text"}))
    assert [dict(row.fields) for row in rows] == [{"text": "a", "label": 1.0}, {"text": "b"}]


def test_columns_inside_columns(save: Save) -> None:
    path = save({"data": [{"en": "well", "n": {"x": 3}}, {"en": None, "n": None}], "a.b": [1, 2]})
    one = frozenset({"label"})
    columns = {"label": "a.b", "text": "data.en"}
    assert [dict(row.fields) for row in texts(path, formats=FORMATS, required=one, columns=columns)] == [
        {"text": "well", "label": 1},
        {"label": 2},
    ]
    refused(path, "text is empty", line=2, formats=FORMATS, columns=columns)
    deep = texts(path, formats=FORMATS, required=one, columns={"label": "a.b", "text": "data.n.x"})
    assert dict(deep[0].fields) == {"text": 3, "label": 1}
    refused(path, "no column 'data.de'", "'data.en'", formats=FORMATS, columns={"text": "data.de", "label": "a.b"})


def test_class_names_of_the_hub_stand_for_integers(save: Save) -> None:
    label = {"names": ["neg", "pos"], "_type": "ClassLabel"}
    features = {"text": {"dtype": "string"}, "label": label, "tags": {"feature": label, "_type": "List"}}
    table = pa.table({"text": ["a", "b", "c"], "label": [1, 0, 1], "tags": [[0, 1], [], [1]]})
    named = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    assert pairs(texts(save(named), formats=FORMATS)) == [("a", "pos"), ("b", "neg"), ("c", "pos")]
    tags = texts(save(named), formats=FORMATS, columns={"label": "tags"})
    assert [row["label"] for row in tags] == [["neg", "pos"], [], ["pos"]]
    hidden = pa.table({"text": ["a", "b"], "label": [1, -1]})  # as the hub hides the labels of test rows
    marked = hidden.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": {"label": label}}})})
    refused(save(marked), "the label is empty", line=2, formats=FORMATS)
    for metadata in ("{}", "[", "[]", '{"info": {"features": {"label": 3}}}'):
        other = save(table.replace_schema_metadata({"huggingface": metadata}))
        assert pairs(texts(other, formats=FORMATS))[0] == ("a", 1)


def test_files_of_the_library_datasets(tmp_path: Path) -> None:
    import datasets

    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])})
    data = datasets.Dataset.from_dict({"text": ["a", "b"], "label": [1, 0]}, features=features)
    data.to_parquet(str(tmp_path / "train-00000-of-00001.parquet"))
    assert pairs(texts(find_splits(tmp_path)["train"], formats=FORMATS)) == [("a", "yes"), ("b", "no")]


def test_missing_columns_and_repeated_ones(save: Save) -> None:
    refused(save({"body": ["a"], "label": [1]}), "no column for text", "'body', 'label'", formats=FORMATS)
    refused(save({"body": ["a"]}), "'bodi'", "'body' (nearest", formats=FORMATS, columns={"text": "bodi"})
    twice = pa.table([["a"], ["b"], [1]], names=["text", "text", "label"])
    refused(save(twice), "two columns are named 'text'", formats=FORMATS)
    refused(save({"text": pa.array([], pa.string()), "label": pa.array([], pa.string())}), "no rows", formats=FORMATS)


def test_a_broken_file(write: Write, save: Save) -> None:
    whole = save({"text": ["a"] * 99, "label": ["b"] * 99}).read_bytes()
    refused(write("b.parquet", whole[:-9]), "cannot be read", "write it again", formats=FORMATS)
    refused(write("c.parquet", b"PAR1"), "cannot be read", formats=FORMATS)


def test_what_is_not_parquet(write: Write) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:1\n"
    refused(write("a.parquet", pointer), "this is not a Parquet file", formats=FORMATS)
    refused(write("a.csv", "text,label\na,b\n"), "this is not a Parquet file", formats=FORMATS, format="parquet")
    assert pairs(texts(write("b.parquet", "text,label\na,b\n"), formats=FORMATS, format="csv")) == [("a", "b")]


def test_tasks_and_formats_that_do_not_fit(save: Save) -> None:
    path = save({"text": ["a"], "label": ["b"]})
    refused(path, "this is a Parquet file", "jsonl, json, csv, tsv", formats=TABLE)
    refused(path, "a Parquet file and not csv", "leave out --format", formats=FORMATS, format="csv")
    with pytest.raises(UnknownNameError, match="'parquet'"):
        texts(path, formats=TABLE, format="parquet")


def test_only_the_columns_that_roles_need_are_decoded(save: Save) -> None:
    path = save({"text": ["a"], "label": ["b"], "image": [b"\xff" * 99]})
    assert dict(texts(path, formats=FORMATS)[0].fields) == {"text": "a", "label": "b"}


@pytest.mark.parametrize(
    ("values", "dictionary"),
    [
        (["a" * 2_000_000], False),  # the metadata say so
        (["a" * 20_000] * 100, True),  # one value in the file, many in memory
        (pa.nulls(200_000), False),
    ],
    ids=["compressed", "repeated", "nulls"],
)
def test_a_file_that_unpacks_to_far_more_than_text_would(
    save: Save, monkeypatch: pytest.MonkeyPatch, values: Any, dictionary: bool
) -> None:
    columns = {"text": values, "label": ["b"] * len(values)}
    path = save(columns, use_dictionary=dictionary, compression="zstd")
    missing: dict[str, Any] = {"formats": FORMATS, "required": frozenset({"label"})}
    assert len(texts(path, **missing)) == len(values)
    monkeypatch.setattr(files, "FREE_UNPACKED", 2**20)
    monkeypatch.setattr(files, "MOST_TIMES", 1)
    refused(path, "this Parquet file of 0.0 MB unpacks to more than 1 MB; if that is right, split it", **missing)


def test_a_column_that_is_not_read_may_unpack_to_anything(save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save({"text": ["a"], "label": ["b"], "other": ["c" * 2_000_000]}, compression="zstd")
    monkeypatch.setattr(files, "FREE_UNPACKED", 2**20)
    assert pairs(texts(path, formats=FORMATS)) == [("a", "b")]
