"""A pushed run is whole, has a card that the hub reads, and holds nothing private; loaded, it predicts the same."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard
from tests.core.runs.kit import read, zoo

import taskzoo
from taskzoo.errors import RequestError
from taskzoo.hub.push import plan_push, push
from taskzoo.models.refs import resolve_model
from taskzoo.runs.card import _use as use_of
from taskzoo.runs.directory import RunDirectory
from taskzoo.runs.manifest import _source as source_of

from .stand_in import Hub, Repository

NAME = "ada/name-finder"
TEXTS = ["Ada went to Oslo .", "nothing happened ."]
STAYS = ("config.yaml", "predictions.jsonl", "history.jsonl", "data", "checkpoints")


@pytest.fixture(scope="module")
def run(memorised: Callable[..., Any]) -> Path:
    """A finished ``ner`` run, with training rows in its folder. Nobody may change it."""
    path: Path = memorised().path
    assert (path / "data" / "train.jsonl").is_file()
    return path


@pytest.fixture
def copied(run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run, tmp_path / "home" / "grace" / "run"))


def test_a_dry_run_shows_what_would_go_and_asks_nobody(hub: Hub, run: Path) -> None:
    result = zoo("push", run, NAME, "--dry-run")
    assert result.code == 0, result.err
    assert hub.asked == []
    shown = [line.split()[0] for line in result.out.partition("FILE")[2].splitlines()[1:] if line.strip()]
    listed = shown[: shown.index("README.md") + 1]
    assert {"config.json", "model.safetensors", "task.json", "tokenizer.json", "metrics.json"} <= set(listed)
    assert not [name for name in listed if name.startswith(STAYS)]
    assert f"zoo predict {NAME}" in result.out


def test_pushed_and_loaded_again_it_predicts_the_same(hub: Hub, run: Path, tmp_path: Path) -> None:
    result = zoo("push", run, NAME)
    assert result.code == 0, result.err
    assert result.out.startswith(f"{hub.endpoint}/{NAME}/commit/")
    pushed = hub.repositories[NAME]
    assert not pushed.private
    for file in (run / "model").iterdir():
        assert pushed.files[file.name] == file.read_bytes(), file.name
    assert pushed.files["model.safetensors"] in hub.large.values()
    assert json.loads(pushed.files["metrics.json"]) == read(run / "metrics.json")
    assert not [name for name in pushed.files if name.startswith(STAYS)]

    loaded, expected = taskzoo.load(NAME), taskzoo.load(run).predict(TEXTS)
    assert loaded.predict(TEXTS) == expected
    assert loaded.metrics == read(run / "metrics.json")
    assert loaded.manifest["task"]["name"] == "taskzoo/ner"
    result = zoo("predict", f"{NAME}@{pushed.sha}", *TEXTS)
    assert [json.loads(line) for line in result.out.splitlines()] == expected
    rows = "".join(f"{word}\tO\n" for word in TEXTS[1].split())
    (tmp_path / "test.conll").write_text(rows, encoding="utf-8")
    result = zoo("eval", NAME, "--data", tmp_path / "test.conll", "--json")
    assert result.json["rows"] == 1, result.err
    before = len(hub.asked)
    taskzoo.load(NAME)
    again = hub.asked[before:]
    assert not [asked for asked in again if asked.startswith("GET") and "resolve" in asked]  # it is in the cache


def test_the_card_has_what_the_hub_reads_and_nothing_of_this_machine(hub: Hub, copied: Path) -> None:
    planned = plan_push(copied, NAME, licence="mit")
    card = ModelCard(planned.card)
    assert (card.data.license, card.data.pipeline_tag, card.data.model_name) == (
        "mit",
        "token-classification",
        "name-finder",
    )
    assert card.data.tags == ["task-zoo", "ner"]
    scores = read(copied / "metrics.json")["test"]
    found = {result.metric_type: result.metric_value for result in card.data.eval_results}
    assert found["f1"] == scores["f1"]
    assert found.keys() <= scores.keys()
    assert "loss" not in found
    assert {result.dataset_split for result in card.data.eval_results} == {"test"}
    text = planned.card
    assert f'taskzoo.load("{NAME}")' in text
    assert 'folder = "name-finder"' in text  # the lines for plain transformers
    assert "config.yaml" not in text
    for name, content in planned.contents.files.items():
        if not name.endswith(("safetensors", "tokenizer.json")):
            content = content.decode() if isinstance(content, bytes) else content.read_text(encoding="utf-8")
            assert str(copied.parent) not in content, name
            assert "grace" not in content, name
            assert str(Path.home()) + "/" not in content, name


def change_manifest(run: Path, section: str, **values: object) -> None:
    manifest = read(run / "manifest.json")
    manifest[section] = {**manifest[section], **values}
    (run / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def test_a_catalogue_model_and_data_bring_their_licences(hub: Hub, copied: Path) -> None:
    change_manifest(copied, "model", name="minilm", source="catalogue", location="minilm")
    (copied / "config.yaml").write_text("data:\n  name: demo\n", encoding="utf-8")
    planned = plan_push(copied, NAME)
    data = ModelCard(planned.card).data
    entry = next(entry for entry in taskzoo.registry.models() if entry.name == "minilm")
    assert (data.base_model, data.license) == (entry.hub, entry.license)
    assert f"- base model: `{entry.hub}` ({entry.license})" in planned.card
    assert "the demo set that comes with Task Zoo` (apache-2.0)" in planned.card


HUB_ID, COMMIT = "FacebookAI/roberta-base", "e2da8e2f811d1448a5b465c236feacd80ffbac7b"


@pytest.mark.parametrize(
    ("facts", "known"),
    [
        ({"name": "roberta-base", "source": "catalogue", "location": HUB_ID, "revision": COMMIT}, (HUB_ID, "mit")),
        ({"name": HUB_ID, "source": "hub", "location": HUB_ID, "revision": COMMIT}, (HUB_ID, "mit")),
        ({"name": HUB_ID, "source": "hub", "location": HUB_ID, "revision": None}, (HUB_ID, "mit")),
        ({"name": "ada/bert", "source": "hub", "location": "ada/bert", "revision": COMMIT}, ("ada/bert", None)),
        ({"name": "roberta-base", "source": "folder", "location": "roberta-base", "revision": None}, (None, None)),
        ({"name": HUB_ID, "source": "folder", "location": HUB_ID, "revision": None}, (None, None)),
        ({"name": "minilm", "source": "folder", "location": "models/minilm", "revision": None}, (None, None)),
        # of earlier versions
        ({"name": "roberta-base", "location": HUB_ID, "revision": COMMIT}, (HUB_ID, "mit")),
        ({"name": "roberta-base", "location": "roberta-base", "revision": None}, (None, None)),
    ],
)
def test_only_a_name_of_the_catalogue_or_the_hub_has_an_id_and_a_licence(
    copied: Path, facts: dict[str, Any], known: tuple[str | None, str | None]
) -> None:
    manifest = read(copied / "manifest.json")
    assert manifest["model"].pop("source") == "folder", "the tiny model of the tests"
    manifest["model"] |= facts
    (copied / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    planned = plan_push(copied, NAME)
    data = ModelCard(planned.card).data
    assert (data.base_model, data.license) == known
    licence = known[1] or "licence unknown, ask who made it"
    assert f"- base model: `{known[0] or facts['name']}` ({licence})" in planned.card


def test_a_run_says_what_the_name_of_its_model_is(tiny_checkpoint: Callable[..., Path]) -> None:
    folder = str(tiny_checkpoint("bert"))
    names = {"minilm": "catalogue", "ada/bert": "hub", folder: "folder", "scratch:bert-tiny": "scratch"}
    assert {name: source_of(resolve_model(name)) for name in names} == names
    made = dataclasses.replace(resolve_model("scratch:bert-tiny"), location=folder)
    assert source_of(made) == "scratch"


def test_the_demo_set_of_a_plugin_is_its_own(copied: Path) -> None:
    (copied / "config.yaml").write_text("data:\n  name: demo/zh\n", encoding="utf-8")
    assert "the demo set that comes with Task Zoo` (apache-2.0)" in plan_push(copied, NAME).card
    change_manifest(copied, "task", distribution="taskzoo-coin")
    card = plan_push(copied, NAME).card
    assert "- data: `the demo set of taskzoo-coin` (licence unknown, ask who made it)" in card
    assert "comes with Task Zoo" not in card


def test_the_cards_of_a_plugins_run_install_the_plugin(copied: Path) -> None:
    own = plan_push(copied, NAME).card
    assert f'```bash\npip install taskzoo\nzoo predict {NAME} "some text"\n```' in own
    assert "plugin" not in own
    assert use_of(RunDirectory(copied), read(copied / "manifest.json")["task"]) == [
        '```bash\nzoo predict run "some text"\n```'
    ]
    needed = "The task comes with the plugin `taskzoo-coin`, which must be installed."
    for version, named in (("0.1.0", "taskzoo-coin==0.1.0"), ("", "taskzoo-coin")):
        change_manifest(copied, "task", distribution="taskzoo-coin", version=version)
        install = f"```bash\npip install taskzoo {named}\nzoo predict"
        assert f'{needed}\n\n{install} {NAME} "some text"\n```' in plan_push(copied, NAME).card
        use = use_of(RunDirectory(copied), read(copied / "manifest.json")["task"])
        assert use == [needed, f'{install} run "some text"\n```']


def test_paths_in_settings_lose_their_folders_and_those_in_texts_are_refused(hub: Hub, copied: Path) -> None:
    config = read(copied / "model" / "config.json")
    (copied / "model" / "config.json").write_text(
        json.dumps({**config, "_name_or_path": str(copied.parent / "bert")}), encoding="utf-8"
    )
    planned = plan_push(copied, NAME)
    content = planned.contents.files["config.json"]
    assert isinstance(content, bytes)
    assert json.loads(content)["_name_or_path"] == "bert"
    card = (copied / "README.md").read_text(encoding="utf-8")
    changed = card.replace("## Data", "## Data\n\nCollected by /home/grace.")
    (copied / "README.md").write_text(changed, encoding="utf-8")
    result = zoo("push", copied, NAME, "--dry-run")
    assert (result.code, result.out) == (2, "")
    assert "README.md would publish the path '/home/grace' of this machine" in result.err


def test_private_is_private(hub: Hub, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    push(plan_push(run, NAME), private=True)
    assert hub.repositories[NAME].private
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(RequestError, match="no model of that name that you may see"):
        taskzoo.load(NAME)


def test_pushed_again_the_repository_is_the_run_and_no_more(hub: Hub, run: Path) -> None:
    planned = plan_push(run, NAME)
    push(planned)
    hub.repositories[NAME].files |= {"model-00001-of-00002.safetensors": b"old", "metrics.json": b"{}"}
    push(planned)
    assert hub.repositories[NAME].files.keys() == {*planned.contents.files, ".gitattributes"}
    assert json.loads(hub.repositories[NAME].files["metrics.json"]) == read(run / "metrics.json")


def refused(*arguments: object) -> str:
    result = zoo("push", *arguments)
    assert (result.code, result.out) == (2, ""), result.err
    line = result.err.splitlines()[-1]
    assert line.startswith("zoo: ")
    assert len(line) <= 505
    return line


def test_what_is_refused(hub: Hub, run: Path, copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "it has the form USER/NAME" in refused(run, "name-finder")
    assert "names a revision" in refused(run, f"{NAME}@main")
    assert "There is no run at" in refused("nowhere", NAME)
    hub.repositories["ada/poems"] = Repository(files={"config.json": b"{}", "poems.txt": b""})
    assert "holds something else than a run" in refused(run, "ada/poems")
    hub.repositories["ada/empty"] = Repository(files={"README.md": b"soon"})
    assert "'ada/empty' is public" in refused(run, "ada/empty", "--private")
    assert "the hub does not let you write there" in refused(run, "bob/model")
    monkeypatch.setenv("HF_TOKEN", "wrong")
    assert "the hub does not let you write there; run `hf auth login`" in refused(run, "ada/other")
    assert "ada/other" not in hub.repositories
    weights = copied / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    assert "weights are not those that the run saved" in refused(copied, NAME)
    manifest = read(copied / "manifest.json")
    (copied / "manifest.json").write_text(json.dumps({**manifest, "status": "failed"}), encoding="utf-8")
    assert "is not finished" in refused(copied, NAME)


def test_what_is_no_run_on_the_hub(hub: Hub, run: Path) -> None:
    hub.repositories["ada/bert"] = Repository(files={"config.json": b"{}"})
    with pytest.raises(RequestError, match=r"'ada/bert' on the hub is not a run of Task Zoo: it has no task\.json"):
        taskzoo.load("ada/bert")
    with pytest.raises(RequestError, match="no model of that name"):
        taskzoo.load("ada/nothing")
    saved = read(run / "model" / "task.json")
    local = {**saved, "task": {**saved["task"], "distribution": None, "name": "/tmp/evil.py:Task"}}
    hub.repositories["ada/local"] = Repository(files={"task.json": json.dumps(local).encode()})
    with pytest.raises(RequestError, match="is no package, so it cannot be found here"):
        taskzoo.load("ada/local")


def test_a_folder_goes_before_a_name_on_the_hub(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    with pytest.raises(RequestError, match=r"^There is no run at 'runs/ner'\.$"):
        taskzoo.load("runs/ner")
    assert hub.asked == []


def test_a_run_whose_download_was_exchanged_is_refused(hub: Hub, run: Path) -> None:
    push(plan_push(run, NAME))
    weights = hub.repositories[NAME].files["model.safetensors"]
    hub.repositories[NAME].files["model.safetensors"] = weights[:-1] + bytes([weights[-1] ^ 1])
    with pytest.raises(RequestError, match="weights are not those that the run saved"):
        taskzoo.load(NAME)
