"""An export of a run that generates: the same texts, in a process without torch, with the run's own settings."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.core.seq2seq.pairs import PAIRS, SOURCES, TARGETS

from taskzoo import finetune, load
from taskzoo.errors import RequestError, RunError
from taskzoo.testing import make_tiny_checkpoint

from .test_export import close, zoo_without_torch

pytest.importorskip("ctranslate2")

from taskzoo.engine.ctranslate2_model import search_arguments
from taskzoo.export.export import ExportRequest, export_run
from taskzoo.seq2seq.exported_generator import ExportedGenerator

STRANGE = ["a </s> b", ">>de<< foo", "x" * 300, "\u200b", ""]
FAMILIES = ("bart", "m2m_100", "marian", "mbart", "mbart50", "mt5", "nllb", "pegasus", "t5", "gpt2", "qwen2")


def agitated(folder: Path, family: str) -> Path:
    """A tiny checkpoint with weights so wide that every source has an output of its own."""
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

    path = make_tiny_checkpoint(folder, family, [*SOURCES, *TARGETS], vocabulary=300)
    auto = AutoModelForCausalLM if family in ("gpt2", "qwen2") else AutoModelForSeq2SeqLM
    model = auto.from_pretrained(path)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1 and "embed_positions" not in name:
                torch.nn.init.normal_(parameter, std=0.4)
    if model.config.pad_token_id not in (None, model.config.eos_token_id):  # M2M-100 does not count its positions
        model.generation_config.bad_words_ids = [[model.config.pad_token_id]]
    model.save_pretrained(path)
    return path


def made_run(folder: Path, family: str, **options: Any) -> Any:
    """A run of one step."""
    splits = dict.fromkeys(("train", "validation", "test"), (SOURCES, TARGETS))
    settings = {"max_steps": 1, "batch_size": 4, "precision": "fp32", "baseline": False, "method": "full"}
    languages = {"source_lang": "en", "target_lang": "zh"}
    model = family if family.startswith("scratch:") else str(agitated(folder / "checkpoint", family))
    return finetune(
        "translation", model=model, output=folder / "run", seed=1, **splits, **settings, **languages, **options
    )


def _cut_short(settings: Any, *, decoder: bool) -> dict[str, Any]:
    """A search that ends too soon."""
    return {**search_arguments(settings, decoder=decoder), "max_decoding_length": 1}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Of Marian, whose tokenizer is one of ``sentencepiece``."""
    return made_run(tmp_path_factory.mktemp("marian"), "marian", max_new_tokens=12)


@pytest.fixture(scope="module")
def made(run: Any) -> Any:
    """Its export to ``RUN/ctranslate2``."""
    return export_run(ExportRequest(run.path))


def test_a_process_without_torch_generates_what_the_run_does(run: Any, made: Any, tmp_path: Path) -> None:
    file = tmp_path / "texts.jsonl"
    texts = [*SOURCES[:12], *STRANGE]
    file.write_text("".join(json.dumps({"source": text}) + "\n" for text in texts), encoding="utf-8")
    done = zoo_without_torch("predict", str(made.path), "--input", str(file))
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    close(found, run.predict(texts))
    assert len({prediction["text"] for prediction in found}) > 8


def test_the_score_of_the_run_is_that_of_the_export_and_the_card_says_so(run: Any, made: Any, tmp_path: Path) -> None:
    facts = json.loads((made.path / "export.json").read_text(encoding="utf-8"))
    against = facts["measured"]["forms"]["ctranslate2 fp32"]["against_run"]
    assert (against["metric"], against["other_answers"], against["difference"]) == ("bleu", 0, 0.0)
    assert against["largest_output_difference"] < 1e-4
    card = (made.path / "README.md").read_text(encoding="utf-8")
    assert "| ctranslate2 fp32 | " in card
    assert "0 of 32" in card
    file = tmp_path / "rows.jsonl"
    rows = (json.dumps({"source": source, "target": target}) for source, target in PAIRS)
    file.write_text("\n".join(rows), encoding="utf-8")
    done = zoo_without_torch("eval", str(made.path), "--data", str(file), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["chrf"] == pytest.approx(run.metrics["test"]["chrf"])


def test_settings_of_generation_can_be_changed_as_those_of_a_run(run: Any, made: Any) -> None:
    for options in (
        {"num_beams": 3, "length_penalty": 0.5, "min_new_tokens": 3, "max_new_tokens": 8},
        {"no_repeat_ngram": 2, "max_new_tokens": 9},
    ):
        found = load(made.path, options=options).predict(SOURCES)
        close(found, load(run.path, precision="fp32", options=options).predict(SOURCES))
    with pytest.raises(RequestError, match=r"does not sample; use the run, or sample=False"):
        load(made.path, options={"sample": True}).predict("a")


def test_settings_that_it_does_not_know_are_refused() -> None:
    settings = {"eos_token_id": 0, "num_beams": 1, "do_sample": False, "max_new_tokens": 9}
    found = search_arguments({**settings, "bad_words_ids": [[5], [0], [1, 2]], "suppress_tokens": [7]}, decoder=False)
    assert found["suppress_sequences"] == [["5"], ["1", "2"], ["7"]]
    assert (found["max_decoding_length"], found["min_decoding_length"], found["beam_size"]) == (9, 0, 1)
    with pytest.raises(RequestError, match="'begin_suppress_tokens'"):
        search_arguments({**settings, "begin_suppress_tokens": [5]}, decoder=False)
    with pytest.raises(RequestError, match="no_repeat_ngram=0"):
        search_arguments({**settings, "no_repeat_ngram_size": 2}, decoder=True)


def test_what_cannot_be_exported_is_refused(run: Any, classifier: Any, tmp_path: Path) -> None:
    for request, message in (
        (ExportRequest(run.path, tmp_path / "out", to="onnx"), r'export it with to="ctranslate2"'),
        (ExportRequest(classifier.path, tmp_path / "out", to="ctranslate2"), r'export it with to="onnx"'),
        (ExportRequest(run.path, tmp_path / "out", to="gguf"), r"There are onnx, ctranslate2"),
    ):
        with pytest.raises(RequestError, match=message):
            export_run(request)
    assert list(tmp_path.iterdir()) == []


def test_an_export_with_other_probabilities_or_a_lower_score_is_not_kept(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = ExportRequest(run.path, tmp_path / "new" / "out", tolerance=0.0)
    monkeypatch.setattr("taskzoo.export.measure.SECONDS", 0.0)
    for name, other, message in (
        ("export.ctranslate2_files._NORMS", {"marian": (True, False)}, "(does not give what the run|cannot convert)"),
        ("engine.ctranslate2_model.search_arguments", _cut_short, "costs more than .*bleu changes by -0.*Nothing was"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(f"taskzoo.{name}", other)
            with pytest.raises(RunError, match=message):
                export_run(request)
    assert list(tmp_path.iterdir()) == []


def test_a_changed_export_is_refused(made: Any, tmp_path: Path) -> None:
    saved = json.loads((made.path / "export.json").read_bytes())
    tokenizer, form = saved["tokenizer"], saved["sequence_format"]

    def facts(**other: Any) -> bytes:
        return json.dumps({**saved, **other}).encode()

    for name, data, message in (
        ("source.spm", b"x", "'source.spm' was changed"),
        ("model.bin", b"x", "'model.bin' was changed"),
        ("export.json", b'{"kind": "tflite"}', "has the kind 'tflite'"),
        ("export.json", facts(tokenizer={**tokenizer, "pieces": "OwnTokenizer"}), "no tokenizer is named"),
        ("export.json", facts(sequence_format={}), "is damaged"),
        ("export.json", facts(sequence_format={**form, "before": 3}), "is damaged"),
        ("export.json", facts(sequence_format={**form, "end": "a"}), "is damaged"),
    ):
        copy = shutil.copytree(made.path, tmp_path / "copy", dirs_exist_ok=True)
        (copy / name).write_bytes(data)
        with pytest.raises(RequestError, match=message):
            load(copy)
    assert isinstance(load(made.path).model, ExportedGenerator)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("beams", [1, 4])
def test_every_family_gives_the_answers_of_its_run(tmp_path: Path, family: str, beams: int) -> None:
    options = {"num_beams": beams, "max_new_tokens": 16, "long_sources": "chunks"}
    run = made_run(tmp_path, family, **options)
    exported = load(export_run(ExportRequest(run.path)).path)
    texts = [*SOURCES, *STRANGE, " ".join(SOURCES * 4)]
    found, expected = exported.predict(texts), run.predict(texts)
    if beams == 1:
        close(found, expected)
    same = sum(one["text"] == other["text"] for one, other in zip(found, expected, strict=True))
    assert same >= 0.8 * len(texts)
    assert len({one["text"] for one in found}) > 4


@pytest.mark.slow
@pytest.mark.parametrize("separate", [False, True])
def test_a_model_from_scratch_is_exported_with_one_vocabulary_or_two(tmp_path: Path, separate: bool) -> None:
    run = made_run(tmp_path, "scratch:marian-tiny", scratch_separate=separate, max_new_tokens=12)
    path = export_run(ExportRequest(run.path, int8=True, tolerance=1.0)).path
    assert (path / "target_vocabulary.json").is_file() == separate
    assert path.name == "ctranslate2-int8"
    assert (path / "model.bin").stat().st_size < 0.35 * sum(p.nbytes for p in run.model.state_dict().values())
    texts = [*SOURCES, *STRANGE]
    close(load(export_run(ExportRequest(run.path)).path).predict(texts), run.predict(texts))


@pytest.mark.slow
def test_a_family_that_it_has_no_layers_for_is_refused(tmp_path: Path, tiny_checkpoint: Callable[..., Path]) -> None:
    splits = dict.fromkeys(("train", "validation", "test"), (SOURCES, TARGETS))
    values: dict[str, Any] = {"precision": "fp32", "max_steps": 1, "source_lang": "en", "target_lang": "zh"}
    run = finetune("translation", model=str(tiny_checkpoint("bert")), output=tmp_path / "run", **splits, **values)
    with pytest.raises(RequestError, match="no models of the family encoder-decoder that generate"):
        export_run(ExportRequest(run.path))
