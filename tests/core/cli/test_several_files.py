"""``zoo eval --data`` and ``zoo predict --input`` take several files and patterns, in order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.core.runs.kit import sentences, write_conll, zoo

from taskzoo.errors import DataError


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """``part-1.conll`` to ``part-3.conll`` of four sentences each, and ``whole.conll`` of all of them."""
    rows = sentences(12, seed=4)
    for number in range(3):
        write_conll(tmp_path / f"part-{number + 1}.conll", rows[4 * number : 4 * number + 4])
    write_conll(tmp_path / "whole.conll", rows)
    return tmp_path


def texts_of(out: str) -> list[str]:
    return [json.loads(line)["text"] for line in out.splitlines()]


def test_eval_scores_all_rows(memorised: Any, parts: Path) -> None:
    run = memorised()
    whole = zoo("eval", run.path, "--data", parts / "whole.conll", "--json").json
    pattern = zoo("eval", run.path, "--data", parts / "part-*.conll", "--json").json
    named = [word for number in (1, 2, 3) for word in ("--data", parts / f"part-{number}.conll")]
    assert whole == pattern == zoo("eval", run.path, *named, "--json").json
    assert whole["rows"] == 12
    assert run.evaluate([parts / "part-1.conll", str(parts / "part-[23].conll")]).to_dict() == whole


def test_predictions_are_in_the_order_of_the_files(memorised: Any, parts: Path) -> None:
    run = memorised()
    words = ["predict", run.path, "--input"]
    whole = texts_of(zoo(*words, parts / "whole.conll").out)
    assert len(whole) == 12
    assert texts_of(zoo(*words, parts / "part-*.conll").out) == whole
    turned = zoo(*words, parts / "part-3.conll", "--input", parts / "part-1.conll")
    assert texts_of(turned.out) == whole[8:] + whole[:4]
    assert [row["text"] for row in run.predict_file([parts / "part-2.conll", parts / "part-1.conll"])] == [
        *whole[4:8],
        *whole[:4],
    ]


def test_a_file_that_cannot_be_used_is_named(memorised: Any, parts: Path) -> None:
    run = memorised()
    (parts / "part-2.conll").write_text("Ada\tO\nLima\n", encoding="utf-8")
    for words in (["eval", run.path, "--data"], ["predict", run.path, "--input"]):
        result = zoo(*words, parts / "part-*.conll")
        assert (result.code, "part-2.conll:2: 1 column here" in result.err) == (2, True), result.err
        nothing = zoo(*words, parts / "shard-*.conll")
        assert (nothing.code, "shard-*.conll: no file matches this pattern" in nothing.err) == (2, True)
        missing = zoo(*words, parts / "part-1.conll", words[-1], parts / "part-9.conll")
        assert (missing.code, "part-9.conll: there is no such file" in missing.err) == (2, True)
    with pytest.raises(DataError, match="no file matches this pattern"):
        run.evaluate(str(parts / "shard-*.conll"))


def test_a_part_of_the_training_file_is_noticed(request_: list[object], data: Path, tmp_path: Path) -> None:
    path = tmp_path / "run"
    assert zoo(*request_, "--output", path).code == 0
    result = zoo("eval", path, "--data", data / "test.conll", "--data", data / "train.conll")
    assert "this is the file that the run was trained on" in result.err


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for seed, split in enumerate(("train", "validation", "test"), start=1):
        write_conll(tmp_path / f"{split}.conll", sentences(12, seed))
    return tmp_path


@pytest.fixture
def request_(tiny_checkpoint: Any, data: Path) -> list[object]:
    words = ["run", "ner", "--model", tiny_checkpoint(), "--train", data / "train.conll", "--test", "none"]
    return [*words, "--validation", "none", "--precision", "fp32", "--set", "max_steps=1"]
