"""The search for a recipe: which runs, what is kept of them, and which setting is chosen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


def test_every_combination_once_in_one_spelling() -> None:
    from search import combinations

    found = list(combinations(["learning_rate=1e-4,3e-4", "pooling=auto,mean"], ["method=full"]))
    assert found == [
        "learning_rate=1e-4 method=full pooling=auto",
        "learning_rate=1e-4 method=full pooling=mean",
        "learning_rate=3e-4 method=full pooling=auto",
        "learning_rate=3e-4 method=full pooling=mean",
    ]


def test_the_setting_with_the_least_regret_that_does_not_depend_on_the_seed() -> None:
    from search import Key, Result, left_out, report, standings

    scores = {
        "first": {"steady": (0.70, 0.70), "wild": (0.90, 0.60), "partly": (1.0, 1.0)},
        "second": {"steady": (0.50, 0.50), "wild": (0.60, 0.60)},
    }
    results = {
        Key(name, 300, "minilm", settings, seed): Result("accuracy", 0.0, score, 0.5, 10, 1.0)
        for name, by_settings in scores.items()
        for settings, values in by_settings.items()
        for seed, score in enumerate(values)
    }
    best, other = standings(results)  # "partly" was not run everywhere
    # first: steady 0.7, wild 0.75 - 0.212 = 0.538; second: 0.5 and 0.6
    assert (best.settings, other.settings) == ("steady", "wild")
    assert best.regret == pytest.approx((0 + 0.1) / 2)
    assert other.regret == pytest.approx((0.7 - (0.75 - 0.3 / 2**0.5)) / 2)
    assert best.worst == pytest.approx(0.1)
    assert best.rank == 1.5
    checked = left_out(results)
    assert [(name, settings) for name, settings, _ in checked] == [("first", "wild"), ("second", "steady")]
    assert [regret for _, _, regret in checked] == pytest.approx([0.7 - (0.75 - 0.3 / 2**0.5), 0.1])
    assert "| steady | 0.0500 | 0.1000 | 1.5 |" in report(results)


@pytest.mark.slow
def test_a_search_is_resumed_and_then_fitted(
    tmp_path: Path,
    tiny_checkpoint: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from search import main, read_results

    model = str(tiny_checkpoint("bert"))
    file = tmp_path / "search.csv"
    where = ["--out", str(file), "--model", model, "--rows", "40", "--sets", "generated-2-1"]
    fixed = ["--test", "30", "--set", "method=full", "max_steps=2", "precision=fp32"]

    def call(command: str, *words: str) -> str:
        monkeypatch.setattr("sys.argv", ["search.py", command, *where, *words])
        main()
        return "".join(capsys.readouterr())

    assert "2 runs, 0 of them done" in call("run", *fixed, "--seeds", "1", "--grid", "learning_rate=1e-3,1e-2")
    first = file.read_text(encoding="utf-8")
    assert "4 runs, 2 of them done" in call("run", *fixed, "--seeds", "1", "2", "--grid", "learning_rate=1e-3,1e-2")
    assert file.read_text(encoding="utf-8").startswith(first)
    results = read_results(file)
    assert len(results) == 4
    for result in results.values():
        assert result.metric == "f1_macro"
        assert 0 <= result.test <= 1
        assert 0.5 <= result.largest_share <= 1  # one of two labels is predicted for half of the rows at least
        assert result.steps == 2
    assert "| learning_rate=1e-2 max_steps=2 method=full precision=fp32 |" in call("fit")
