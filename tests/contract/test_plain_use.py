"""The Python lines of a run's model card, run where taskzoo is not installed, give what ``zoo predict`` gives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import taskzoo
from taskzoo.models.sequence import load_sequence_model
from taskzoo.testing import FAMILIES
from taskzoo.testing.checks import check_plain_transformers

Checkpoint = Callable[..., Path]

TEXTS = ["Austin visited Paris.", "Demand in Canada was strong, said the chief of Cobaltine", "The mayor resigned"]
WORDS = [["Austin", "visited", "Paris", "."], ["Canada", "was", "strong", ",", "said", "Ada"], ["The", "mayor", "ran"]]
TAGS = [["B-PER", "O", "B-LOC", "O"], ["B-LOC", "O", "O", "O", "O", "B-PER"], ["O", "B-PER", "I-PER"]]
SHORT = {"precision": "fp32", "max_steps": 4, "batch_size": 6, "learning_rate": 1e-2, "warmup": 0.0, "seed": 1}
SHORT |= {"baseline": False}

ENCODER_DECODERS = ("bart", "m2m_100", "marian", "mbart", "mbart50", "mt5", "nllb", "pegasus", "t5")


def labelled(labels: list[Any], **more: Any) -> list[dict[str, Any]]:
    """Three texts, four times, with a label each."""
    return [
        {"text": f"{text} {n}", "label": label, **more}
        for n in range(4)
        for text, label in zip(TEXTS, labels, strict=True)
    ]


def tagged() -> list[dict[str, Any]]:
    return [{"tokens": words, "tags": tags} for words, tags in zip(WORDS, TAGS, strict=True)] * 4


PAIRS = [{"source": text, "target": text.split()[0]} for text in TEXTS] * 4
LANGUAGES = {"source_lang": "en", "target_lang": "de"}

HEADS: dict[str, tuple[str, list[dict[str, Any]], dict[str, Any]]] = {
    "single": ("classification", labelled(["a", "b", "c"]), {}),
    "pooled": ("classification", labelled(["a", "b", "c"]), {"pooling": "mean"}),
    "probe": ("classification", labelled(["a", "b", "c"]), {"method": "linear-probe", "pooling": "unit-mean"}),
    "lora": ("classification", labelled(["a", "b", "c"]), {"method": "lora"}),
    "several": ("classification", labelled([["a", "b"], ["b"], []]), {}),
    "pair": ("classification", labelled(["a", "b", "c"], text_pair="Who says so?"), {}),
    "number": ("sentiment", labelled([2000.5, 2011.25, 1990.0]), {"kind": "intensity"}),
    "stars": ("sentiment", labelled(["5 stars", "1 star", "2 stars"]), {"kind": "stars", "stars_as": "numbers"}),
    "tags": ("ner", tagged(), {}),
    "argmax": ("ner", tagged(), {"decoding": "argmax"}),
    "crf": ("ner", tagged(), {"head": "crf"}),
    "crf-argmax": ("ner", tagged(), {"head": "crf", "decoding": "argmax"}),
    "translation": ("translation", PAIRS, {**LANGUAGES, "max_new_tokens": 6}),
    "summary": ("summarization", PAIRS, {"language": "en", "max_new_tokens": 6, "prefix": "shorten: "}),
}
"""Name -> task, rows and settings."""

QUICK = [
    *[("single", "bert"), ("probe", "bert"), ("several", "roberta")],
    *[("number", "bert"), ("number", "gpt2"), ("stars", "distilbert"), ("tags", "roberta"), ("crf", "bert")],
    *[("translation", "marian"), ("summary", "gpt2")],
]
CLASSIFIERS = ("single", "pooled", "probe", "lora", "several", "pair", "number", "stars")
TAGGERS = ("tags", "argmax", "crf", "crf-argmax")
ALL = [
    *((head, family) for head in CLASSIFIERS for family in FAMILIES),
    *((head, family) for head in TAGGERS for family in FAMILIES if family not in ENCODER_DECODERS),
    *((head, family) for head in ("translation", "summary") for family in (*ENCODER_DECODERS, "gpt2", "qwen2", "bert")),
]

NOT_THE_SAME = "The tokenizer joins the two texts of a pair in another way"
"""What a card admits, of tokenizers of translation models only."""

RUN_CARDS = """
import json, os, re, sys
from pathlib import Path
sys.modules["taskzoo"] = None  # any import of it fails
found = {}
for name, (card, given) in json.load(sys.stdin).items():
    code = re.search(r"```python\\n(.*?)```", Path(card).read_text(encoding="utf-8"), re.DOTALL)[1]
    os.chdir(Path(card).parent.parent)
    answers = []
    for written, wanted in given:
        values = {}
        sys.modules.pop("crf", None)
        exec(code.replace(written, wanted), values)
        names = ("label", "score", "labels", "outputs", "value", "tags", "output")
        answers.append({name: values[name] for name in names if name in values})
    found[name] = answers
print(json.dumps(found))
"""


def train(head: str, checkpoint: Path, folder: Path) -> taskzoo.Run:
    task, rows, settings = HEADS[head]
    splits = {"train": rows, "validation": rows[:6], "test": []}
    return taskzoo.finetune(task, model=str(checkpoint), output=folder, **splits, **{**SHORT, **settings})


def replacements(head: str) -> list[tuple[str, str]]:
    """For each input, what stands in the card's lines and what is to stand there."""
    if HEADS[head][0] == "ner":
        return [("['Ada', 'went', 'to', 'Oslo', '.']", repr(words)) for words in WORDS]
    return [('"some text"', repr(text)) for text in TEXTS]


def inputs(head: str) -> list[Any]:
    if HEADS[head][0] == "ner":
        return [{"tokens": words} for words in WORDS]
    return [{"text": text, "text_pair": "another text"} if head == "pair" else text for text in TEXTS]


def run_cards(runs: dict[str, taskzoo.Run], folder: Path) -> dict[str, Any]:
    """What the cards of the runs give in a new process; the names begin with those of the heads."""
    given = {name: (str(run.path / "README.md"), replacements(name.split()[0])) for name, run in runs.items()}
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_MODULES_CACHE": str(folder / "code")}
    command = [sys.executable, "-c", RUN_CARDS]
    result = subprocess.run(
        command, input=json.dumps(given), capture_output=True, text=True, env=environment, timeout=900, check=False
    )
    assert result.returncode == 0, result.stderr[-3000:]
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return found


def compare(head: str, prediction: dict[str, Any], plain: dict[str, Any]) -> None:
    """Labels, scores, numbers, tags and texts are the same; scores of predictions have four digits."""
    for name in ("labels", "tags"):
        if name in prediction:
            assert (
                sorted(plain[name]) == sorted(prediction[name]) if name == "labels" else plain[name] == prediction[name]
            )
    if "scores" in prediction:
        scores = {found["label"]: found["score"] for found in plain["outputs"]}
        assert {label: scores[label] for label in prediction["scores"]} == pytest.approx(prediction["scores"], abs=2e-4)
    if "value" in prediction:
        assert plain["value"] == pytest.approx(prediction["value"], abs=2e-3)
    if "label" in prediction:
        assert plain["label"] == prediction["label"]
    if HEADS[head][0] in ("translation", "summarization"):
        assert plain["output"] == prediction["text"]


@pytest.fixture(scope="module")
def quick(tiny_checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """The runs, and what their cards give."""
    folder = tmp_path_factory.mktemp("plain")
    runs = {f"{h} {f}": train(h, tiny_checkpoint(f), folder / f"{h}-{f}") for h, f in QUICK}
    return runs, run_cards(runs, folder)


@pytest.mark.parametrize(("head", "family"), QUICK)
def test_the_lines_of_the_card_predict_the_same(quick: tuple[Any, Any], head: str, family: str) -> None:
    runs, found = quick
    again = taskzoo.load(runs[f"{head} {family}"].path)
    for prediction, plain in zip(again.predict(inputs(head)), found[f"{head} {family}"], strict=True):
        compare(head, prediction, plain)


def test_a_head_of_ones_own_needs_a_model_type_of_its_own(tiny_checkpoint: Checkpoint, tmp_path: Path) -> None:
    """Otherwise transformers, without the code, loads its own class with random weights."""
    settings: dict[str, Any] = {"problem_type": "single_label_classification", "labels": ["a", "b"], "pooling": "mean"}
    model = load_sequence_model(str(tiny_checkpoint()), **settings)
    model.save_pretrained(tmp_path / "model")
    bench: Any = SimpleNamespace(
        run=SimpleNamespace(path=tmp_path), tokenizer=None, task_class=taskzoo.Task, failed=set()
    )
    check_plain_transformers(bench)
    file = tmp_path / "model" / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text(encoding="utf-8")), "model_type": "bert"}), "utf-8")
    with pytest.raises(AssertionError, match="model_type of its own"):
        check_plain_transformers(bench)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_every_head_of_every_family(tiny_checkpoint: Checkpoint, tmp_path: Path, family: str) -> None:
    runs = {h: train(h, tiny_checkpoint(family), tmp_path / h) for h, f in ALL if f == family}
    found = run_cards(runs, tmp_path)
    for head, run in runs.items():
        if NOT_THE_SAME in (run.path / "README.md").read_text(encoding="utf-8"):
            assert (head, family in ENCODER_DECODERS) == ("pair", True)
            continue
        for prediction, plain in zip(run.predict(inputs(head)), found[head], strict=True):
            compare(head, prediction, plain)
