"""A search from the first trial to the recipe: what it reads, what it leaves, what it says."""

from __future__ import annotations

import csv
import multiprocessing
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.core.runs.kit import Result, read, text_rows, write_csv, zoo

from taskzoo.errors import MachineError, RequestError
from taskzoo.runs.request import DataRequest, RunRequest, resolve_request
from taskzoo.testing import make_tiny_checkpoint
from taskzoo.tuning import store as stores
from taskzoo.tuning import tune
from taskzoo.tuning.reruns import Reruns
from taskzoo.tuning.result import Tuned
from taskzoo.tuning.space import parse_space
from taskzoo.tuning.store import Record, Store
from taskzoo.tuning.trial import Trials, applied
from taskzoo.tuning.wording import sentences_of
from taskzoo.types import Score

optuna = pytest.importorskip("optuna")

SPACE = ["--space", "learning_rate=1e-9,0.006,1e30"]
SETTINGS = [
    "method=full",
    "baseline=false",
    "precision=fp32",
    "batch_size=16",
    "max_steps=32",
    "evaluate_every=8",
    "learning_rate=1e-4",
]
MALFORMED = "this,is,no\nlabelled,test,file\n"


class InTurn(optuna.samplers.RandomSampler):
    """The values of a choice one after the other, in place of chance."""

    def sample_independent(self, study: Any, trial: Any, name: str, distribution: Any) -> Any:
        return distribution.choices[trial.number % len(distribution.choices)]


class Searched:
    """A search with the test file that there is, and what it left after each call."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out, self.test = folder, folder / "out", folder / "test.csv"
        self.bert = make_tiny_checkpoint(
            folder / "bert", "bert", [row["text"] for row in text_rows(200, 9)], vocabulary=200, dropout=0.1
        )
        write_csv(folder / "train.csv", text_rows(90, 1))
        write_csv(folder / "validation.csv", text_rows(60, 3))

    def __call__(self, *more: object) -> Result:
        files = (
            word for split in ("train", "validation", "test") for word in (f"--{split}", self.folder / f"{split}.csv")
        )
        request = ["tune", "classification", "--model", self.bert, *files, "--columns", "text=text,label=label"]
        return zoo(*request, *SPACE, "--set", *SETTINGS, "--trials", 4, "--seeds", 2, "--output", self.out, *more)


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Searched, Result, Result]:
    """First with a test file that cannot be read, then with one that can."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(optuna.samplers, "TPESampler", InTurn)
        patch.setattr(stores, "STARTUP", 1)
        search = Searched(tmp_path_factory.mktemp("tune"))
        search.test.write_text(MALFORMED, encoding="utf-8")
        first = search()
        write_csv(search.test, text_rows(50, 2))
        second = search("--json")
    return search, first, second


def test_no_trial_reads_the_test_file(searched: tuple[Searched, Result, Result]) -> None:
    search, first, second = searched
    assert first.code == 2
    assert "test.csv" in first.err.splitlines()[-1], "which is found when all trials are made"
    assert [line.split()[1] for line in first.err.splitlines() if line.startswith("trial ")] == ["0", "1", "2", "3"]
    assert second.code == 0, second.err
    assert "trial " not in second.err, "the second call makes none"
    for directory in sorted((search.out / "trials").iterdir()):
        assert not (directory / "model").exists()
        assert read(directory / "manifest.json")["rows"]["test"] == 0
        assert "test" not in read(directory / "manifest.json")["data"]
    assert read(search.out / "best" / "seed-1" / "metrics.json")["test"]["rows"] == 50


def test_a_trial_is_complete_pruned_or_failed_with_its_reason(searched: tuple[Searched, Result, Result]) -> None:
    search, _, second = searched
    trials = second.json["trials"]
    assert [trial["state"] for trial in trials] == ["complete", "complete", "failed", "pruned"]
    assert [trial["settings"] for trial in trials[1:]] == [{"learning_rate": rate} for rate in (0.006, 1e30, 1e-9)]
    assert trials[0]["default"]
    assert "not finite at step" in trials[2]["reason"]
    pruned = read(search.out / "trials" / "0003" / "manifest.json")
    assert pruned["status"] == "stopped"
    assert re.fullmatch(r"Stopped after step \d+ of 32; the state is saved.", pruned["reason"])
    with (search.out / "trials.csv").open(encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert [row["learning_rate"] for row in table] == ["0.0001", "0.006", "1e+30", "1e-09"]
    scores = [read(search.out / "trials" / f"{n:04}" / "metrics.json")["validation"]["f1_macro"] for n in (0, 1)]
    assert [float(table[n]["validation_f1_macro"]) for n in (0, 1)] == scores


def test_the_best_is_run_again_with_other_seeds_next_to_the_default(searched: tuple[Searched, Result, Result]) -> None:
    search, _, second = searched
    found = second.json
    assert (found["recommended"], found["settings"]) == ("best", {"learning_rate": 0.006})
    for name, rate in (("best", 0.006), ("default", 1e-4)):
        runs = [search.out / name / f"seed-{i}" for i in (1, 2)]
        assert found["reruns"][name]["seeds"] == [read(run / "manifest.json")["seed"] for run in runs] == [43, 44]
        assert all(read(run / "manifest.json")["settings"]["training"]["learning_rate"] == rate for run in runs)
        for split in ("validation", "test"):
            scores = [read(run / "metrics.json")[split]["f1_macro"] for run in runs]
            assert found["reruns"][name][split] == scores
    best, default = (found["reruns"][name]["validation"] for name in ("best", "default"))
    assert found["gain"] == pytest.approx(np.mean(best) - np.mean(default))
    assert found["spread"] == pytest.approx(np.sqrt((np.var(best, ddof=1) + np.var(default, ddof=1)) / 2))
    assert all(sentence in (search.out / "README.md").read_text(encoding="utf-8") for sentence in found["sentences"])


def test_the_recipe_repeats_the_first_of_these_runs(searched: tuple[Searched, Result, Result], tmp_path: Path) -> None:
    search, _, _ = searched
    again = zoo("run", "--config", search.out / "recipe.yaml", "--output", tmp_path / "run", "-q", "--json")
    assert again.code == 0, again.err
    assert again.json["metrics"]["test"] == read(search.out / "best" / "seed-1" / "metrics.json")["test"]


def test_another_search_in_the_same_directory_is_refused(searched: tuple[Searched, Result, Result]) -> None:
    search, _, _ = searched
    before = (search.out / "tune.json").read_bytes()
    other = search("--set", "warmup=0.2")
    assert (other.code, "holds a search with other settings or rows (training.warmup)" in other.err) == (2, True)
    (search.folder / "validation.csv").open("a", encoding="utf-8").write("one more,food,t9\n")
    changed = search()
    assert (changed.code, "the validation data" in changed.err) == (2, True)
    assert (search.out / "tune.json").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--space", "learning_rat=1:2"], "Did you mean 'learning_rate'?"),
        (["--storage", "nonsense"], "--storage is not the URL of a database"),
        (["--storage", "postgresql://user@host:abc/x"], "--storage is not the URL of a database"),
        (["--storage", "sqlite://"], "names no file, so no other process would see the trials"),
        (["--storage", "sqlite:///:memory:"], "names no file, so no other process would see the trials"),
        (
            ["--set", "streaming=true"],
            "All trials need the same rows, and streaming=true reads",
        ),
        (["--storage", "mysql://user:secret@host/x"], "The driver of the database 'mysql://user:***@host/x'"),
        (["--validation", "none"], "Trials are scored on validation rows, and there are none"),
        (["--time", "soon"], "--time 'soon' is not a time"),
        (["--trials", "0"], "--trials"),
    ],
)
def test_a_wrong_request_leaves_nothing(words: list[str], said: str, bert: Path, tmp_path: Path) -> None:
    train = write_csv(tmp_path / "train.csv", text_rows(40, 1))
    request = ["tune", "classification", "--model", bert, "--train", train, "--columns", "text=text,label=label"]
    result = zoo(*request, *words, "--output", tmp_path / "out")
    assert (result.code, said in result.err) == (2, True), result.err
    assert not (tmp_path / "out").exists()


def test_the_same_settings_are_not_run_again(bert: Path, tmp_path: Path) -> None:
    train = write_csv(tmp_path / "train.csv", text_rows(40, 1))
    request = ["tune", "classification", "--model", bert, "--train", train, "--columns", "text=text,label=label"]
    request += ["--method", "linear-probe", "--space", "pooling=mean,unit-mean", "--trials", "5", "--test", "none"]
    result = zoo(*request, "--output", tmp_path / "out", "--json")
    assert result.code == 0, result.err
    assert len(result.json["trials"]) == 5
    made = {trial["settings"].get("pooling", "default"): trial["score"] for trial in result.json["trials"]}
    run = [number for number in range(5) if (tmp_path / "out" / "trials" / f"{number:04}").exists()]
    assert len(run) == len({"mean", "unit-mean"}), result.err
    repeated = [line for line in result.err.splitlines() if ", as trial " in line]
    assert len(repeated) == 3
    assert all(trial["score"] == made[trial["settings"].get("pooling", "default")] for trial in result.json["trials"])


def test_processes_share_a_study(tmp_path: Path) -> None:
    """No more trials than asked for; what was stopped is tried again first, and counts once."""
    one, two = (Store(tmp_path, None, "s", higher_is_better=True, seed=1) for _ in range(2))
    for store in (one, two):
        store.begin_with({})
    default, other = one.claim(2), two.claim(2)
    assert default is not None
    assert other is not None
    assert (default.is_default, other.is_default) == (True, False)
    other.note(settings={"x": other.optuna.suggest_float("x", 0, 1)})
    assert one.claim(2) is two.claim(2) is None
    two.fail(other, stores.STOPPED)
    again = one.claim(2)
    assert again is not None
    assert again.optuna.suggest_float("x", 0, 1) == other.optuna.params["x"]
    one.finish(default, 0.5)
    one.finish(again, 0.75)
    assert two.claim(2) is None
    assert [(record.state, record.score) for record in two.records() if record.counts] == [
        ("complete", 0.5),
        ("complete", 0.75),
    ]


def test_a_trial_whose_process_died_before_its_first_sign_of_life_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Optuna never calls it stale, and others would wait for it for ever."""
    store = Store(tmp_path, None, "s", higher_is_better=True, seed=1)
    store.begin_with({"x": 0.25})
    for _ in range(2):  # the second time it is one that is tried again already
        with monkeypatch.context() as patch:
            patch.setattr(store._storage, "record_heartbeat", _die)
            with pytest.raises(KeyboardInterrupt):
                store.claim(1)
    again = Store(tmp_path, None, "s", higher_is_better=True, seed=1).claim(1)
    assert again is not None
    assert again.is_default
    assert again.optuna.suggest_float("x", 0, 1) == 0.25
    assert [record.state for record in store.records()] == ["failed", "failed", "running"]
    assert sum(record.counts for record in store.records()) == 1


def _die(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_trial_that_another_process_gave_up_ends_without_an_error(tmp_path: Path) -> None:
    """As after a suspended laptop; its settings are tried again once, not twice."""
    store = Store(tmp_path, None, "s", higher_is_better=True, seed=1)
    store.begin_with({"x": 0.25})
    trial = store.claim(1)
    assert trial is not None
    trial.optuna.suggest_float("x", 0, 1)
    other = Store(tmp_path, None, "s", higher_is_better=True, seed=1)
    other.fail(trial, stores.DIED)
    trial.note(seconds=1.0)
    assert not trial.report(0.5, 1)
    store.fail(trial, stores.STOPPED)
    store.finish(trial, 0.9)
    assert [record.state for record in store.records()] == ["failed", "waiting"]


def test_a_database_that_is_gone_is_a_fault_of_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path, None, "s", higher_is_better=True, seed=1)
    store.begin_with({})

    def gone(*_: object, **__: object) -> None:
        raise optuna.exceptions.StorageInternalError("no answer")

    monkeypatch.setattr(store._study, "get_trials", gone)
    for ask in (store.records, lambda: store.claim(1)):
        with pytest.raises(MachineError, match=r"does not answer: no answer\. When it does, the same command"):
            ask()


def test_what_another_process_has_begun_is_not_removed(tmp_path: Path) -> None:
    """It began while this one read its rows."""
    path = tmp_path / "out"
    path.mkdir()

    def refuse(*, began: bool) -> None:
        with tune._removed_if_refused(path) as ours:
            (path / "tune.json").write_text("{}", encoding="utf-8")
            ours += [path] * began
            raise RequestError("other settings")

    with pytest.raises(RequestError):
        refuse(began=False)
    assert (path / "tune.json").is_file()
    with pytest.raises(RequestError):
        refuse(began=True)
    assert not path.exists()


def test_epochs_that_are_searched_are_what_is_trained(bert: Path, tmp_path: Path) -> None:
    """Also where they are those of the recipe, which has a least number of steps."""
    train = write_csv(tmp_path / "train.csv", text_rows(40, 1))
    rows = DataRequest(train=str(train), columns={"text": "text", "label": "label"})
    resolved = resolve_request(RunRequest("classification", str(bert), rows, {"epochs": 3.0, "min_steps": 100}))
    config = resolved.config
    for epochs in (1.0, 3.0):
        assert applied(config, {"epochs": epochs}).training.min_steps == 0
    assert applied(config, {}).training.min_steps == 100
    trials = Trials(resolved, parse_space({"epochs": [1, 3], "learning_rate": (1e-9, 1.0)}, resolved.entry.spec))
    assert trials.default_params() == {"learning_rate": config.training.learning_rate}


def test_trials_on_rows_that_stay_on_disk(bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKZOO_CACHE", str(tmp_path / "cache"))
    train = write_csv(tmp_path / "train.csv", text_rows(60, 1))
    request = ["tune", "classification", "--model", bert, "--train", train, "--columns", "text=text,label=label"]
    request += ["--method", "linear-probe", "--space", "pooling=mean,unit-mean", "--trials", "3", "--json"]
    results = {}
    for on_disk in ("false", "true"):
        found = zoo(*request, "--set", f"on_disk={on_disk}", "--output", tmp_path / on_disk)
        assert found.code == 0, found.err
        assert ("on disk" in found.err) is (on_disk == "true")
        results[on_disk] = [(trial["settings"], trial["score"]) for trial in found.json["trials"]]
    assert results["true"] == results["false"]
    assert {one[1] for one in results["true"]} != {None}


def found(best: list[float], default: list[float], **more: Any) -> Tuned:
    """A search whose best trial scored 0.8, its runs with other seeds ``best``, and those of the default settings."""
    trials = [
        Record(0, "complete", 0.7, {}, True, 2.0),
        Record(1, "complete", 0.8, {"epochs": 5.0}, False, 3.0),
        Record(2, "failed", None, {"epochs": 9.0}, reason="The loss is not finite."),
        Record(3, "failed", None, {"epochs": 2.0}, reason=stores.DIED),
    ]
    seeds = tuple(range(43, 43 + len(best)))
    reruns: dict[str, Reruns | str] = {
        "best": Reruns(Path("best"), seeds, tuple(best)),
        "default": Reruns(Path("default"), seeds, tuple(default)),
    }
    rows = {"train": 90, "validation": 60, "test": 0}
    made = Tuned(Path("out"), Score("f1"), rows, trials, trials[1], trials[0], {"epochs": "1 to 9"}, reruns)
    return replace(made, **more)


def test_a_gain_within_the_spread_of_seeds_is_no_reason_to_change() -> None:
    small = found([0.74, 0.70, 0.78], [0.72, 0.71, 0.76])
    assert (small.recommended, small.settings) == ("default", {})
    said = " ".join(sentences_of(small, 3))
    assert "3 trials: 2 complete, 1 failed (The loss is not finite (1))." in said
    assert "0.060 of the best trial's score was the luck of being chosen among all" in said
    assert "The gain of 0.010 is within the 0.034 that other seeds change by themselves" in said
    assert "the default settings are recommended" in said
    large = found([0.80, 0.79, 0.81], [0.72, 0.71, 0.73])
    assert (large.recommended, large.settings) == ("best", {"epochs": 5.0})
    assert "The gain of 0.080 is more than the 0.010" in " ".join(sentences_of(large, 3))
    worse = found([0.70, 0.69, 0.71], [0.72, 0.71, 0.73])
    assert worse.recommended == "default"
    assert "That is no gain (-0.020)" in " ".join(sentences_of(worse, 3))


@pytest.mark.parametrize(
    ("spread", "error", "noise", "causes"),
    [
        (0.0, 0.03, 0.030, "other validation rows change"),
        (0.0, 0.001, 0.001, "other validation rows change"),
        (0.006, 0.008, 0.010, "other seeds and other validation rows change"),
        (0.002, 0.0, 0.002, "other seeds change"),
        (0.0, 0.0, 0.0, "other seeds change"),
    ],
)
def test_a_gain_must_exceed_the_error_of_seeds_and_rows(spread: float, error: float, noise: float, causes: str) -> None:
    def scores(mean: float) -> tuple[float, float]:
        return mean + spread / np.sqrt(2), mean - spread / np.sqrt(2)

    best = Reruns(Path("best"), (43, 44), scores(0.7295), rows_error=error)
    default = Reruns(Path("default"), (43, 44), scores(0.72), rows_error=error)
    tuned = found([], [], reruns={"best": best, "default": default})
    assert tuned.noise == pytest.approx(noise)
    assert tuned.recommended == ("best" if noise < 0.0095 else "default")
    within = "is more than" if noise < 0.0095 else "is within"
    assert f"{within} the {noise:.3f} that {causes} by themselves" in " ".join(sentences_of(tuned, 2))


def test_labels_of_test_rows_change_nothing_but_test_scores(bert: Path, tmp_path: Path) -> None:
    def search(name: str, test: list[dict[str, Any]]) -> dict[str, Any]:
        files = [f"--train={write_csv(tmp_path / 'train.csv', text_rows(40, 1))}"]
        files.append(f"--test={write_csv(tmp_path / f'{name}.csv', test)}")
        request = ["tune", "classification", "--model", bert, *files, "--columns", "text=text,label=label"]
        request += ["--method", "linear-probe", "--trials", "2", "--seeds", "2", "--output", tmp_path / name, "--json"]
        result = zoo(*request)
        assert result.code == 0, result.err
        return dict(result.json)

    right = text_rows(40, 2)
    labels = [row["label"] for row in right]
    wrong = [{**row, "label": next(label for label in labels if label != row["label"])} for row in right]
    one, other = search("right", right), search("wrong", wrong)
    tests = [[found["reruns"][name].pop("test") for name in found["reruns"]] for found in (one, other)]
    assert tests[0] != tests[1]
    for found in (one, other):
        for trial in found["trials"]:
            trial.pop("seconds")
    for name in ("recommended", "settings", "gain", "noise", "reruns", "trials"):
        assert one[name] == other[name], name


def test_lower_scores_may_be_better() -> None:
    loss = found([0.20, 0.21], [0.30, 0.31], score=Score("loss", higher_is_better=False))
    assert loss.gain == pytest.approx(0.1)
    assert loss.recommended == "best"


def test_what_could_not_be_run_again_is_not_recommended() -> None:
    late = found([], [], reruns={})
    assert late.recommended == "default"
    assert "The time did not suffice to run it again" in " ".join(sentences_of(late, 3))
    diverged = found([], [], reruns={"best": "Not finite.", "default": Reruns(Path("d"), (1, 2), (0.5, 0.5))})
    assert diverged.recommended == "default"
    assert "With another seed its settings failed (Not finite)" in " ".join(sentences_of(diverged, 3))
    only = found([0.8, 0.81], [], reruns={"best": Reruns(Path("b"), (1, 2), (0.8, 0.81)), "default": "Not finite."})
    assert only.recommended == "best"


def test_a_script_that_every_job_reads_again_is_named(searched, monkeypatch):
    monkeypatch.setattr(multiprocessing.current_process(), "_inheriting", True, raising=False)
    result = searched[0]("--jobs", 2)
    assert result.code == 2
    assert 'put the call under if __name__ == "__main__":' in result.err
