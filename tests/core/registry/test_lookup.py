"""Layers over one another, filters, recipes, and where a model lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskzoo import registry as public
from taskzoo.errors import DataError, RequestError, UnknownNameError
from taskzoo.registry import catalogue
from taskzoo.registry.discovery import Discovery
from taskzoo.registry.layers import Layer, read_file, read_mapping
from taskzoo.registry.lookup import Registry


def model(**more):
    return {"hub": "a/b", "family": "bert", "kind": "encoder", "tasks": ["ner"], "languages": ["en"], **more}


def layer(origin: str = "test", **sections) -> Layer:
    return read_mapping(sections, origin)


def zoo(*layers: Layer) -> Registry:
    return Registry(Discovery(), layers)


MODELS = zoo(
    layer(
        models={
            "small": model(parameters=20, license="MIT"),
            "large": model(parameters=200, license="apache-2.0", languages=["en", "zh-cn"]),
            "unsized": model(languages=["zh-Hans"], description="Chinese words"),
            "writer": model(family="gpt2", kind="decoder", tasks=["summarization"], languages=["zh"]),
        },
        datasets={
            "d": {"hub": "a/d", "tasks": ["ner"], "languages": ["zh"]},
            "e": {"path": "d", "tasks": ["sentiment"], "languages": ["en"]},
        },
    )
)


@pytest.mark.parametrize(
    ("conditions", "names"),
    [
        ({}, ["small", "large", "unsized", "writer"]),
        ({"task": "ner"}, ["small", "large", "unsized"]),
        ({"task": "sentiment"}, []),
        ({"language": "zh"}, ["large", "unsized", "writer"]),
        ({"language": "zh_CN"}, ["large"]),
        ({"language": "z"}, []),
        ({"family": "BERT", "language": "zh"}, ["large", "unsized"]),
        ({"kind": "decoder"}, ["writer"]),
        ({"max_params": 20}, ["small"]),
        ({"max_params": 10**9}, ["small", "large"]),
        ({"license": "mit"}, ["small"]),
        ({"text": "WORDS"}, ["unsized"]),
        ({"text": "write"}, ["writer"]),
    ],
)
def test_filters(conditions, names):
    assert [entry.name for entry in MODELS.models(**conditions)] == names


def test_filters_refuse_what_does_not_exist():
    with pytest.raises(UnknownNameError, match="Did you mean 'ner'"):
        MODELS.models(task="nerr")
    with pytest.raises(UnknownNameError, match="no task named 'zzz'"):
        MODELS.datasets(task="zzz")
    with pytest.raises(RequestError, match="encoder, decoder, encoder-decoder"):
        MODELS.models(kind="coder")


def test_datasets_and_single_entries():
    assert [entry.name for entry in MODELS.datasets(language="zh")] == ["d"]
    assert [entry.name for entry in MODELS.datasets(task="sentiment")] == ["e"]
    assert MODELS.dataset("d").hub == "a/d"
    assert MODELS.model("small").parameters == 20
    with pytest.raises(UnknownNameError, match="Did you mean 'small'"):
        MODELS.model("smal")
    with pytest.raises(UnknownNameError, match="There is no dataset named 'x'"):
        MODELS.dataset("x")


def test_a_later_layer_replaces_whole_entries():
    below = layer("below", models={"m": model(parameters=5), "kept": model()}, tasks={"ner": {"default_model": "m"}})
    above = layer("above", models={"m": model(family="roberta")}, tasks={"ner": {"default_model": "kept"}})
    merged = zoo(below, above)
    assert (merged.model("m").origin, merged.model("m").family, merged.model("m").parameters) == (
        "above",
        "roberta",
        None,
    )
    assert merged.model("kept").origin == "below"
    assert catalogue.Catalogue.from_layers([below, above]).tasks["ner"].default_model == "kept"


def recipe(match, **values):
    return {"task": "ner", "match": match, "set": values}


RECIPES = layer(
    "built in",
    models={"mine": model(), "other": model(kind="decoder")},
    recipes=[
        recipe({"model": "mine"}, a="model"),
        recipe({"family": "bert"}, a="family", b="family"),
        recipe({"kind": "encoder", "method": "lora"}, c="lora"),
        recipe({"kind": "encoder"}, b="kind", c="kind"),
        recipe({}, a="task", b="task", c="task", d="task"),
        {"task": "sentiment", "set": {"a": "sentiment"}},
    ],
)


def test_recipes_go_from_general_to_specific():
    registry = zoo(RECIPES)
    assert registry.recipe("ner").values == dict.fromkeys("abcd", "task")
    resolved = registry.recipe("ner", registry.model("mine"))
    assert resolved.values == {"a": "model", "b": "family", "c": "kind", "d": "task"}
    assert resolved.sources == [
        "built in: ner",
        "built in: ner kind=encoder",
        "built in: ner family=bert",
        "built in: ner model=mine",
    ]
    assert registry.recipe("ner", "mine") == resolved
    assert registry.recipe("ner", registry.model("mine"), method="lora").values["c"] == "lora"
    assert registry.recipe("ner", registry.model("other")).values == {
        "a": "family",
        "b": "family",
        "c": "task",
        "d": "task",
    }
    assert registry.recipe("ner", "bert", kind="encoder").values == {
        "a": "family",
        "b": "family",
        "c": "kind",
        "d": "task",
    }
    assert registry.recipe("ner", "", kind="").values == dict.fromkeys("abcd", "task")
    assert registry.recipe("unknown", "bert").values == {}


def test_a_recipe_of_a_later_layer_wins_whatever_it_matches():
    resolved = zoo(RECIPES, layer("mine", recipes=[recipe({}, a="user")])).recipe("ner", "mine")
    assert resolved.values["a"] == "user"
    assert resolved.sources[-1] == "mine: ner"


# Where files lie


def test_a_model_is_available_by_its_path_or_its_package(tmp_path, monkeypatch):
    (tmp_path / "weights").mkdir()
    info = tmp_path / "a_dist-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: a-dist\nVersion: 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry = zoo(
        layer(
            models={
                "here": model(path=str(tmp_path / "weights")),
                "gone": model(path="/no/such/folder"),
                "packaged": model(package={"distribution": "a-dist", "path": "weights"}),
                "incomplete": model(package={"distribution": "a-dist", "path": "elsewhere"}),
                "uninstalled": model(package={"distribution": "no-such-dist", "path": "weights"}),
                "hub": model(),
            }
        )
    )
    paths = {entry.name: registry.model_path(entry) for entry in registry.models()}
    assert {name for name, path in paths.items() if path} == {"here", "packaged"}
    assert paths["packaged"] == tmp_path / "weights"
    assert [entry.name for entry in registry.models() if registry.is_available(entry)] == ["here", "packaged"]


def test_a_package_installed_in_editable_mode_is_found_through_its_import_name(tmp_path, monkeypatch):
    (tmp_path / "site" / "b_dist-1.dist-info").mkdir(parents=True)
    (tmp_path / "site" / "b_dist-1.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: b-dist\nVersion: 1\n"
    )
    (tmp_path / "src" / "b_weights_pkg" / "model").mkdir(parents=True)
    (tmp_path / "src" / "b_weights_pkg" / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.syspath_prepend(str(tmp_path / "src"))
    registry = zoo(layer(models={"m": model(package={"distribution": "b-dist", "path": "b_weights_pkg/model"})}))
    assert registry.model_path(registry.model("m")) == tmp_path / "src" / "b_weights_pkg" / "model"


# The layers of this machine


MINE = "models: {NAME: {hub: a/b, family: bert, kind: encoder, tasks: [ner], languages: [en]}}\n"


@pytest.fixture
def folders(tmp_path, monkeypatch) -> tuple[Path, Path]:
    """An empty configuration folder and an empty working directory."""
    user, work = tmp_path / "user", tmp_path / "work"
    user.mkdir()
    work.mkdir()
    monkeypatch.setenv("ZOO_CONFIG_DIR", str(user))
    monkeypatch.chdir(work)
    return user, work


def test_built_in_then_plugins_then_user_then_working_directory(folders):
    user, work = folders
    fresh = Registry(Discovery(layers=(layer("plugin p", models={n: model() for n in ("minilm", "u", "p", "w")}),)))
    assert fresh.model("bert-base").origin == "built in"
    assert fresh.model("minilm").origin == "plugin p"
    (user / "registry.yaml").write_text(MINE.replace("NAME", "u"))
    (work / "registry.yaml").write_text(MINE.replace("NAME", "w"))
    assert fresh.model("u").origin == "plugin p"  # cached
    fresh.refresh()
    assert fresh.model("u").origin == str(user / "registry.yaml")
    assert fresh.model("w").origin == str(work / "registry.yaml")
    assert fresh.model("p").origin == "plugin p"


def test_the_working_directory_may_be_the_checkout_itself(folders, monkeypatch):
    monkeypatch.chdir(catalogue.built_in_file().parent)
    assert {entry.origin for entry in Registry(Discovery()).models()} == {"built in"}


def test_a_broken_layer_of_the_user_is_one_line_with_exit_code_2(folders):
    (folders[1] / "registry.yaml").write_text("version: 1\nmodles: {}\n")
    with pytest.raises(DataError, match=r"registry\.yaml:2: there is no key 'modles'; did you mean 'models'") as caught:
        Registry(Discovery()).models()
    assert caught.value.exit_code == 2


def test_the_built_in_catalogue_is_sound():
    layers = [read_file(catalogue.built_in_file(), "built in")]
    built_in = Registry(Discovery(), layers)
    names = {entry.name for entry in built_in.models()}
    content = catalogue.Catalogue.from_layers(layers)
    for task, defaults in content.tasks.items():
        assert defaults.default_model in names
        assert built_in.models(task=task)
    for entry in content.recipes:
        assert entry.task in content.tasks
        assert entry.match.model is None or entry.match.model in names


def test_everything_public_can_be_reached():
    for name in public.__all__:
        assert getattr(public, name) is not None
    assert set(public.__all__) <= set(dir(public))
    with pytest.raises(AttributeError):
        public.nothing  # noqa: B018
