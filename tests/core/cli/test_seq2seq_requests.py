"""Translation and summarization through the command line: what is refused in one line, and what works."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import taskzoo
from taskzoo.testing import make_tiny_checkpoint

from .test_bad_requests import check, listing, zoo

PAIRS = [(f"Anna sees {n} big cars.", f"安娜看见{n}辆大车。") for n in range(12)]
REPORTS = [(f"Anna saw {n} cars. They were red. She went home.", f"{n} red cars.") for n in range(12)]


def lines(pairs, names=("source", "target")) -> str:
    return "".join(json.dumps(dict(zip(names, pair, strict=True)), ensure_ascii=False) + "\n" for pair in pairs)


FILES = {
    "good.jsonl": lines(PAIRS),
    "reports.jsonl": lines(REPORTS),
    "no-source.jsonl": lines([*PAIRS[:2], ("  ", "空"), *PAIRS[2:]]),
    "no-target.jsonl": lines([*PAIRS[:3], ("Nothing.", ""), *PAIRS[3:]]),
    "null-target.jsonl": lines([*PAIRS[:1], ("Nothing.", None), *PAIRS[1:]]),
    "no-targets.jsonl": lines([*PAIRS[:4], ("Nothing.", []), *PAIRS[4:]]),
    "number.jsonl": lines([(5, "五"), *PAIRS]),
    "no-sentences.jsonl": lines([*REPORTS[:1], (["", " "], "Nothing."), *REPORTS[1:]]),
    "copies.jsonl": lines([(source, source) for source, _ in PAIRS]),
    "longer.en": "".join(f"{source}\n" for source, _ in PAIRS),
    "longer.zh": "".join(f"{target}\n" for _, target in PAIRS[:-3]),
    "lonely.en": "A word.\n",
}


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    """A folder with the files and a tiny checkpoint."""
    folder = tmp_path_factory.mktemp("pairs")
    for name, content in FILES.items():
        (folder / name).write_text(content, encoding="utf-8")
    texts = [text for pair in [*PAIRS, *REPORTS] for text in pair]
    make_tiny_checkpoint(folder / "t5", "t5", texts)
    make_tiny_checkpoint(folder / "modernbert", "modernbert", texts)
    return folder


@pytest.fixture
def folder(base, monkeypatch):
    monkeypatch.chdir(base)
    return base


SHORT = "--precision fp32 --batch-size 6 --set max_steps=2 max_new_tokens=6"
LEARN = "--learning-rate 0.02 --set max_steps=20"
RUN = f"run translation --model t5 {SHORT} --set source_lang=en target_lang=zh"
SUMMARY = f"run summarization --model t5 {SHORT}"

REFUSED = [
    # rows
    (f"{RUN} --train no-source.jsonl", ["no-source.jsonl:3", "source is empty"]),
    (f"{RUN} --train no-target.jsonl", ["no-target.jsonl:4", "target is empty"]),
    (f"{RUN} --train null-target.jsonl", ["null-target.jsonl:2", "target is empty"]),
    (f"{RUN} --train no-targets.jsonl", ["no-targets.jsonl:5", "target is missing or empty"]),
    (f"{RUN} --train number.jsonl", ["number.jsonl:1", "source is 5, not text"]),
    (f"{SUMMARY} --train no-sentences.jsonl", ["no-sentences.jsonl:2", "source is missing or empty"]),
    (f"{RUN} --train longer.en", ["longer.zh", "10"]),
    (f"{RUN} --train lonely.en", ["lonely"]),
    (f"{RUN} --train copies.jsonl filter=drop", ["unexpected", "filter=drop"]),  # a word too many, not a setting
    (f"{RUN} --train copies.jsonl --set filter=drop", ["No training row is left"]),
    (f"{RUN} --train good.jsonl --shots 3", ["no shots to take", "--shots"]),
    # options
    (f"{RUN} --train good.jsonl --set source_lang=englsh", ["'englsh'", "'English'"]),
    (f"{SUMMARY} --train reports.jsonl --set language=chinesse", ["'chinesse'", "'Chinese'"]),
    (f"{RUN} --train good.jsonl --set bleu_tokenize=13b", ["13b", "13a"]),
    (f"{RUN} --train good.jsonl --set similarity=minilmm", ["'minilmm'", "'minilm'"]),
    (f"{RUN} --train good.jsonl --set filter=dorp", ["'dorp' is not one of", "drop"]),
    (f"{RUN} --train good.jsonl --precision fp16", ["precision=fp16"]),
    (f"{RUN} --train good.jsonl --set num_beams=0", ["num_beams=0 must be at least 1"]),
    (f"{RUN} --train good.jsonl --set num_beem=2", ["'num_beem'", "'num_beams'"]),
    (f"{RUN} --train good.jsonl --set top_p=1.5", ["top_p=1.5 must be at most 1"]),
    (f"{RUN} --train good.jsonl --set min_new_tokens=9", ["min_new_tokens=9 is greater than max_new_tokens=6"]),
    (f"{RUN} --train good.jsonl --set max_source_length=1", ["no room for text"]),
    (f"{RUN} --train good.jsonl --model modernbert", ["'modernbert'", "cannot be used as a decoder", "t5"]),
    (f"{RUN} --train good.jsonl --method linear-probe", ["This method", "last linear layer"]),
    (f"{RUN} --train good.jsonl --method contrastive", ["contrastive"]),
]


@pytest.mark.parametrize(("line", "fragments"), REFUSED, ids=[line for line, _ in REFUSED])
def test_one_line_says_why_and_nothing_is_written(folder, line, fragments):
    before = listing(folder)
    code, out, err = zoo([*line.split(), "--output", "out", "-q"])
    check(code, out, err, fragments)
    assert listing(folder) == before


@pytest.fixture(scope="module")
def finished(base):
    """A finished run of each task, made by the command line with the baseline."""
    made = {}

    def run(task: str) -> Path:
        if task not in made:
            data = base / ("good.jsonl" if task == "translation" else "reports.jsonl")
            made[task] = base.parent / f"run-{task}"
            words = (
                f"run {task} --model {base / 't5'} {SHORT} {LEARN} --baseline --train {data} --output {made[task]} -q"
            )
            code, out, err = zoo(words.split())
            assert code == 0, err
            assert "baseline" in out
        return made[task]

    return run


@pytest.mark.parametrize(("task", "score"), [("translation", "bleu"), ("summarization", "rougeL")])
def test_the_baseline_stands_beside_the_model(finished, task, score):
    metrics = json.loads((finished(task) / "metrics.json").read_text(encoding="utf-8"))
    baseline = metrics["baseline"]
    assert baseline["validation"][score] > 0
    assert baseline["test"][score] > 0
    difference = baseline["difference"]["test"]
    assert difference["metric"] == score
    assert difference["value"] == pytest.approx(metrics["test"][score] - baseline["test"][score])


@pytest.mark.parametrize("task", ["translation", "summarization"])
def test_eval_and_predict(folder, finished, task):
    data = "good.jsonl" if task == "translation" else "reports.jsonl"
    code, out, err = zoo(["eval", str(finished(task)), "--data", data, "--json"])
    assert code == 0, err
    assert json.loads(out)["rows"] == 12
    code, out, err = zoo(["predict", str(finished(task)), "Anna sees 3 big cars.", "a=b"])
    assert code == 0, err
    predictions = [json.loads(line) for line in out.splitlines()]
    assert [prediction["source"] for prediction in predictions] == ["Anna sees 3 big cars.", "a=b"]
    assert all(set(prediction) == {"source", "text", "score"} for prediction in predictions)
    code, out, err = zoo(["predict", str(finished(task)), "--input", "copies.jsonl"])
    assert code == 0, err
    assert len(out.splitlines()) == 12


def test_sources_that_are_their_own_targets_are_no_error(folder, tmp_path):
    words = f"{RUN} --train copies.jsonl --validation none --test none --set filter=report --output {tmp_path / 'run'}"
    code, _, err = zoo(words.split())
    assert code == 0, err
    assert "train: 12 suspicious pairs kept: copies" in err
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["data"]["train"]["noticed"]["suspicious pairs kept: copies"] == 12
    assert manifest["rows"]["train"] == 12


def test_generation_changes_after_training_and_the_run_does_not(finished):
    run = finished("translation")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    words = ["predict", str(run), PAIRS[3][0]]
    usual, shorter = (
        json.loads(zoo([*words, *more])[1])["text"]
        for more in ([], ["--set", "max_new_tokens=2", "--set", "num_beams=1"])
    )
    assert usual
    assert usual.startswith(shorter)
    assert len(shorter) < len(usual)
    assert taskzoo.load(run, options={"max_new_tokens": 2}).predict(PAIRS[3][0])["text"] == shorter
    assert taskzoo.load(run).predict(PAIRS[3][0])["text"] == usual
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_eval_takes_settings_of_generation(folder, finished):
    words = ["eval", str(finished("translation")), "--data", "good.jsonl", "--json"]
    usual, short = (json.loads(zoo([*words, *more])[1]) for more in ([], ["--set", "max_new_tokens=2", "num_beams=2"]))
    assert usual["loss"] == pytest.approx(short["loss"])
    assert usual["chrf"] > short["chrf"]


@pytest.mark.parametrize(
    ("words", "fragments"),
    [
        (["num_beem=4"], ["'num_beem'", "'num_beams'"]),
        (["max_source_length=9"], ["'max_source_length'", "can be changed after training", "max_new_tokens"]),
        (["learning_rate=1"], ["'learning_rate'", "num_beams"]),
        (["num_beams=0"], ["num_beams=0 must be at least 1"]),
        (["num_beams=many"], ["num_beams='many' is not a whole number"]),
        (["top_p=2"], ["top_p=2 must be at most 1"]),
        (["min_new_tokens=9"], ["min_new_tokens=9 is greater than max_new_tokens=6"]),
        (["num_beams"], ["name=value"]),
    ],
)
@pytest.mark.parametrize("command", ["predict", "eval"])
def test_other_settings_are_refused(folder, finished, command, words, fragments):
    rest = ["A text."] if command == "predict" else ["--data", "good.jsonl"]
    check(*zoo([command, str(finished("translation")), *rest, "--set", *words]), fragments)
