"""``zoo explain`` as people use it."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest
from tests.core.report.kit import Page
from tests.core.runs.kit import read, zoo

from taskzoo.errors import RequestError
from taskzoo.explanations import occlusion
from taskzoo.explanations.explain import Wanted, explain, explain_rows
from taskzoo.hub.load import load
from taskzoo.runs.data import file_rows

from .kit import PLANTED, planted_rows

TEXT = f"the old cat was {PLANTED} and very big"


def test_the_planted_word_is_found_first(planted: Path) -> None:
    done = zoo("explain", planted, TEXT, f"the {PLANTED}", "--format", "json")
    assert done.code == 0, done.err
    for line in done.out.splitlines():
        found = json.loads(line)
        assert found["prediction"]["label"] == "bad"
        (claim,) = found["explained"]
        first = max(claim["words"], key=lambda word: abs(word["evidence"]))
        assert first["text"] == PLANTED
        assert first["evidence"] > 0
        assert found["inputs"]["text"][first["start"] : first["end"]] == PLANTED


@pytest.mark.parametrize("method", ["integrated-gradients", "gradient-x-input", "leave-one-out"])
def test_without_colours_words_are_marked_by_their_sign(planted: Path, method: str) -> None:
    done = zoo("explain", planted, TEXT, "--method", method, "--label", "bad")
    assert done.code == 0, done.err
    assert f"[+{PLANTED}]" in done.out
    assert method in done.out
    assert "\x1b" not in done.out
    against = zoo("explain", planted, TEXT, "--method", method, "--label", "good").out
    assert "not predicted" in against
    assert f"[-{PLANTED}]" in against


def test_a_terminal_shows_styles_that_need_no_colour(planted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.console import Console

    from taskzoo.cli.explain import explanation_lines

    found = explain(planted, TEXT)
    for no_colour, style in ((None, "\x1b[1;32m"), ("1", "\x1b[1m")):
        monkeypatch.setenv("NO_COLOR", no_colour) if no_colour else monkeypatch.delenv("NO_COLOR", raising=False)
        monkeypatch.setenv("TERM", "xterm-256color")
        stream = io.StringIO()
        console = Console(file=stream, force_terminal=True, soft_wrap=True)
        for line in explanation_lines(found, plain=False):
            console.print(line)
        assert f"{style}{PLANTED}\x1b[0m" in stream.getvalue()


def test_the_page_is_one_file_of_marked_words(planted: Path, tmp_path: Path) -> None:
    hostile = f"<script>x</script> {PLANTED} \x1b[31m cat"
    done = zoo("explain", planted, hostile, "--output", tmp_path / "page.html", "--nearest", 2)
    assert done.code == 0, done.err
    page = Page((tmp_path / "page.html").read_text(encoding="utf-8"))
    marks = [attributes for tag, attributes in page.tags if tag == "mark"]
    assert any({"class": "for", "style": "--s:1.00"}.items() <= mark.items() for mark in marks[2:])  # after the legend
    assert "<script>" not in page.html
    assert "\x1b" not in page.html
    assert page.html.count(f"{PLANTED}</td>") + page.html.count(f"{PLANTED} ") >= 2  # nearest rows have it, too


def test_nearest_rows_are_of_the_training_rows(planted: Path) -> None:
    trained = {row["text"]: row["label"] for row in planted_rows(80, 1)}
    for text in (TEXT, next(iter(trained))):
        found = explain(planted, text, nearest=3).nearest
        assert len(found) == 3
        assert [row.similarity for row in found] == sorted((row.similarity for row in found), reverse=True)
        for row in found:
            assert trained[row.inputs["text"]] == row.reference["label"]
            assert row.inputs["text"] != text
            assert row.answer == row.reference["label"]
    assert all(row.reference["label"] == "bad" for row in explain(planted, TEXT, nearest=3).nearest)


def test_changed_training_rows_are_not_shown(copied: Callable[[], Path]) -> None:
    run = copied()
    done = zoo("explain", run, TEXT, "--nearest", 1)  # rows in memory lie in the run, wherever it is
    assert done.code == 0, done.err
    (data,) = (run / "data").glob("train*")
    data.write_text(data.read_text(encoding="utf-8").replace("cow", "ox"), encoding="utf-8")
    done = zoo("explain", run, TEXT, "--nearest", 1)
    assert done.code == 2
    assert "cannot be read any more" in done.err


def test_what_is_measured_decides(copied: Callable[[], Path]) -> None:
    run = copied()
    done = zoo("explain", run, "--measure", 8, "--steps", 4)
    assert done.code == 0, done.err
    found = read(run / "explain.json")
    against = {pair["first"]: pair for pair in found["differences"] if pair["second"] == "random"}
    assert len(against) == 3
    assert against[found["best"]]["ci95"][0] > 0  # the planted word is all that counts
    assert f"--method auto is {found['best']} for this run" in done.err
    for method in ("gradient-x-input", "leave-one-out"):
        (run / "explain.json").write_text(json.dumps({**found, "best": method}), encoding="utf-8")
        assert explain(run, TEXT).explained[0].method == method
    (run / "explain.json").write_text("{}", encoding="utf-8")
    done = zoo("explain", run, TEXT)
    assert done.code == 2
    assert "explain.json' is damaged" in done.err


@pytest.mark.slow
def test_an_export_can_leave_words_out(copied: Callable[[], Path], tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    run = copied()
    made = tmp_path / "exported"
    done = zoo("export", run, "--output", made)
    assert done.code == 0, done.err
    plain = explain(run, TEXT, method="leave-one-out").explained[0]
    found = explain(made, TEXT).explained[0]
    assert found.method == "leave-one-out"
    assert [word.evidence for word in found.words] == pytest.approx([w.evidence for w in plain.words], abs=1e-2)
    done = zoo("explain", made, TEXT, "--method", "integrated-gradients")
    assert done.code == 2
    assert "needs gradients, and an export has none; use --method leave-one-out" in done.err
    done = zoo("explain", made, TEXT, "--nearest", 1)
    assert done.code == 2
    assert "an export does not give" in done.err


def test_bad_requests(planted: Path, tmp_path: Path) -> None:
    for arguments, said in [
        ([TEXT, "--label", "god"], "no label named 'god'. Did you mean 'good'?"),
        ([""], "the input is empty"),
        (["\u200b"], "no word"),
        (["--method", "lime", "x"], "no method of explanation named 'lime'"),
        (["--format", "pdf", "x"], "no format of explanations named 'pdf'"),
        (["--steps", "0", "x"], "steps=0 must be from 1 to 1,000"),
        (["--nearest", "-1", "x"], "nearest=-1 must be 0 or more"),
        (["--measure", "-1", "x"], "--measure -1 must be"),
        (["x", "--input", "file.csv"], "Give texts or --input, not both"),
        (["x", "--columns", "text=nonsense"], "--columns names columns of the file of --input"),
        (["--measure", "2", "--label", "bad"], "--label would be for; leave it out"),
        (["--measure", "2", "--output", "m.json", "--nearest", "1"], "--nearest and --output would be for"),
        (["--measure", "2", "--format", "json", "--method", "leave-one-out"], "--format and --method would be for"),
        (["x", "--output", tmp_path / "no" / "page.html"], "does not exist"),
        ([], "no text to explain"),
    ]:
        done = zoo("explain", planted, *arguments)
        assert done.code == 2, done.out
        assert said in done.err
        assert len(done.err) < 600
    assert zoo("explain", tmp_path / "nothing", "x").code == 2


def test_a_damaged_model_is_called_so(copied: Callable[[], Path]) -> None:
    import torch

    import taskzoo

    run = taskzoo.load(copied(), precision="fp32")
    with torch.no_grad():
        run.model.classifier.bias[0] = float("nan")
    for method in ("integrated-gradients", "leave-one-out"):
        with pytest.raises(taskzoo.TaskZooError, match="its weights are damaged"):
            explain(run, TEXT, method=method)


def test_files_are_explained_row_by_row(planted: Path, tmp_path: Path) -> None:
    file = tmp_path / "texts.csv"
    file.write_text(f"text,label\nthe cat,good\nthe {PLANTED},bad\n", encoding="utf-8")
    done = zoo("explain", planted, "--input", file, "--output", tmp_path / "found.json")
    assert done.code == 0, done.err
    lines = (tmp_path / "found.json").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["inputs"]["text"] for line in lines] == ["the cat", f"the {PLANTED}"]


def test_a_row_without_words_is_named_before_anything_is_predicted(planted: Path, tmp_path: Path) -> None:
    file = tmp_path / "texts.csv"
    file.write_text("text,label\nthe cat,good\n\u200b,bad\n", encoding="utf-8")
    run = load(planted, precision="fp32")
    with (
        mock.patch.object(run, "predict_rows", side_effect=AssertionError),
        pytest.raises(RequestError, match=rf"^{re.escape(str(file))}, line 3: There is no word in this input"),
    ):
        explain_rows(run, file_rows(run.spec, run.task, str(file), labelled=False), Wanted())


def test_a_row_that_cannot_be_explained_is_named(
    planted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(occlusion, "MOST_WORDS", 5)
    file = tmp_path / "texts.csv"
    file.write_text("text,label\nthe cat,good\nthe old cat was big and so,bad\n", encoding="utf-8")
    done = zoo("explain", planted, "--input", file, "--method", "leave-one-out")
    assert done.code == 2
    assert f"{file}, line 3: The text has 7 words" in done.err


def test_rows_that_cannot_be_explained_are_left_out_of_what_is_measured(
    copied: Callable[[], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(occlusion, "MOST_WORDS", 8)
    run, file = copied(), tmp_path / "texts.csv"
    texts = [f"the {PLANTED} cat was big", "\u200b", "the old cat was big and so very old", "the cow was big"]
    file.write_text("text\n" + "".join(f"{text}\n" for text in texts), encoding="utf-8")
    done = zoo("explain", run, "--measure", 4, "--input", file, "--steps", 2)
    assert done.code == 0, done.err
    assert done.out.startswith("2 texts, 2 predictions")
    assert "2 more texts could not be explained and are left out." in done.out
    assert read(run / "explain.json")["left_out"] == 2
    file.write_text(f"text\n{texts[2]}\n", encoding="utf-8")
    done = zoo("explain", run, "--measure", 4, "--input", file, "--steps", 2)
    assert done.code == 2
    assert "nothing can be measured. Of 1, the first was refused: The text has 9 words" in done.err
