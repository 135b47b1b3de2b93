"""An export gives the answers of its run without torch, and one that does not is not kept."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.core.runs.kit import zoo
from tests.without_torch import ZOO_WITHOUT_TORCH

from taskzoo import load
from taskzoo.errors import RequestError, RunError
from taskzoo.testing import FAMILIES, make_tiny_checkpoint

from .conftest import LABELS, LONG, TEXTS

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

from taskzoo.export import measure
from taskzoo.export.export import ExportRequest, export_run
from taskzoo.export.rows import measured_examples
from taskzoo.runs.exported import SAMPLED, digests


def zoo_without_torch(*words: str) -> subprocess.CompletedProcess[str]:
    """A command in a process in which torch and transformers are not installed."""
    return subprocess.run([*ZOO_WITHOUT_TORCH, *words], capture_output=True, text=True, timeout=120)


def close(found: Any, expected: Any) -> None:
    """The same values, numbers within 1e-4."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for name in expected:
            close(found[name], expected[name])
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            close(one, other)
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, abs=1.01e-4)
    else:
        assert found == expected


def test_a_process_without_torch_gives_the_predictions_of_the_run(
    classifier: Any, exported: Path, tmp_path: Path
) -> None:
    file = tmp_path / "texts.jsonl"
    texts = [*TEXTS[:6], LONG, "an </s> [SEP] \u200b", "x", ""]
    file.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    done = zoo_without_torch("predict", str(exported), "--input", str(file))
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    close(found, classifier.predict(texts))
    assert len({prediction["label"] for prediction in found}) == 3  # both, and none for no text


def test_it_is_scored_without_torch_as_the_run_was(classifier: Any, exported: Path, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    rows = (json.dumps({"text": text, "label": label}) for text, label in zip(TEXTS, LABELS, strict=True))
    file.write_text("\n".join(rows), encoding="utf-8")
    done = zoo_without_torch("eval", str(exported), "--data", str(file), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["f1_macro"] == classifier.metrics["test"]["f1_macro"] > 0.9


def test_the_card_and_the_facts_say_what_was_measured(classifier: Any, exported: Path) -> None:
    card = (exported / "README.md").read_text(encoding="utf-8")
    measured = json.loads((exported / "export.json").read_text(encoding="utf-8"))["measured"]
    forms = measured["forms"]
    assert list(forms) == ["torch fp32", "onnx fp32"]
    against = forms["onnx fp32"]["against_run"]
    assert against["other_answers"] == 0
    assert against["difference"] == 0.0
    assert against["ci95"] == [0.0, 0.0]
    assert against["largest_output_difference"] < 1e-4
    assert forms["torch fp32"]["scores"]["f1_macro"] == classifier.metrics["test"]["f1_macro"]
    assert forms["onnx fp32"]["bytes"] == (exported / "model.onnx").stat().st_size
    assert measured["rows"] == len(TEXTS)
    assert "| onnx fp32 | " in card
    assert str(classifier.path.parent) not in card + (exported / "export.json").read_text(encoding="utf-8")
    assert str(Path(__file__).parents[3]).encode() not in (exported / "model.onnx").read_bytes()


def test_int8_that_costs_too_much_leaves_nothing_behind(
    classifier: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnx
    from onnx import helper

    def turned_round(graph: Path, file: Path) -> None:
        """The model with the sign of its logits changed."""
        model = onnx.load(graph)
        name = model.graph.output[0].name
        for node in model.graph.node:
            node.output[:] = ["turned" if one == name else one for one in node.output]
        model.graph.node.append(helper.make_node("Neg", ["turned"], [name]))
        onnx.save(model, file)

    monkeypatch.setattr("taskzoo.export.onnx_format.write_int8", turned_round)
    with pytest.raises(RunError, match=r"int8 costs more than .*f1_macro changes by -.*Nothing was kept"):
        export_run(ExportRequest(classifier.path, tmp_path / "new" / "int8", int8=True))
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_exported_is_refused(classifier: Any, exported: Path, tmp_path: Path) -> None:
    for request, message in (
        (ExportRequest(exported), "is an export already"),
        (ExportRequest(tmp_path / "none"), "There is no run"),
        (ExportRequest(classifier.path, exported), "exists already"),
        (ExportRequest(classifier.path, tolerance=2.0), "between 0 and 1"),
        (ExportRequest(classifier.path, tmp_path / "out", data=str(tmp_path / "rows.csv")), "no such file"),
    ):
        with pytest.raises(RequestError, match=message):
            export_run(request)
    assert not (tmp_path / "out").exists()


def test_a_run_is_measured_on_the_test_rows_that_it_had(tiny_checkpoint: Callable[..., Path], tmp_path: Path) -> None:
    """Runs of ``--seeds`` draw their rows by the seed of the first and train with another."""
    rows = [{"text": f"{text} more", "label": label} for text, label in zip(TEXTS, LABELS, strict=True)]
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    words = ["--model", tiny_checkpoint(), "--train", file, "--output", tmp_path / "runs", "--seeds", "2", "--quiet"]
    words += ["--set", "max_steps=1", "batch_size=8", "method=full", "baseline=false", "precision=fp32"]
    assert (done := zoo("run", "classification", *words)).code == 0, done.err
    run = load(tmp_path / "runs" / "seed-2")
    lines = (run.path / "predictions.jsonl").read_text(encoding="utf-8").splitlines()
    found, name = measured_examples(run, None)
    assert name == "test"
    assert [example["text"] for example in found] == [json.loads(line)["text"] for line in lines]

    file.write_text("".join(json.dumps(row) + "\n" for row in rows[::-1]), encoding="utf-8")
    with pytest.raises(RequestError, match=r"rows\.jsonl:\d+ is not the test row that the run had .* by data"):
        measured_examples(run, None)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows[:20]), encoding="utf-8")
    with pytest.raises(RequestError, match=r"the run had 3 test rows, and 2 are read now\. Name labelled rows by data"):
        measured_examples(run, None)


def test_the_command_measures_and_says_where_the_export_is(
    classifier: Any, made: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = zoo("export", classifier.path, "--to", "tflite")
    assert refused.code == 2
    assert "There are onnx, ctranslate2" in refused.err
    asked: list[ExportRequest] = []
    monkeypatch.setattr("taskzoo.export.export.export_run", lambda request, say: asked.append(request) or made)
    result = zoo("export", classifier.path, "--int8", "--tolerance", "0.05", "--rows", "8", "--output", tmp_path / "x")
    assert result.code == 0, result.err
    assert asked == [ExportRequest(str(classifier.path), str(tmp_path / "x"), True, 0.05, None, "", 8, False, "")]
    lines = result.out.splitlines()
    assert lines[0].split()[:2] == ["FORM", "F1_MACRO"]
    assert [line.split()[:2] for line in lines[1:3]] == [["torch", "fp32"], ["onnx", "fp32"]]
    assert f"zoo predict {made.path}" in lines[-1]
    monkeypatch.setattr("taskzoo.hub.download.local_run", lambda run: classifier.path)
    assert "name one by --output" in zoo("export", "someone/weather").err
    assert zoo("export", "someone/weather", "--output", tmp_path / "x").code == 0
    assert asked[1:] == [ExportRequest(str(classifier.path), str(tmp_path / "x"))]


def test_a_changed_export_is_refused(exported: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(exported, tmp_path / "copy")
    with (copy / "tokenizer.json").open("a") as file:
        file.write("\n")
    with pytest.raises(RequestError, match=r"'tokenizer.json' was changed"):
        load(copy)
    shutil.copyfile(exported / "tokenizer.json", copy / "tokenizer.json")
    task = (copy / "task.json").read_text(encoding="utf-8")
    assert task.count('"dry"') == task.count('"wet"') > 0
    swapped = task.replace('"dry"', '"-"').replace('"wet"', '"dry"').replace('"-"', '"wet"')
    (copy / "task.json").write_text(swapped, encoding="utf-8")
    with pytest.raises(RequestError, match=r"'task.json' was changed"):
        load(copy)
    (copy / "export.json").write_text("{}")
    with pytest.raises(RequestError, match="is damaged"):
        load(copy)
    with pytest.raises(RequestError, match="precision=bf16 is for runs"):
        load(exported, precision="bf16")


def test_of_a_large_file_every_byte_is_compared(tmp_path: Path) -> None:
    with (tmp_path / "model.onnx").open("wb+") as file:
        file.truncate(2**23)
        before = [digests(tmp_path), digests(tmp_path, SAMPLED)]
        file.seek(100_000)
        file.write(b"x")
        file.flush()
        assert [digests(tmp_path) != before[0], digests(tmp_path, SAMPLED) == before[1]] == [True, True]


def test_an_export_of_the_earlier_format_is_used(exported: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(exported, tmp_path / "copy")
    facts = json.loads((copy / "export.json").read_text(encoding="utf-8"))
    assert (facts["format"], "task.json" in facts["files"]) == (2, True)
    facts |= {"format": 1, "files": digests(copy, SAMPLED)}
    assert "task.json" not in facts["files"]
    (copy / "export.json").write_text(json.dumps(facts), encoding="utf-8")
    assert load(copy).predict("rain")["label"] == load(exported).predict("rain")["label"]
    facts["format"] = 3
    (copy / "export.json").write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(RequestError, match="has the format 3, which this taskzoo does not know"):
        load(copy)


@pytest.mark.slow
@pytest.mark.parametrize("head", ["linear", "crf"])
@pytest.mark.parametrize("int8", [False, True])
def test_tags_and_entities_are_those_of_the_run(
    memorised: Callable[..., Any], demo_sentences: list[dict[str, Any]], tmp_path: Path, head: str, int8: bool
) -> None:
    run = memorised(head=head, max_length=24)
    path = export_run(ExportRequest(run.path, tmp_path / "onnx", int8=int8, tolerance=1.0)).path
    texts = [*(" ".join(row["tokens"]) for row in demo_sentences[:20]), "Ada Lovelace lives in Paris. " * 30, " "]
    found, expected = load(path).predict(texts), run.predict(texts)
    if not int8:
        close(found, expected)
    same = sum(one["tags"] == other["tags"] for one, other in zip(found, expected, strict=True))
    assert same > (len(texts) * 0.5 if int8 else len(texts) - 1)


def _heads() -> dict[str, tuple[str, Any]]:
    pairs = [{"text": text, "text_pair": text[::-1], "label": label} for text, label in zip(TEXTS, LABELS, strict=True)]
    several = [{"text": t, "label": [label, t.split()[0]]} for t, label in zip(TEXTS, LABELS, strict=True)]
    numbers = [{"text": text, "label": len(text) * 1000 + i / 10} for i, text in enumerate(TEXTS)]
    return {
        "pairs": ("classification", pairs),
        "several": ("classification", several),
        "number": ("sentiment", numbers),
    }


@pytest.mark.slow
@pytest.mark.parametrize("head", ["pairs", "several", "number"])
@pytest.mark.parametrize("family", ["bert", "gpt2", "qwen2"])
def test_every_head_gives_the_answers_of_its_run(
    tiny_checkpoint: Callable[..., Path], tmp_path: Path, family: str, head: str
) -> None:
    from taskzoo import finetune

    task, rows = _heads()[head]
    splits = dict.fromkeys(("train", "validation", "test"), rows)
    values: dict[str, Any] = {"precision": "fp32", "max_steps": 6, "batch_size": 8, "method": "full", "seed": 1}
    run = finetune(task, model=str(tiny_checkpoint(family)), output=tmp_path / "run", **splits, **values)
    path = export_run(ExportRequest(run.path)).path
    inputs = [{name: value for name, value in row.items() if name != "label"} for row in rows]
    found, expected = load(path).predict(inputs), run.predict(inputs)
    if head == "number":
        for one, other in zip(found, expected, strict=True):
            assert one["value"] == pytest.approx(other["value"], rel=1e-4)
    else:
        close(found, expected)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_gives_the_answers_of_its_run(tmp_path: Path, family: str) -> None:
    from taskzoo import finetune

    model = make_tiny_checkpoint(tmp_path / "model", family, TEXTS, vocabulary=300)
    splits = dict.fromkeys(("train", "validation", "test"), (TEXTS, LABELS))
    values: dict[str, Any] = {"precision": "fp32", "max_steps": 4, "batch_size": 8, "method": "full", "seed": 1}
    run = finetune("classification", model=str(model), output=tmp_path / "run", **splits, **values)
    if not run.processor.is_fast:
        with pytest.raises(RequestError, match=r"has no tokenizer\.json"):
            export_run(ExportRequest(run.path))
        return
    path = export_run(ExportRequest(run.path)).path
    texts = [*TEXTS, "a", "x" * 300, LONG[:900]]
    close(load(path).predict(texts), run.predict(texts))


def test_values_that_are_no_numbers_are_the_largest_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    """In Python, max(0.0, nan) is 0.0."""
    monkeypatch.setattr(measure, "tensors", lambda batch: batch)
    monkeypatch.setattr(measure, "_real", lambda values, batch: values)

    def predictor(*outputs: float) -> Any:
        def forward(model: Any, batch: Any) -> Any:
            return SimpleNamespace(logits=np.array(outputs))

        return SimpleNamespace(task=SimpleNamespace(forward=forward), model=None, collate=list, max_tokens=64)

    features = [SimpleNamespace(length=length) for length in (3, 5)]
    assert measure.largest_difference(predictor(1.0, 2.0), predictor(1.5, 2.0), features) == (0.5, 2.0)
    worst, _ = measure.largest_difference(predictor(1.0, 2.0), predictor(np.nan, 2.0), features)
    assert math.isnan(worst)
