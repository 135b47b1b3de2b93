"""``zoo learning-curve``: a table and a sentence; bad requests are one line, and nothing is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from taskzoo.cli import main
from taskzoo.runs import learning_curve as curves
from taskzoo.runs.plan import Plan

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tiny_checkpoint: Callable[..., Path],
) -> Call:
    """``zoo learning-curve WORDS`` in a folder with data and a tiny model, both relative: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bert").symlink_to(tiny_checkpoint("bert"))
    for name, count in (("train", 60), ("dev", 20)):
        lines = (f"{name} {'Paris' if i % 2 else 'Ada'} {i},{'place' if i % 2 else 'person'}\n" for i in range(count))
        (tmp_path / f"{name}.csv").write_text("text,label\n" + "".join(lines), encoding="utf-8")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("x")

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["zoo", "learning-curve", *words])
        with pytest.raises(SystemExit) as stopped:
            main()
        captured = capsys.readouterr()
        return int(stopped.value.code or 0), captured.out, captured.err

    return run


REQUEST = ["classification", "--model", "bert", "--train", "train.csv", "--validation", "dev.csv", "--test", "none"]
SETTINGS = ["--set", "precision=fp32", "--set", "pooling=mean"]


def test_a_table_with_a_line_per_size_and_a_sentence(call: Call, tmp_path: Path) -> None:
    code, out, err = call(*REQUEST, *SETTINGS, "--sizes", "8,25%,all", "--repeats", "2", "--output", "out")
    assert code == 0, err
    table = [line.split() for line in out.split("\n\n")[0].splitlines()]
    assert [line[0] for line in table] == ["ROWS", "8", "15", "60", "120"]
    assert [line[4] for line in table] == ["SUBSETS", "2", "2", "1", "forecast"]
    kept = json.loads((tmp_path / "out" / "curve.json").read_text(encoding="utf-8"))
    assert kept["verdict"] in out
    assert kept["config"]["training"]["method"] == "linear-probe"
    assert kept["train_rows"] == 60
    assert "20 validation rows" in out
    assert "sizes     8, 15, 60 rows" in err


def test_json_is_the_curve_alone(call: Call) -> None:
    code, out, err = call(*REQUEST, *SETTINGS, "--sizes", "8,15,20", "--json", "--output", "out")
    assert code == 0, err
    found = json.loads(out)
    assert [size["rows"] for size in found["sizes"]] == [8, 15, 20]
    assert len(found["subsets"]) == 9


@pytest.mark.parametrize(
    ("words", "method"),
    [
        ([], "linear-probe"),
        (["--method", "contrastive"], "contrastive"),
        (["--set", "method=full"], "full"),
        (["--set", "method=lora"], "lora"),
    ],
)
def test_which_method_is_taken(call: Call, monkeypatch: pytest.MonkeyPatch, words: list[str], method: str) -> None:
    taken = []

    def stop(plan: Plan, *rest: object, **settings: object) -> None:
        taken.append(plan.config.training.method)
        raise KeyboardInterrupt

    monkeypatch.setattr(curves, "learning_curve", stop)
    assert call(*REQUEST, *words)[0] == 130
    assert taken == [method]


@pytest.mark.parametrize(
    ("words", "fragments"),
    [
        ([*REQUEST, "--sizes", "8,16,61"], ["61", "60 training rows"]),
        ([*REQUEST, "--sizes", "8,16"], ["2 sizes", "at least 3"]),
        ([*REQUEST, "--sizes", "8,16,few"], ["'few'", "25%"]),
        ([*REQUEST, "--sizes", "1,8,16"], ["1 of the 60 training rows"]),
        ([*REQUEST, "--method", "linear-prob"], ["linear-prob", "linear-probe"]),
        ([*REQUEST, "--repeats", "0"], ["--repeats"]),
        ([*REQUEST, "--output", "full"], ["'full' exists already"]),
        ([*REQUEST[:-3], "none"], ["validation"]),
        (["classifcation"], ["'classifcation'", "'classification'"]),
        (["ner", "--model", "bert", "--sizes", "16,32,64"], ["method=full or method=lora"]),
    ],
)
def test_bad_requests(call: Call, tmp_path: Path, words: list[str], fragments: list[str]) -> None:
    before = sorted(tmp_path.rglob("*"))
    if "--output" not in words:
        words = [*words, "--output", "out"]
    code, out, err = call(*words)
    assert code == 2, err
    assert out == ""
    last = err.splitlines()[-1]
    assert last.startswith("zoo: ")
    assert all(fragment in last for fragment in fragments), last
    assert sorted(tmp_path.rglob("*")) == before
