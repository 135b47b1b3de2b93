"""A page of every kind of run: whole, self-contained, and with the numbers that are in the files of the run."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.core.runs.kit import zoo
from tests.without_torch import ZOO_WITHOUT_TORCH

from taskzoo.report.page import write_report

from .conftest import MADE
from .kit import Page, lines, write, write_run

Pages = Callable[[str], Page]


@pytest.mark.parametrize("kind", MADE)
def test_every_page_is_whole_and_loads_nothing(kind: str, page: Pages) -> None:
    found = page(kind)
    assert len(found.ids) == len(set(found.ids))
    links = found.attributes("href")
    assert {link[1:] for link in links if link != "data:,"} <= set(found.ids)
    assert found.attributes("src") == []
    assert not re.findall(r"https?://|@import|url\(|<script|<img|\son\w+=", found.html)
    pictures = [attrs for tag, attrs in found.tags if tag == "svg" and "aria-hidden" not in attrs]
    assert pictures
    assert all(set(attrs["aria-labelledby"].split()) <= set(found.ids) for attrs in pictures)
    headings = [int(tag[1]) for tag, _ in found.tags if re.fullmatch(r"h\d", tag)]
    assert headings[0] == 1
    assert headings.count(1) == 1


def test_the_scores_are_those_of_the_run(planted: Callable[[str], Path], page: Pages) -> None:
    metrics = json.loads((planted("one label") / "metrics.json").read_text())["test"]
    rows = page("one label").rows("Scores")
    assert rows["score"] == ["test120 rows", "better"]
    low, high = metrics["f1_macro_ci95"]
    assert rows["f1_macro"] == [f"{metrics['f1_macro']:.3f} [{low:.3f}, {high:.3f}]", "higher"]
    assert list(rows)[1] == "f1_macro"
    assert rows["log_loss"][1] == "lower"
    labels = page("one label").rows("Scores by label")
    assert labels["mild"][:4] == [
        str(metrics["per_label"]["mild"]["support"]),
        *(f"{metrics['per_label']['mild'][name]:.3f}" for name in ("precision", "recall", "f1")),
    ]


def test_learning_curves_are_drawn_from_the_history_without_what_is_not_a_number(page: Pages) -> None:
    found = page("one label")
    assert found.tables["Validation f1_macro"] == [["step", "f1_macro"], ["0", "0.2500"], ["20", "0.7500"]]
    assert found.tables["Loss"] == [
        ["step", "training loss", "validation loss"],
        ["0", "–", "1.5000"],
        ["10", "1.2500", "–"],
        ["20", "0.7500", "0.5000"],
    ]
    assert found.tables["Learning rate"] == [["step", "learning rate"], ["10", "2e-05"], ["20", "1e-05"]]
    assert "Training loss from 1.25 to 0.75; validation loss from 1.5 to 0.5." in found.html
    assert "2e-5</text>" in found.html
    assert "NaN" not in found.html


def test_tables_of_many_steps_say_so_and_have_the_best(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", {"test": {"f1": 0.5, "rows": 0}}, [])
    history = [{"step": i, "loss": 1.0, "learning_rate": 1.0} for i in range(1, 1001)]
    history += [{"step": 5 * i, "validation_f1": 0.5, "validation_loss": 1.0} for i in range(1, 201)]
    lines(run / "history.jsonl", history)
    write(run / "manifest.json", json.loads((run / "manifest.json").read_text()) | {"best_step": 505})
    found = Page(write_report(run).read_text(encoding="utf-8"))
    for title, count in (("Loss", 1000), ("Validation f1", 200), ("Learning rate", 1000)):
        shown = found.tables[title][1:]
        assert 50 <= len(shown) <= 60
        assert shown[-1][0] == "1000"
        assert f"{len(shown)} of {count:,} steps." in found.html
        assert title == "Learning rate" or "505" in [row[0] for row in shown]
    assert sum(row[2] != "–" for row in found.tables["Loss"][1:]) >= 25


def test_what_was_counted_is_said(page: Pages) -> None:
    found = page("one label")
    assert found.rows("Data")["test"] == ["120", "test.jsonl", "3 truncated rows"]
    assert "7 test rows have an input that is also in train" in found.html


def test_texts_and_labels_are_never_html_and_control_characters_are_visible(page: Pages) -> None:
    found = page("one label").html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; \\x1b[31m\\u202e &#34;quoted&#34; &#39;" in found
    assert "&lt;b&gt;hot&lt;/b&gt;" in found
    assert "<b>hot" not in found


def test_the_command_writes_the_page_without_torch(planted: Callable[[str], Path], tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    command = [*ZOO_WITHOUT_TORCH, "report", planted("entities"), "--output", file]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, str(file)), done.stderr
    assert "Slices" in file.read_text(encoding="utf-8")


def test_a_run_writes_its_report_at_the_end(tiny_checkpoint: Callable[..., Path], tmp_path: Path) -> None:
    rows = tmp_path / "rows.conll"
    rows.write_text("".join(f"Ada\tB-PER\nlives\tO\nin\tO\nPlace{i}\tB-LOC\n\n" for i in range(20)))
    settings = ["--set", "max_steps=2", "--precision", "fp32", "--quiet", "--method", "full"]
    done = zoo(
        "run", "ner", "--model", tiny_checkpoint(), "--train", rows, *settings, "--report", "--output", tmp_path / "r"
    )
    assert done.code == 0, done.err
    assert f"Report    {tmp_path / 'r' / 'report.html'}" in done.out
    found = Page((tmp_path / "r" / "report.html").read_text(encoding="utf-8"))
    assert set(found.rows("Scores by type")) == {"type", "LOC", "PER"}


def test_a_plugin_that_knows_nothing_of_reports_has_a_page(tmp_path: Path) -> None:
    predictions = [
        {"query": "first <b> \ud800", "order": [1, 2], "reference": {"order": [2, 1]}},
        {"query": "second", "order": [1], "reference": {"order": [1]}},
    ]
    metrics = {"validation": {"ndcg": 0.5, "rows": 2}, "test": {"ndcg": 0.25, "ndcg_ci95": [0.0, 0.5], "rows": 2}}
    found = Page(write_report(write_run(tmp_path / "run", metrics, predictions)).read_text(encoding="utf-8"))
    assert found.rows("Scores")["ndcg"] == ["0.500", "0.250 [0.000, 0.500]", ""]
    assert "1 of 2 rows differ from their reference" in found.html
    assert "first &lt;b&gt; \\ud800" in found.html
    assert "{&#34;order&#34;: [2, 1]}" in found.html
    assert "slices are left out" in found.html


def test_a_run_without_test_rows_has_scores_only(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", {"validation": {"f1": 0.5, "rows": 2}}, [])
    (run / "predictions.jsonl").unlink()
    found = Page(write_report(run).read_text(encoding="utf-8"))
    assert found.rows("Scores")["f1"] == ["0.500", ""]
    assert "The run has no test rows" in found.html


def test_many_rows_and_labels_make_a_page_of_bounded_size(tmp_path: Path) -> None:
    labels = [f"label {i} {'x' * 200}" for i in range(5000)]
    predictions = [
        {
            "text": f"{i} " + "long " * 200,
            "label": labels[i % 5000],
            "score": 0.5,
            "scores": dict.fromkeys(labels[:20], 0.1),
            "reference": {"label": labels[(i * 7) % 5000]},
        }
        for i in range(6000)
    ]
    scores = {"precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 1}
    metrics = {"test": {"accuracy": 0.5, "per_label": dict.fromkeys(labels, scores), "rows": 6000}}
    html = write_report(write_run(tmp_path / "run", metrics, predictions)).read_text(encoding="utf-8")
    assert len(html) < 500_000
    assert "with the lowest F1 of those that occur, of 5,000" in html
    assert "5,000 labels are too many for a matrix" in html
    assert re.search(r"… [\d,]+ more characters", html)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda run: (run / "manifest.json").unlink(), "is not a run directory"),
        (lambda run: (run / "manifest.json").write_text('{"status": "running"}'), "is not finished (it is running)"),
        (lambda run: (run / "manifest.json").write_text("[]"), "is damaged: it is not a JSON object"),
        (lambda run: (run / "metrics.json").write_text("{"), "is damaged: it is not JSON"),
        (lambda run: (run / "metrics.json").write_bytes(b"\xff"), "is damaged: it is not JSON"),
        (lambda run: (run / "metrics.json").write_text('{"test": 3}'), "is damaged: it is not a JSON object"),
        (lambda run: (run / "metrics.json").unlink(), "has no metrics.json"),
        (lambda run: (run / "predictions.jsonl").write_text('{"reference": {}}\n{"la'), "Line 2 of "),
        (lambda run: (run / "predictions.jsonl").write_text("{}\n"), "not a prediction with its reference"),
        (lambda run: (run / "history.jsonl").write_text('{"step": 1}\n{"st'), "Line 2 of "),
    ],
)
def test_a_damaged_run_is_one_sentence_and_nothing_is_written(harm: Callable, said: str, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", {"test": {"f1": 0.5, "rows": 0}}, [])
    harm(run)
    done = zoo("report", run)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert len(done.err) < 520
    assert "Traceback" not in done.err
    assert not (run / "report.html").exists()


def test_no_run_and_no_folder_to_write_to(planted: Callable[[str], Path], tmp_path: Path) -> None:
    assert "There is no run at" in zoo("report", tmp_path / "none").err
    done = zoo("report", planted("stars"), "--output", tmp_path / "none" / "page.html")
    assert (done.code, "does not exist" in done.err) == (2, True)


def test_missing_predictions_are_said_and_the_rest_is_there(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", {"test": {"f1": 0.5, "rows": 4}}, [])
    (run / "predictions.jsonl").unlink()
    assert zoo("report", run).code == 0
    html = (run / "report.html").read_text(encoding="utf-8")
    assert "predictions.jsonl is missing" in html
    assert "0.500" in html
