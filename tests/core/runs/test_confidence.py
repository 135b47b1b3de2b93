"""How sure predictions are: entities, label sets and generated texts, from the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import taskzoo
from taskzoo.errors import RequestError

from .kit import read, read_lines, text_rows, write_csv, zoo

TEXTS = ["a wet soup is old", "the dog is my cat", "hail and fog", "bread", ""]


@pytest.fixture(scope="module")
def texts_run(bert, tmp_path_factory) -> Path:
    """A classifier with 120 validation and 400 test rows. Nobody may change it."""
    folder = tmp_path_factory.mktemp("texts")
    for seed, (split, count) in enumerate({"train": 150, "validation": 120, "test": 400}.items(), 1):
        write_csv(folder / f"{split}.csv", text_rows(count, seed))
    words = ["--method", "linear-probe", "--set", "pooling=mean", "--precision", "fp32", "--columns", "text=text"]
    result = zoo("run", "classification", "--model", bert, "--data", folder, "--output", folder / "run", *words)
    assert result.code == 0, result.err
    assert "set_coverage_90" in result.out
    return folder / "run"


def old_run(run: Path, to: Path, forget) -> Path:
    """The run as an earlier version saved it: ``forget`` takes from its state what that did not know."""
    shutil.copytree(run, to)
    saved = read(to / "model" / "task.json")
    forget(saved["state"])
    (to / "model" / "task.json").write_text(json.dumps(saved), encoding="utf-8")
    return to


# label sets


def test_measured_coverage_and_mean_size_stand_in_metrics_and_card(texts_run):
    scores = read(texts_run / "metrics.json")["test"]
    assert 0.84 < scores["set_coverage_90"] < 0.97
    low, high = scores["set_coverage_90_ci95"]
    assert low < scores["set_coverage_90"] < high
    sizes = scores["label_sets"]["sizes"]
    assert scores["label_sets"]["asked"] == 0.9
    assert sum(sizes.values()) == 400
    assert scores["set_size_90"] == pytest.approx(sum(int(size) * n for size, n in sizes.items()) / 400)
    assert "| set_coverage_90 |" in (texts_run / "README.md").read_text(encoding="utf-8")
    lines = read_lines(texts_run / "predictions.jsonl")
    sets = taskzoo.load(texts_run).predict([line["text"] for line in lines], coverage=0.9)
    inside = [line["reference"]["label"] in found["label_set"] for line, found in zip(lines, sets, strict=True)]
    assert np.mean(inside) == pytest.approx(scores["set_coverage_90"])


def test_a_larger_coverage_gives_larger_sets_with_the_label_first(texts_run):
    run = taskzoo.load(texts_run)
    small, large = (run.predict(TEXTS[:4], coverage=coverage) for coverage in (0.5, 0.97))
    for few, many in zip(small, large, strict=True):
        assert few["label_set"] == many["label_set"][: len(few["label_set"])]
        assert few["label"] == few["label_set"][0]
    assert sum(len(found["label_set"]) for found in large) > sum(len(found["label_set"]) for found in small)


def test_the_command_line_gives_sets_and_abstains_at_once(texts_run):
    result = zoo("predict", texts_run, *TEXTS, "--coverage", "0.9", "--min-confidence", "0.99")
    assert result.code == 0, result.err
    lines = [json.loads(line) for line in result.out.splitlines()]
    assert [line["label_set"] for line in lines] == [
        p["label_set"] for p in taskzoo.load(texts_run).predict(TEXTS, coverage=0.9)
    ]
    assert lines[-1] == {"text": "", "label": None, "label_set": [], "abstained": True}
    assert any(line["abstained"] and line["label_set"] for line in lines)


@pytest.mark.parametrize("bad", ["0", "1", "1.5", "-0.1", "nan"])
def test_what_is_no_coverage(texts_run, bad):
    result = zoo("predict", texts_run, "x", "--coverage", bad)
    assert (result.code, result.out) == (2, "")
    assert "must be a number above 0 and below 1, such as 0.9." in result.err


def test_too_few_validation_rows_for_a_coverage(texts_run):
    result = zoo("predict", texts_run, "x", "--coverage", "0.999")
    assert (result.code, result.out) == (2, "")
    assert "cannot be made from 120 validation rows: it takes 999 at least." in result.err


def test_an_old_run_says_that_it_has_no_sets(texts_run, tmp_path):
    old = old_run(texts_run, tmp_path / "old", lambda state: state["head"]["state"].pop("label_sets"))
    assert taskzoo.load(old).predict("a dog")["label"]
    result = zoo("predict", old, "x", "--coverage", "0.9")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("zoo: This run has no label sets: it was trained without validation rows or by an ear")


def test_entities_have_no_label_sets(finished):
    result = zoo("predict", finished, "Ada went to Oslo", "--coverage", "0.9")
    assert (result.code, result.out) == (2, "")
    assert "coverage needs predictions of one label" in result.err


# entities


def test_scores_of_entities_are_calibrated_on_validation_rows(finished):
    manifest, scores = read(finished / "manifest.json"), read(finished / "metrics.json")
    curve = manifest["tuned"]["confidence"]
    assert read(finished / "model" / "task.json")["state"]["confidence"] == {
        name: curve[name] for name in ("slope", "offset")
    }
    for split in ("validation", "test"):
        bins = scores[split]["calibration"]
        found = sum(one["count"] for one in bins)
        assert found == scores[split]["found"]["predicted"]
        gaps = [one["count"] * abs(one["accuracy"] - one["confidence"]) for one in bins]
        assert scores[split]["ece"] == pytest.approx(sum(gaps) / found)
        assert len(scores[split]["ece_ci95"]) == 2
    assert curve["entities"] == scores["validation"]["found"]["predicted"]


def test_calibration_changes_scores_alone_and_keeps_their_order(finished, tmp_path):
    old = old_run(finished, tmp_path / "old", lambda state: state.update(confidence=None))
    texts = [line["text"] for line in read_lines(finished / "predictions.jsonl")]
    curve = read(finished / "manifest.json")["tuned"]["confidence"]
    pairs = []
    for new, before in zip(taskzoo.load(finished).predict(texts), taskzoo.load(old).predict(texts), strict=True):
        assert new["tags"] == before["tags"]
        pairs += [(b["score"], n["score"]) for b, n in zip(before["entities"], new["entities"], strict=True)]
    raw, calibrated = np.array(sorted(pairs)).T
    assert np.all(np.diff(calibrated) >= -1e-4)
    inner = (raw > 0.01) & (raw < 0.99)
    expected = 1 / (1 + np.exp(-curve["slope"] * np.log(raw[inner] / (1 - raw[inner])) - curve["offset"]))
    assert calibrated[inner] == pytest.approx(expected, abs=0.01)


def test_doubtful_entities_are_set_apart(finished):
    texts = [line["text"] for line in read_lines(finished / "predictions.jsonl")]
    run = taskzoo.load(finished)
    plain = run.predict(texts)
    scores = sorted(entity["score"] for p in plain for entity in p["entities"])
    least = scores[len(scores) // 2]
    careful = run.predict([*texts, " "], min_confidence=least)
    assert careful.pop()["abstained"] is True
    for before, after in zip(plain, careful, strict=True):
        assert after["entities"] == [e for e in before["entities"] if e["score"] >= least]
        assert after["doubtful"] == [e for e in before["entities"] if e["score"] < least]
        assert after["abstained"] is bool(after["doubtful"])
        assert sum(tag.startswith("B-") for tag in after["tags"]) == len(after["entities"])
        assert before["tags"] == after["tags"] or after["doubtful"]
    assert sum(p["abstained"] for p in careful) > 0
    result = zoo("predict", finished, *texts[:3], "--min-confidence", least)
    assert [json.loads(line) for line in result.out.splitlines()] == careful[:3]
    assert "not calibrated" not in result.err


def test_an_old_run_says_that_its_scores_are_not_calibrated(finished, tmp_path):
    old = old_run(finished, tmp_path / "old", lambda state: state.pop("confidence"))
    result = zoo("predict", old, "Ada went to Oslo", "--min-confidence", "0.5")
    assert result.code == 0
    assert json.loads(result.out)["entities"] is not None
    assert result.err.count("the scores of this run's entities are not calibrated") == 1
    assert "not calibrated" not in zoo("predict", old, "Ada went to Oslo").err


def test_leaving_out_doubtful_entities_gives_the_precision_that_the_run_reports(finished):
    run, scores = taskzoo.load(finished), read(finished / "metrics.json")["test"]
    rows = read_lines(finished / "predictions.jsonl")
    for row in scores["abstention"]:
        careful = run.predict([line["text"] for line in rows], min_confidence=row["min_confidence"])
        kept = [(i, e) for i, p in enumerate(careful) for e in p["entities"]]
        gold = [[(e["start"], e["end"], e["label"]) for e in line["reference"]["entities"]] for line in rows]
        right = sum((e["start"], e["end"], e["label"]) in gold[i] for i, e in kept)
        assert row["recall"] == pytest.approx(right / sum(map(len, gold)))
        assert row["precision"] == (pytest.approx(right / len(kept)) if kept else None)


def test_numbers_and_texts_have_no_sets():
    task = taskzoo.registry.task_entry("translation").load()
    with pytest.raises(RequestError, match="coverage needs predictions of one label"):
        task(taskzoo.registry.task("translation").resolve_options({})).label_sets([], 0.9)
