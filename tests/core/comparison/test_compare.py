"""``taskzoo.compare``: right values on known rows, for every task, and a sentence where there is nothing to compare."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import f1_score

from taskzoo.comparison.changes import changed_rows, row_scores
from taskzoo.comparison.compare import compare as compare_runs
from taskzoo.comparison.contestants import read_contestants
from taskzoo.comparison.result import Comparison
from taskzoo.comparison.wording import difference_text
from taskzoo.errors import RequestError
from taskzoo.metrics.base import CorpusMetric
from taskzoo.score_text import score_text
from taskzoo.types import Score

from .kit import LABELS, NER, NUMBERS, TRANSLATION, answers, gold_labels, head, label_rows, label_run, write, write_run


def compare(*runs: Path) -> Comparison:
    """With few samples, to be quick."""
    return compare_runs(*runs, samples=100)


@pytest.fixture(scope="module")
def gold() -> list[str]:
    return gold_labels(300)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory, gold: list[str]) -> Path:
    return label_run(tmp_path_factory.mktemp("runs") / "good", gold, answers(gold, 0.9, 1))


@pytest.fixture(scope="module")
def poor(tmp_path_factory: pytest.TempPathFactory, gold: list[str]) -> Path:
    return label_run(tmp_path_factory.mktemp("runs") / "poor", gold, answers(gold, 0.6, 2))


def test_scores_difference_and_sides_are_right(good: Path, poor: Path, gold: list[str]) -> None:
    found = compare(good, poor)
    (pair,) = found.pairs
    ours, theirs = answers(gold, 0.9, 1), answers(gold, 0.6, 2)
    assert pair.primary.metric == "f1_macro"
    assert pair.primary.first == pytest.approx(f1_score(gold, ours, average="macro"))
    assert pair.primary.second == pytest.approx(f1_score(gold, theirs, average="macro"))
    right = np.array([[a == g for a, g in zip(given, gold, strict=True)] for given in (ours, theirs)])
    only_first, only_second = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
    assert pair.sides is not None
    assert (pair.sides.only_first, pair.sides.only_second) == (only_first, only_second)
    assert pair.sides.both + pair.sides.neither + only_first + only_second == found.rows == 300
    assert pair.sides.p == pytest.approx(binomtest(only_first, only_first + only_second).pvalue)
    assert pair.outcome == "first"
    assert pair.primary.ci95 is not None
    low, high = pair.primary.ci95
    assert 0 < low < pair.primary.value < high
    assert pair.primary.p == pytest.approx(1 / 101)
    assert pair.verdict == (
        f"good is better than poor by {pair.primary.value:.3f} [{low:.3f}, {high:.3f}] in f1_macro, on 300 rows "
        "(p = 0.010)."
    )


def test_the_other_way_round_is_the_same(good: Path, poor: Path) -> None:
    one, two = compare(good, poor).pairs[0], compare(poor, good).pairs[0]
    assert one.primary.value == -two.primary.value
    assert (one.outcome, two.outcome) == ("first", "second")
    assert one.verdict == two.verdict
    assert one.count("first") == two.count("second")


def test_rows_that_cannot_tell_say_how_many_would(tmp_path: Path, gold: list[str]) -> None:
    few = gold[:60]
    a = label_run(tmp_path / "a", few, answers(few, 0.8, 3))
    b = label_run(tmp_path / "b", few, answers(few, 0.75, 4))
    (pair,) = compare(a, b).pairs
    assert pair.outcome == "unclear"
    assert pair.rows_needed is not None
    assert pair.rows_needed > 60
    assert pair.verdict.startswith("These 60 rows cannot tell a and b apart: their f1_macro differs by ")
    assert "rows would show it with a probability of 80% (an approximation)." in pair.verdict


def test_the_same_answers(tmp_path: Path, gold: list[str]) -> None:
    given = answers(gold, 0.8, 3)
    a, b = (label_run(tmp_path / name, gold, given) for name in "ab")
    (pair,) = compare(a, b).pairs
    assert (pair.outcome, pair.changed, pair.rows_needed) == ("equal", (), None)
    assert pair.verdict == "a and b give the same answers on 300 rows: there is nothing to tell apart."


def test_several_pairs_are_adjusted(tmp_path: Path, good: Path, poor: Path, gold: list[str]) -> None:
    third = label_run(tmp_path / "third", gold, answers(gold, 0.62, 9))
    found = compare(good, poor, third)
    assert [(pair.first, pair.second) for pair in found.pairs] == [
        ("good", "poor"),
        ("good", "third"),
        ("poor", "third"),
    ]
    assert [pair.p_adjusted for pair in found.pairs[:2]] == [pytest.approx(3 / 101)] * 2
    assert found.pairs[2].p_adjusted == found.pairs[2].primary.p
    assert found.pairs[2].outcome == "unclear"


def test_changed_rows(good: Path, poor: Path, gold: list[str]) -> None:
    (pair,) = compare(good, poor).pairs
    given = zip(answers(gold, 0.9, 1), answers(gold, 0.6, 2), strict=True)
    different = {f"text {i}" for i, (one, two) in enumerate(given) if one != two}
    assert {row.input["text"] for row in pair.changed} == different
    for row in pair.changed:
        right = tuple(output["label"] == row.reference["label"] for output in row.outputs)
        assert row.change == {(True, False): "first", (False, True): "second"}.get(right, "neither")


def test_common_rows_are_found_by_content(tmp_path: Path, gold: list[str]) -> None:
    """Another order, other rows, and a row twice: each is compared with itself."""
    rows = label_rows(gold, answers(gold, 0.9, 1))
    others = label_rows(gold, answers(gold, 0.6, 2))
    a = write_run(tmp_path / "a", "classification", [*rows[:200], rows[0]], head(LABELS))
    b = write_run(tmp_path / "b", "classification", [*reversed(others[50:]), others[0], others[0]], head(LABELS))
    found = compare(a, b)
    assert found.rows == 152  # 50 to 199, and the first row twice
    assert "152 rows are compared" in found.notes[0]
    alone = compare(
        write_run(tmp_path / "c", "classification", [rows[0], *rows[50:200], rows[0]], head(LABELS)),
        write_run(tmp_path / "d", "classification", [others[0], *others[50:200], others[0]], head(LABELS)),
    )
    assert alone.pairs[0].primary.value == pytest.approx(found.pairs[0].primary.value)


def test_the_order_of_rows_does_not_matter(tmp_path: Path, good: Path, poor: Path, gold: list[str]) -> None:
    rows = label_rows(gold, answers(gold, 0.6, 2))
    turned = write_run(tmp_path / "poor", "classification", rows[::-1], head(LABELS))
    one, two = compare(good, turned), compare(good, poor)
    assert one.notes == ()
    assert one.pairs[0].differences == two.pairs[0].differences
    assert one.pairs[0].sides == two.pairs[0].sides


def test_a_corrected_reference_is_another_row(tmp_path: Path, gold: list[str]) -> None:
    given = answers(gold, 0.8, 1)
    corrected = ["bad" if i < 10 else label for i, label in enumerate(gold)]
    same = sum(one == two for one, two in zip(gold, corrected, strict=True))
    a = label_run(tmp_path / "a", gold, given)
    assert compare(a, label_run(tmp_path / "b", corrected, given)).rows == same < 300


def entity_row(i: int, found: list[tuple[int, int, str]], gold: list[tuple[int, int, str]]) -> dict[str, Any]:
    words = [f"w{i}", "Ada", "Oslo"]
    text = " ".join(words)
    starts = [0, len(words[0]) + 1, len(words[0]) + 5]

    def side(spans: list[tuple[int, int, str]]) -> dict[str, Any]:
        tags = ["O"] * 3
        for word, _, label in spans:
            tags[word] = f"B-{label}"
        entities = [{"start": starts[w], "end": starts[w] + len(words[w]), "label": label} for w, _, label in spans]
        return {"tags": tags, "entities": entities}

    return {"text": text, "tokens": words, **side(found), "reference": side(gold)}


def test_entities(tmp_path: Path) -> None:
    both, person = [(1, 1, "PER"), (2, 2, "LOC")], [(1, 1, "PER")]
    a = write_run(tmp_path / "a", "ner", [entity_row(i, both, both) for i in range(40)], NER)
    rows = [entity_row(i, person if i % 2 else both, both) for i in range(40)]
    b = write_run(tmp_path / "b", "ner", rows, NER)
    (pair,) = compare(a, b).pairs
    assert (pair.primary.metric, pair.primary.first) == ("f1", 1.0)
    assert pair.primary.second == pytest.approx(2 * 60 / (60 + 80))
    assert pair.sides is not None
    assert (pair.sides.both, pair.sides.only_first) == (20, 20)
    assert pair.outcome == "first"


def test_translations(tmp_path: Path) -> None:
    def rows(outputs: list[str]) -> list[dict[str, Any]]:
        wanted = [f"der gute alte Hund Nummer {i} ist hier" for i in range(40)]
        return [
            {"source": f"dog {i}", "text": text.format(i=i), "score": -1.0, "reference": {"targets": [wanted[i]]}}
            for i, text in enumerate(outputs)
        ]

    a = write_run(tmp_path / "a", "translation", rows(["der gute alte Hund Nummer {i} ist hier"] * 40), TRANSLATION)
    half = ["der gute alte Hund Nummer {i} ist hier", "der gute Hund Nummer {i} war dort"] * 20
    b = write_run(tmp_path / "b", "translation", rows(half), TRANSLATION)
    (pair,) = compare(a, b).pairs
    assert (pair.primary.metric, pair.sides) == ("bleu", None)
    assert pair.primary.first == pytest.approx(100)
    assert pair.outcome == "first"
    assert (pair.count("first"), pair.count("second")) == (20, 0)
    assert all(row.outputs[1]["text"].endswith("war dort") for row in pair.changed)


def test_numbers_where_lower_is_better(tmp_path: Path) -> None:
    def rows(off: float) -> list[dict[str, Any]]:
        generator = np.random.default_rng(0)
        return [
            {"text": f"t{i}", "value": i % 5 + off * float(generator.standard_normal()), "reference": {"value": i % 5}}
            for i in range(80)
        ]

    a = write_run(tmp_path / "a", "sentiment", rows(1.0), NUMBERS)
    b = write_run(tmp_path / "b", "sentiment", rows(0.2), NUMBERS)
    (pair,) = compare(a, b).pairs
    assert pair.primary.metric == "mse"
    assert pair.primary.value > 0
    assert pair.outcome == "second"
    assert pair.verdict.startswith("b is better than a by ")
    assert "in mse, where lower is better" in pair.verdict
    assert pair.count("second") > pair.count("first")


def seeds(folder: Path, gold: list[str], share: float, first: int = 42) -> Path:
    """A directory of three seeds."""
    runs = []
    for i in range(3):
        name = f"seed-{i + 1}"
        label_run(folder / name, gold, answers(gold, share, 7 * first + i + int(100 * share)))
        runs.append({"directory": name, "seed": first + i, "metrics": {"f1_macro": 0.5}})
    write(folder / "summary.json", {"kind": "seeds", "runs": runs, "config": {}})
    return folder


def test_means_over_seeds(tmp_path: Path, gold: list[str]) -> None:
    a, b = seeds(tmp_path / "a", gold, 0.9), seeds(tmp_path / "b", gold, 0.7)
    found = compare(a, b)
    (pair,) = found.pairs
    assert found.seeds == (42, 43, 44)
    single = [compare(a / f"seed-{i}", b / f"seed-{i}").pairs[0].primary for i in (1, 2, 3)]
    assert pair.primary.first == pytest.approx(np.mean([one.first for one in single]))
    assert pair.primary.value == pytest.approx(np.mean([one.value for one in single]))
    assert pair.primary.ci95 is not None
    assert pair.primary.ci95[0] > 0
    assert pair.outcome == "first"
    assert "on 300 rows and 3 seeds" in pair.verdict
    later = seeds(tmp_path / "c", gold, 0.7, first=43)
    assert compare(a, later).seeds == (43, 44)


def test_a_frozen_result_that_is_json(good: Path, poor: Path) -> None:
    found = compare(good, poor)
    with pytest.raises(FrozenInstanceError):
        found.rows = 1  # type: ignore[misc]
    kept = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert kept["pairs"][0]["verdict"] == found.verdicts[0]
    assert kept["pairs"][0]["differences"]["f1_macro"]["ci95"] == list(found.pairs[0].primary.ci95 or ())
    assert kept["pairs"][0]["changed"]["first"] == found.pairs[0].count("first")


def test_no_torch(good: Path, poor: Path) -> None:
    code = (
        "import pathlib, sys, taskzoo\n"
        "from taskzoo.runs.listing import list_runs\n"
        "found = taskzoo.compare(*sys.argv[1:], samples=10)\n"
        "listed, _ = list_runs(pathlib.Path(sys.argv[1]).parent)\n"
        "print(found.rows, len(listed), [m for m in ('torch', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, good, poor], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "300 1 []"


def refused(*runs: Path) -> str:
    with pytest.raises(RequestError) as caught:
        compare(*runs)
    return str(caught.value)


def test_what_cannot_be_compared_is_a_sentence(tmp_path: Path, good: Path, gold: list[str]) -> None:
    assert "at least two" in refused(good)
    assert "named twice" in refused(good, good.parent / "." / "good")
    assert "There is no run" in refused(good, tmp_path / "none")
    (tmp_path / "empty").mkdir()
    assert "not a finished run" in refused(good, tmp_path / "empty")
    (tmp_path / "export").mkdir()
    write(tmp_path / "export" / "export.json", {})
    assert "is an export, which keeps no predictions" in refused(good, tmp_path / "export")
    other = label_run(tmp_path / "other", gold, answers(gold, 0.8, 1), labels=("bad", "good", "odd", "new"))
    assert "different labels (other alone has 'new')" in refused(good, other)
    ner = write_run(tmp_path / "ner", "ner", [entity_row(0, [], [])], NER)
    assert "good is a run of classification and ner one of ner" in refused(good, ner)
    rows = label_rows(gold, gold, prefix="another")
    elsewhere = write_run(tmp_path / "elsewhere", "classification", rows, head(LABELS))
    assert "no test row in common" in refused(good, elsewhere)
    several = seeds(tmp_path / "several", gold, 0.8)
    assert "several is a directory of 3 seeds and good is not" in refused(good, several)
    assert "no seeds in common" in refused(several, seeds(tmp_path / "late", gold, 0.8, first=60))


def test_unfinished_and_without_test_rows(tmp_path: Path, good: Path, gold: list[str]) -> None:
    run = label_run(tmp_path / "run", gold, gold)
    (run / "predictions.jsonl").unlink()
    assert "trained without test rows" in refused(good, run)
    (run / "model" / "task.json").unlink()
    manifest = json.loads((run / "manifest.json").read_text())
    write(run / "manifest.json", {**manifest, "status": "stopped"})
    assert "is not finished (stopped); `zoo resume" in refused(good, run)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda lines: [*lines[:4], '{"text": "cut', *lines[5:]], "damaged in line 5: it is not JSON"),
        (lambda lines: [*lines[:4], "3", *lines[5:]], "damaged in line 5: it is not a prediction with its reference"),
        (lambda lines: lines[:-1], "it has 299 rows, and metrics.json is of 300"),
        (lambda lines: [line.replace('"label": "good", "score"', '"score"') for line in lines], "has no 'label'"),
        (lambda lines: [line.replace('"good", "score"', '"bad", "score"') for line in lines], "were changed"),
        (lambda lines: [], "has no rows"),
    ],
)
def test_damaged_predictions(tmp_path: Path, good: Path, gold: list[str], damage: Any, said: str) -> None:
    run = label_run(tmp_path / "run", gold, answers(gold, 0.8, 5))
    lines = (run / "predictions.jsonl").read_text(encoding="utf-8").splitlines()
    (run / "predictions.jsonl").write_text("\n".join(damage(lines)), encoding="utf-8")
    assert said in refused(good, run)


def test_one_row_tells_nothing(tmp_path: Path) -> None:
    a, b = label_run(tmp_path / "a", ["good"], ["good"]), label_run(tmp_path / "b", ["good"], ["bad"])
    (pair,) = compare(a, b).pairs
    assert (pair.outcome, pair.primary.ci95, pair.rows_needed) == ("unclear", None, None)
    assert pair.verdict.endswith("1 rows are too few to say how many would.")


def test_an_undefined_score_is_said(tmp_path: Path) -> None:
    def labelled(given: str) -> list[dict[str, Any]]:
        return [{"text": f"t{i}", "label": given, "reference": {"label": "good"}} for i in range(30)]

    a = write_run(tmp_path / "a", "classification", labelled("good"), head(("bad", "good")))
    b = write_run(tmp_path / "b", "classification", labelled("bad"), head(("bad", "good")))
    for run in (a, b):  # scored by ROC AUC alone, which rows of one class do not define
        write(run / "metrics.json", {"test": {"roc_auc": None, "rows": 30}})
    (pair,) = compare(a, b).pairs
    assert pair.outcome == "undefined"
    assert pair.verdict.startswith("roc_auc is undefined for a or b on 30 rows")
    assert pair.primary.ci95 is None
    json.dumps(compare(a, b).to_dict(), allow_nan=False)


def number_run(path: Path, gold: np.ndarray, given: np.ndarray) -> Path:
    scale = {"mean": float(gold.mean()), "deviation": 1.0, "lowest": float(gold.min()), "highest": float(gold.max())}
    state = {**NUMBERS, "head": {"class": "RegressionHead", "state": {"scale": scale, "loss": "mse", "delta": 1.0}}}
    rows = [
        {"text": f"t{i}", "value": float(value), "reference": {"value": float(right)}}
        for i, (value, right) in enumerate(zip(given, gold, strict=True))
    ]
    return write_run(path, "sentiment", rows, state)


@pytest.fixture
def small(tmp_path: Path) -> tuple[Path, Path]:
    generator = np.random.default_rng(0)
    gold = generator.random(200) / 100
    noise = generator.normal(size=(2, 200)) / 1000
    return number_run(tmp_path / "a", gold, gold + noise[0]), number_run(tmp_path / "b", gold, gold + 4 * noise[1])


def test_small_numbers_differ_visibly(small: tuple[Path, Path]) -> None:
    (pair,) = compare(*small).pairs
    mse = next(one for one in pair.differences if one.metric == "mse")
    assert difference_text(mse).startswith("-0.0000")
    assert difference_text(mse) != "-0.000 [-0.000, -0.000]"
    assert score_text(mse.first) != score_text(mse.second)


def test_changed_predictions_of_small_numbers_are_noticed(small: tuple[Path, Path]) -> None:
    file = small[1] / "predictions.jsonl"
    rows = [{**json.loads(line), "value": 0.0} for line in file.read_text().splitlines()]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = compare(*small)
    assert not {"mse", "mae", "pearson", "spearman"} & {one.metric for one in found.pairs[0].differences}
    assert "mse cannot be computed again" in found.notes[0]
    assert "Not compared" in found.notes[1]
    assert "mae, mse, pearson" in found.notes[1]


def test_one_label_and_several_are_not_compared(tmp_path: Path, good: Path, gold: list[str]) -> None:
    rows = [{"text": f"text {i}", "labels": [label], "reference": {"labels": [label]}} for i, label in enumerate(gold)]
    several = label_run(tmp_path / "several", gold, gold)
    (several / "predictions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(RequestError, match="answered by label and one of several by labels"):
        compare(good, several)


def test_too_few_samples(good: Path, poor: Path) -> None:
    with pytest.raises(RequestError, match="at least 10 samples, and 0"):
        compare_runs(good, poor, samples=0)


class PerGroup(CorpusMetric):
    """Accuracy, in two units whatever the rows."""

    scores = (Score("grouped"),)

    def statistics(self, predictions: Any, references: Any) -> np.ndarray:
        right = [p["label"] == r["label"] for p, r in zip(predictions, references, strict=True)]
        return np.array([[sum(part), len(part)] for part in (right[::2], right[1::2])], dtype=np.float64)

    def from_sums(self, total: np.ndarray) -> dict[str, float]:
        return {"grouped": float(total[0] / total[1])}


def test_units_that_are_not_rows_have_no_scores_of_rows(good: Path, poor: Path) -> None:
    first, second = (read_contestants([good, poor])[i].members for i in (0, 1))
    metric = PerGroup()
    statistics = [metric.statistics(*side[0].sides(side[0].task)) for side in (first, second)]
    assert row_scores(metric, statistics[0], metric.scores[0], 300) is None
    changed = changed_rows(first, second, None)
    different = sum(a["label"] != b["label"] for a, b in zip(first[0].rows, second[0].rows, strict=True))
    assert len(changed) == different > 50
    assert {row.change for row in changed} == {"neither"}
