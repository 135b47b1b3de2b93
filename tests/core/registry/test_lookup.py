"""Layers over one another, filters, recipes, and where a model lies."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from pydantic import ValidationError

from taskzoo import registry as public
from taskzoo.errors import DataError, RequestError, UnknownNameError
from taskzoo.registry import catalogue
from taskzoo.registry.catalogue import Catalogue
from taskzoo.registry.discovery import Discovery, Plugin, PluginRecord, discover, installed
from taskzoo.registry.layers import Layer, read_file, read_mapping
from taskzoo.registry.lookup import Registry
from taskzoo.registry.naming import TaskEntry
from taskzoo.spec import Option, TaskSpec


def model(**more):
    return {"hub": "a/b", "family": "bert", "kind": "encoder", "languages": ["en"], **more}


def layer(origin: str = "test", **sections) -> Layer:
    return read_mapping(sections, origin)


def task(name: str, distribution: str = "taskzoo", **more) -> TaskEntry:
    spec = TaskSpec(id=name, contract=2, **more)
    return TaskEntry(name, spec, name, distribution, "1.0")


TASKS = (
    task("ner", options={"scheme": Option("iob2", "", choices=("iob2", "bioes"))}),
    task("sentiment", kinds=("encoder", "decoder")),
    task("translation", kinds=("encoder-decoder", "decoder")),
)


def zoo(*layers: Layer, tasks: Iterable[TaskEntry] = TASKS) -> Registry:
    plugins = [Plugin(PluginRecord(e.plugin, e.distribution, e.version, "ok"), [e]) for e in tasks]
    return Registry(Discovery(plugins), layers)


MODELS = zoo(
    layer(
        models={
            "small": model(parameters=20, license="MIT"),
            "large": model(parameters=200, license="apache-2.0", languages=["en", "zh-cn"]),
            "unsized": model(languages=["zh-Hans"], description="Chinese words"),
            "writer": model(family="gpt2", kind="decoder", languages=["zh"]),
            "translator": model(family="t5", kind="encoder-decoder", languages=["fr"], tuned_for="translation"),
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
        ({}, ["small", "large", "unsized", "writer", "translator"]),
        ({"task": "ner"}, ["small", "large", "unsized", "writer"]),
        ({"task": "taskzoo/sentiment"}, ["small", "large", "unsized", "writer"]),
        ({"task": "sentiment", "kind": "decoder"}, ["writer"]),
        ({"task": "translation"}, ["translator", "writer"]),
        ({"language": "zh"}, ["large", "unsized", "writer"]),
        ({"language": "zh_CN"}, ["large"]),
        ({"language": "Chinese"}, ["large", "unsized", "writer"]),
        ({"language": "中文"}, ["large", "unsized", "writer"]),
        ({"language": "zho"}, ["large", "unsized", "writer"]),
        ({"language": "zh-TW"}, []),
        ({"language": "Swahili"}, []),
        ({"family": "BERT", "language": "zh"}, ["large", "unsized"]),
        ({"kind": "decoder"}, ["writer"]),
        ({"max_params": 20}, ["small"]),
        ({"max_params": "20"}, ["small"]),
        ({"max_params": "0.1k"}, ["small"]),
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
    with pytest.raises(UnknownNameError, match=r"no family of models named 'berts'. Did you mean 'bert'"):
        MODELS.models(family="berts")
    for filtered in (MODELS.models, MODELS.datasets):
        with pytest.raises(UnknownNameError, match=r"no language named 'Chinise'. Did you mean 'Chinese'"):
            filtered(language="Chinise")
        with pytest.raises(RequestError, match="one name or code"):
            filtered(language=["en"])
    with pytest.raises(RequestError, match="'many' is not a number of parameters"):
        MODELS.models(max_params="many")
    for condition, says in (({"license": 3}, "license=3 must be text, such as"), ({"text": ["a"]}, "text=['a'] must")):
        for filtered in (MODELS.models, MODELS.datasets):
            with pytest.raises(RequestError, match=re.escape(says)):
                filtered(**condition)
    with pytest.raises(RequestError, match="family=7 must be text"):
        MODELS.models(family=7)
    with pytest.raises(RequestError, match=r"A model is asked for by its name, not by \['small'\]"):
        MODELS.model(["small"])
    with pytest.raises(RequestError, match="A data set is asked for by its name, not by 3"):
        MODELS.dataset(3)


def test_the_task_of_a_third_party_sees_the_models_that_suit_it():
    mine = task("poetry", "taskzoo-poetry", kinds=("decoder", "encoder"))
    registry = zoo(
        layer(models={"a": model(), "b": model(kind="decoder"), "c": model(kind="encoder-decoder")}), tasks=[mine]
    )
    assert [entry.name for entry in registry.models(task="poetry")] == ["b", "a"]
    assert [entry.name for entry in registry.tasks(model="a")] == ["poetry"]
    assert registry.tasks(registry.model("c")) == []


def test_datasets_and_single_entries():
    assert [entry.name for entry in MODELS.datasets(language="zh")] == ["d"]
    assert [entry.name for entry in MODELS.datasets(task="sentiment")] == ["e"]
    assert MODELS.dataset("d").hub == "a/d"
    assert MODELS.model("small").parameters == 20
    with pytest.raises(UnknownNameError, match="Did you mean 'small'"):
        MODELS.model("smal")
    with pytest.raises(UnknownNameError, match="There is no data set named 'x'"):
        MODELS.dataset("x")


def test_a_later_layer_replaces_whole_entries_where_they_say_so():
    below = layer("below", models={"m": model(parameters=5), "kept": model()}, tasks={"ner": {"default_model": "m"}})
    above = layer(
        "above", models={"m": model(family="roberta", replace=True)}, tasks={"ner": {"default_model": "kept"}}
    )
    merged = Catalogue.from_layers([below, above])
    assert (merged.models["m"].origin, merged.models["m"].family) == ("above", "roberta")
    assert merged.models["m"].parameters is None
    assert merged.models["kept"].origin == "below"
    assert merged.tasks["ner"].default_model == "kept"
    for section, entry in (("models", model()), ("datasets", {"hub": "a/b", "tasks": []})):
        twice = [layer(name, **{section: {"m": entry}}) for name in ("below", "above")]
        with pytest.raises(DataError, match=rf"above: {section}.m: below has a .* 'm'; write `replace: true`"):
            Catalogue.from_layers(twice)


def test_entries_cannot_be_changed_and_say_who_they_are():
    entry, data = MODELS.model("large"), MODELS.dataset("d")
    assert {entry, data, entry} == {entry, data}
    with pytest.raises(ValidationError):
        entry.family = "gpt2"
    with pytest.raises(TypeError, match="cannot be changed"):
        data.columns["text"] = "body"
    assert isinstance(entry.languages, tuple)
    assert copy.deepcopy(data) == pickle.loads(pickle.dumps(data)) == data
    assert repr(entry) == (
        "ModelEntry(name='large', hub='a/b', family='bert', kind='encoder', parameters=200, languages='en zh-cn', "
        "license='apache-2.0', origin='test')"
    )
    many = zoo(layer(models={"m": model(languages=[f"a{n}" for n in range(100)])})).model("m")
    assert len(repr(many)) < 200


def test_lists_are_tables_in_a_notebook():
    found = MODELS.models(max_params=20)
    assert found == [MODELS.model("small")]
    page = found._repr_html_()
    assert "<thead><tr><th>name</th><th>family</th>" in page
    assert "<td>small</td><td>bert</td><td>encoder</td><td>20</td><td>unknown</td><td>en</td><td>MIT</td>" in page
    assert "color: inherit" in page  # light or dark, as the notebook is
    assert "<script" not in page
    assert found.facts()[0]["languages"] == ["en"]
    frame = MODELS.models().to_frame()
    assert frame["name"].tolist() == [entry.name for entry in MODELS.models()]
    assert list(frame.columns) == list(found.facts()[0])
    for entries in (MODELS.tasks(), MODELS.datasets(), MODELS.plugins(), MODELS.recipes("ner"), MODELS.methods()):
        assert entries._repr_html_().startswith("<table style=")
    angled = zoo(layer(models={"m": model(description="<b>", parameters=1)}))
    assert "<td>&lt;b&gt;</td>" in angled.models()._repr_html_()


def test_lists_are_reached_by_name_and_completed():
    found = MODELS.models()
    assert found["large"] is found[found._ipython_key_completions_().index("large")]
    assert found[:2] == [found[0], found[1]]
    with pytest.raises(UnknownNameError, match="Did you mean 'large'"):
        found["lagre"]


def test_models_of_unknown_size_are_never_left_out_in_silence():
    sizes = zoo(layer(models={"a": model(), "b": model(parameters=10), "c": model(parameters=99), "<d>": model()}))
    found = sizes.models(max_params=50)
    assert [entry.name for entry in found] == ["b"]
    assert found.note == "2 models of unknown size are left out (a <d>); unknown_size=True shows them."
    assert found.note in repr(found)
    assert "<caption>2 models of unknown size are left out (a &lt;d&gt;); " in found._repr_html_()
    everything = sizes.models(max_params=50, unknown_size=True)
    assert ([entry.name for entry in everything], everything.note) == (["b", "a", "<d>"], "")
    assert sizes.models().note == ""


def test_filters_by_what_a_model_or_data_set_is():
    encodes, asks = {"sentence_encoder": True}, {"gated": True}
    some = zoo(
        layer(
            models={"a": model(**encodes), "b": model(**asks), "c": model()},
            datasets={
                "x": {"hub": "me/x", "tasks": "ner", **asks},
                "y": {"hub": "me/y", "tasks": "ner", "license": "mit"},
            },
        )
    )
    assert [entry.name for entry in some.models(sentence_encoder=True)] == ["a"]
    assert [entry.name for entry in some.models(sentence_encoder=False, gated=False)] == ["c"]
    assert [entry.name for entry in some.models(gated=True)] == ["b"]
    assert [entry.name for entry in some.datasets(gated=False)] == ["y"]
    assert [entry.name for entry in some.datasets(license="MIT")] == ["y"]
    assert [entry.name for entry in some.datasets(text="me/x")] == ["x"]


# Recipes


def recipe(match, **values):
    return {"tasks": "ner", "match": match, "set": values}


RECIPES = layer(
    "built in",
    models={"mine": model(), "other": model(kind="decoder")},
    recipes=[
        recipe({"model": "mine"}, epochs=1),
        recipe({"family": "bert"}, epochs=2, batch_size=2),
        recipe({"kind": "encoder", "method": "lora"}, warmup=3),
        recipe({"kind": "encoder"}, batch_size=4, warmup=4),
        recipe({}, epochs=5, batch_size=5, warmup=5, scheme="bioes"),
        {"tasks": ["sentiment", "translation"], "set": {"epochs": 6}, "version": 3},
    ],
)


def test_recipes_go_from_general_to_specific():
    registry = zoo(RECIPES)
    general = {"epochs": 5, "batch_size": 5, "warmup": 5, "scheme": "bioes"}
    assert registry.recipe("ner").values == general
    resolved = registry.recipe("ner", registry.model("mine"))
    assert resolved.values == {"epochs": 1, "batch_size": 2, "warmup": 4, "scheme": "bioes"}
    assert resolved.sources == [
        "built in: ner (version 1)",
        "built in: ner kind=encoder (version 1)",
        "built in: ner family=bert (version 1)",
        "built in: ner model=mine (version 1)",
    ]
    assert registry.recipe("ner", "mine") == resolved
    assert registry.recipe("ner", registry.model("mine"), method="lora").values["warmup"] == 3
    other = {"epochs": 2, "batch_size": 2, "warmup": 5, "scheme": "bioes"}
    assert registry.recipe("ner", registry.model("other")).values == other
    assert registry.recipe("ner", "bert", kind="encoder").values == {**other, "warmup": 4}
    assert registry.recipe("ner", "", kind="").values == general


def test_recipes_go_by_size_where_the_size_is_known():
    small, large = {"max_parameters": 40}, {"min_parameters": 300}
    registry = zoo(
        layer(
            "built in",
            recipes=[
                recipe({"method": "lora"}, epochs=4),
                recipe(small, epochs=1),
                recipe(large, epochs=2),
                recipe({}, epochs=3),
            ],
        )
    )
    sizes = {40: 1, 41: 3, 299: 3, 300: 2, None: 3}
    assert {size: registry.recipe("ner", "bert", parameters=size).values["epochs"] for size in sizes} == sizes
    assert registry.recipe("ner", "bert", method="lora", parameters=40).values["epochs"] == 4


def test_a_recipe_may_be_for_several_tasks_and_has_a_version():
    for name in ("sentiment", "translation"):
        assert zoo(RECIPES).recipe(name).values == {"epochs": 6}
        assert zoo(RECIPES).recipe(name).sources == ["built in: sentiment, translation (version 3)"]


def test_a_recipe_of_a_later_layer_wins_whatever_it_matches():
    resolved = zoo(RECIPES, layer("mine", recipes=[recipe({}, epochs=9)])).recipe("ner", "mine")
    assert resolved.values["epochs"] == 9
    assert resolved.sources[-1] == "mine: ner (version 1)"


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ({"shceme": "iob2"}, "recipes.0.set: There is no setting of ner named 'shceme'. Did you mean 'scheme'"),
        ({"scheme": "x"}, "recipes.0.set: scheme='x' is not one of iob2, bioes"),
    ],
)
def test_a_recipe_that_its_task_cannot_take_is_refused_when_it_is_read(setting, says):
    with pytest.raises(DataError, match=says):
        zoo(layer(recipes=[recipe({}, **setting)])).models()
    unknown = layer(recipes=[{"tasks": "not_installed", "set": setting}])
    assert zoo(unknown).models() == []


def test_the_default_model_is_the_tasks_own_unless_a_catalogue_says_otherwise():
    tasks = [
        task("ner", default_model="small", demo_model="scratch:bert-tiny"),
        task("bare"),
        task("one", default_model="a"),
    ]
    registry = zoo(tasks=tasks)
    assert (registry.default_model("ner"), registry.default_model("ner", demo=True)) == ("small", "scratch:bert-tiny")
    assert (registry.default_model("bare"), registry.default_model("bare", demo=True)) == (None, None)
    assert registry.default_model("one", demo=True) == "a"
    mine = layer(tasks={"ner": {"default_model": "mine"}, "taskzoo/bare": {"demo_model": "tiny"}})
    registry = zoo(mine, tasks=tasks)
    assert (registry.default_model("ner"), registry.default_model("ner", demo=True)) == ("mine", "scratch:bert-tiny")
    assert (registry.default_model("bare"), registry.default_model("bare", demo=True)) == (None, "tiny")


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
    assert registry.is_available("packaged")
    with pytest.raises(UnknownNameError, match="Did you mean 'packaged'"):
        registry.is_available("package")
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


MINE = "models: {NAME: {hub: a/b, family: bert, kind: encoder, languages: [en], replace: true}}\n"


@pytest.fixture
def folders(tmp_path, monkeypatch) -> tuple[Path, Path]:
    """An empty configuration folder and an empty working directory."""
    user, work = tmp_path / "user", tmp_path / "work"
    user.mkdir()
    work.mkdir()
    monkeypatch.setenv("ZOO_CONFIG_DIR", str(user))
    monkeypatch.delenv("TASKZOO_REGISTRY", raising=False)
    monkeypatch.chdir(work)
    return user, work


def test_built_in_then_plugins_then_user_then_the_file_that_is_named(folders, monkeypatch):
    user, work = folders
    plugin = Plugin(PluginRecord("p", "taskzoo-p", "1", "ok"))
    plugin.catalogues.append({"models": {n: model(replace=True) for n in ("minilm", "u", "p", "w")}})
    fresh = Registry(Discovery([plugin]))
    assert fresh.model("bert-base").origin == "built in"
    assert fresh.model("minilm").origin == "plugin p"
    (user / "registry.yaml").write_text(MINE.replace("NAME", "u"))
    (work / "mine.yaml").write_text(MINE.replace("NAME", "w"))
    assert fresh.model("u").origin == "plugin p"  # cached
    fresh.refresh()
    assert fresh.model("u").origin == str(user / "registry.yaml")
    assert fresh.model("w").origin == "plugin p"
    monkeypatch.setenv("TASKZOO_REGISTRY", "mine.yaml")
    fresh.refresh()
    assert fresh.model("w").origin == str(work / "mine.yaml")
    assert fresh.model("p").origin == "plugin p"
    monkeypatch.setenv("TASKZOO_REGISTRY", "gone.yaml")
    fresh.refresh()
    with pytest.raises(DataError, match=r"gone\.yaml: this catalogue cannot be read"):
        fresh.models()


def test_the_built_in_file_may_be_named(folders, monkeypatch):
    monkeypatch.setenv("TASKZOO_REGISTRY", str(catalogue.built_in_file()))
    assert {entry.origin for entry in Registry(Discovery()).models()} == {"built in"}


def test_the_working_directory_changes_nothing(folders):
    (folders[1] / "registry.yaml").write_text("apiVersion: v1\n")
    assert {entry.origin for entry in Registry(Discovery()).models()} == {"built in"}


def test_a_user_replaces_an_entry_only_where_the_file_says_so(folders):
    (folders[0] / "registry.yaml").write_text(MINE.replace("NAME", "minilm").replace(", replace: true", ""))
    broken = Registry(Discovery())
    for _ in range(2):  # the second time is no different
        with pytest.raises(DataError, match=r"yaml:1: models.minilm: the built-in catalogue has a .*`replace: true`"):
            broken.models()


def test_a_broken_layer_of_the_user_is_one_line_with_exit_code_2(folders):
    (folders[0] / "registry.yaml").write_text("version: 2\nmodles: {}\n")
    with pytest.raises(DataError, match=r"registry\.yaml:2: there is no key 'modles'; did you mean 'models'") as caught:
        Registry(Discovery()).models()
    assert caught.value.exit_code == 2
    assert Registry(Discovery()).plugins() == []


def test_the_built_in_catalogue_is_sound():
    own = [candidate for candidate in installed() if candidate.distribution == "taskzoo"]
    registry = Registry(discover(own, ()), [read_file(catalogue.built_in_file(), "built in")])
    assert {record.reason for record in registry.plugins()} == {""}
    names = {entry.name for entry in registry.models()}
    tasks = registry.tasks()
    for task in tasks:
        assert registry.default_model(task) in names
        assert str(registry.default_model(task, demo=True)).startswith(("minilm", "scratch:"))
        assert registry.recipes(task)
        assert registry.models(task=task)
        assert registry.datasets(task=task)
        for recipe in registry.recipes(task):
            assert recipe.match.model is None or recipe.match.model in names
            assert recipe.match.method is None or registry.method(recipe.match.method)
    for tuned in registry.models():
        assert set(tuned.tuned_for) <= {task.name for task in tasks}


def test_every_entry_of_the_built_in_catalogue_has_a_place_and_a_source():
    built_in = read_file(catalogue.built_in_file(), "built in").content
    models, datasets = built_in.models.values(), built_in.datasets.values()
    assert len(models) >= 70
    assert len(datasets) >= 40
    assert len({entry.hub for entry in models}) == len(models)
    assert len({(entry.hub, entry.config) for entry in datasets}) == len(datasets)
    for entry in (*models, *datasets):
        assert entry.source, entry.name
        assert entry.description, entry.name
    for entry in models:
        assert all(result.task in public.tasks()._ipython_key_completions_() for result in entry.results)
    speaks = {language for entry in models if entry.sentence_encoder for language in entry.languages}
    assert {"en", "zh", "sw"} <= speaks


def test_the_page_says_how_much_is_unknown():
    built_in = read_file(catalogue.built_in_file(), "built in").content
    models, datasets = built_in.models.values(), built_in.datasets.values()

    def without(fact: str) -> int:
        return sum(getattr(entry, fact) is None for entry in models)

    page = " ".join((Path(__file__).parents[3] / "docs" / "catalogue.md").read_text(encoding="utf-8").split())
    unlicensed, unsized = (sum(not getattr(entry, fact) for entry in datasets) for fact in ("license", "sizes"))
    assert (
        f"Of {len(models)} models, {without('parameters')} have no number of parameters, {without('context_length')} "
        f"no context length (7 of these are T5 or of its family) and {without('license')} no licence; of "
        f"{len(datasets)} data sets, {unlicensed} have no licence and {unsized} no sizes."
    ) in page


def test_data_sets_name_columns_that_their_tasks_have():
    for entry in public.datasets():
        for name in entry.tasks:
            assert set(entry.columns) <= set(public.task(name).columns)


def test_everything_public_can_be_reached():
    for name in public.__all__:
        assert getattr(public, name) is not None
    assert set(public.__all__) <= set(dir(public))
    with pytest.raises(AttributeError):
        public.nothing  # noqa: B018
