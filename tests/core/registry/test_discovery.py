"""Plugins are found in isolation: what one does wrong is on its record and nowhere else."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from taskzoo.errors import PluginError, RequestError, UnknownNameError
from taskzoo.registry.discovery import Candidate, discover
from taskzoo.registry.hookspecs import hookimpl
from taskzoo.registry.lookup import Registry
from taskzoo.task import CONTRACT_VERSION, Option, TaskSpec


def plugin(*ids: str, distribution: str = "taskzoo-x", name: str = "x", **more: Any) -> Candidate:
    """A plugin that registers ``ids`` and has the further members ``more``."""
    module = ModuleType(f"fake_{name}")

    @hookimpl
    def taskzoo_register_tasks(register):
        for task_id in ids:
            register(task_id if isinstance(task_id, TaskSpec) else TaskSpec(task_id, "nowhere.task:Task"))

    module.taskzoo_register_tasks = taskzoo_register_tasks
    for key, value in more.items():
        setattr(module, key, value)
    return Candidate(name, distribution, "1.0", lambda: module)


def raising(error: BaseException, name: str = "bad", distribution: str = "taskzoo-bad") -> Candidate:
    def load() -> object:
        raise error

    return Candidate(name, distribution, "1.0", load)


NER = plugin("ner", distribution="taskzoo", name="ner")


def records(*candidates: Candidate, disabled: tuple[str, ...] = ()) -> dict[str, Any]:
    return {record.name: record for record in discover(candidates, disabled).plugins}


def registry(*candidates: Candidate, disabled: tuple[str, ...] = ()) -> Registry:
    return Registry(discover(candidates, disabled), layers=[])


def test_plugins_in_order_own_first_whatever_the_order_found():
    candidates = [plugin("b", distribution="b", name="b"), plugin("a", distribution="a", name="a"), NER]
    for order in (candidates, candidates[::-1]):
        found = discover(order, ())
        assert [record.distribution for record in found.plugins] == ["taskzoo", "a", "b"]
        assert [entry.name for entry in found.tasks] == ["ner", "a", "b"]


@pytest.mark.parametrize("error", [ImportError("no module named 'gone'"), SyntaxError("bad"), SystemExit(3)])
def test_a_plugin_that_fails_to_import_is_recorded_and_others_work(error):
    zoo = registry(raising(error), NER)
    assert zoo.task("ner").id == "ner"
    bad = zoo.plugins()[1]
    assert (bad.status, bad.tasks) == ("failed", ())
    assert type(error).__name__ in bad.reason
    assert "\n" not in bad.reason


def test_a_plugin_that_fails_halfway_registers_nothing():
    def register_some(register):
        register(TaskSpec("first", "m:C"))
        raise ValueError("second thoughts\nand more")

    found = discover([plugin(taskzoo_register_tasks=hookimpl(register_some)), NER], ())
    assert [entry.name for entry in found.tasks] == ["ner"]
    assert found.plugins[1].reason == "ValueError: second thoughts"


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        (plugin("a", "a"), "registers the task 'a' twice"),
        (plugin(taskzoo_register_task=hookimpl(lambda: None)), "unknown hook 'taskzoo_register_task'; did you mean"),
        (plugin(taskzoo_dance=hookimpl(lambda: None)), "unknown hook 'taskzoo_dance'"),
        (plugin(TaskSpec("a", "m:C", contract=CONTRACT_VERSION + 1)), "upgrade taskzoo"),
        (plugin(TaskSpec("A B", "m:C")), "the task id 'A B' must be"),
        (plugin(TaskSpec("a/b", "m:C")), "the task id 'a/b' must be"),
        (plugin(TaskSpec("a", "m.C")), "not of the form 'module:Class'"),
        (plugin(TaskSpec("a", "m:C", options={"k": 3})), "option 'k' is not a taskzoo.Option"),
        (plugin(TaskSpec("a", "m:C", columns=["text"])), "must be mappings"),
        (plugin(taskzoo_register_tasks=hookimpl(lambda register: register("a"))), "not a taskzoo.TaskSpec"),
        (plugin(taskzoo_register_tasks=lambda register: None), "implements no hook"),
        (plugin(taskzoo_register_tasks=hookimpl(lambda registrar: None)), "PluginValidationError"),
        (Candidate("x", "taskzoo-x", "1", lambda: None), "implements no hook"),
    ],
)
def test_a_plugin_that_breaks_a_rule_is_failed_with_the_rule(candidate, reason):
    found = records(candidate, NER)
    assert found["ner"].status == "ok"
    assert found["x"].status == "failed"
    assert reason in found["x"].reason


def test_an_optional_hook_of_a_later_version_is_not_an_error():
    assert records(plugin("a", taskzoo_later=hookimpl(optionalhook=True)(lambda: None)))["x"].status == "ok"


def test_two_plugins_of_one_distribution_cannot_repeat_a_task():
    found = records(plugin("a", name="one"), plugin("a", name="two"))
    assert found["one"].tasks == ("a",)
    assert "repeats the task 'taskzoo-x/a' of the plugin 'one'" in found["two"].reason


def test_what_a_plugin_prints_on_import_does_not_mix_with_results(capsys):
    def load() -> object:
        print("hello")
        return plugin("a").load()

    discover([Candidate("x", "taskzoo-x", "1", load)], ())
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("word", ["x", "X", "taskzoo-x", "Taskzoo_X"])
def test_a_disabled_plugin_is_not_imported(monkeypatch, word):
    monkeypatch.setenv("ZOO_DISABLE_PLUGINS", f" other, {word} ,")
    found = discover([raising(AssertionError("imported"), "x", "taskzoo-x"), NER])
    assert [record.status for record in found.plugins] == ["ok", "disabled"]
    with pytest.raises(PluginError, match=r"is disabled .*ZOO_DISABLE_PLUGINS names .* take it out"):
        Registry(found, layers=[]).task("x")


def test_an_entry_point_repeated_by_stale_metadata_counts_once(monkeypatch, tmp_path):
    from taskzoo.registry.discovery import installed

    for folder in ("new", "old"):
        info = tmp_path / folder / "taskzoo_twice-1.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: taskzoo-twice\nVersion: 1\n")
        (info / "entry_points.txt").write_text("[taskzoo]\ntwice = twice\ntwice = twice\n")
        monkeypatch.syspath_prepend(str(tmp_path / folder))
    assert [c.version for c in installed() if c.name == "twice"] == ["1"]


@pytest.mark.parametrize("damage", [b"[taskzoo]\nno equals sign\n", b"\xff\xfe"])
def test_a_distribution_with_damaged_metadata_breaks_nobody(monkeypatch, tmp_path, damage):
    for name, points in (("taskzoo-damaged", damage), ("taskzoo-whole", b"[taskzoo]\nwhole = no_such_module_at_all\n")):
        info = tmp_path / f"{name.replace('-', '_')}-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        (info / "entry_points.txt").write_bytes(points)
    monkeypatch.syspath_prepend(str(tmp_path))
    found = {record.name: record for record in discover().plugins}
    assert "No module named 'no_such_module_at_all'" in found["whole"].reason
    assert "taskzoo-damaged" not in found or "entry points cannot be read" in found["taskzoo-damaged"].reason


# Names


def test_a_third_party_task_has_a_bare_and_a_full_name():
    zoo = registry(NER, plugin("poetry", distribution="Task_Zoo.Poetry"))
    for name in ("poetry", "task-zoo-poetry/poetry", "Task_Zoo.Poetry/poetry"):
        assert zoo.task(name).id == "poetry"
    assert zoo.task("taskzoo/ner").id == "ner"


def test_a_repeated_first_party_id_stays_first_party_and_is_noted():
    zoo = registry(plugin("ner", distribution="other"), NER)
    assert zoo.task_entry("ner").distribution == "taskzoo"
    assert zoo.task_entry("other/ner").distribution == "other"
    assert [entry.name for entry in zoo.tasks()] == ["ner", "other/ner"]
    record = zoo.plugins()[1]
    assert (record.status, record.tasks) == ("ok", ("other/ner",))
    assert record.reason == "repeats the id 'ner' of taskzoo; use its full name 'other/ner'"


def test_an_id_of_two_third_parties_is_ambiguous_until_named_in_full():
    zoo = registry(plugin("qa", distribution="a", name="qa"), plugin("qa", distribution="b", name="qa"))
    with pytest.raises(RequestError, match="'a/qa' or 'b/qa'"):
        zoo.task("qa")
    assert zoo.task_entry("b/qa").distribution == "b"
    assert [record.tasks for record in zoo.plugins()] == [("a/qa",), ("b/qa",)]


def test_a_failed_plugin_fails_only_its_own_task():
    zoo = registry(raising(ImportError("no wings"), "poetry"), NER)
    assert zoo.task("ner").id == "ner"
    for name in ("poetry", "taskzoo-bad/poetry", "taskzoo-bad/other"):
        with pytest.raises(PluginError, match=r"plugin 'poetry' of taskzoo-bad failed .*no wings"):
            zoo.task(name)


def test_nobody_takes_over_the_id_of_a_failed_first_party_task():
    zoo = registry(raising(ImportError("no wings"), "ner", "taskzoo"), plugin("ner", distribution="other"))
    with pytest.raises(PluginError, match="no wings"):
        zoo.task("ner")
    assert zoo.task("other/ner").id == "ner"
    assert [entry.name for entry in zoo.tasks()] == ["other/ner"]
    assert "of taskzoo; use its full name 'other/ner'" in zoo.plugins()[1].reason


def test_a_failed_third_party_does_not_take_a_name_from_another():
    zoo = registry(raising(ImportError("no wings"), "qa"), plugin("qa", distribution="b", name="b"))
    assert zoo.task_entry("qa").distribution == "b"


def test_an_unknown_task_suggests_near_names():
    with pytest.raises(UnknownNameError, match="Did you mean 'ner'"):
        registry(NER).task("NERR")
    with pytest.raises(UnknownNameError, match="No plugin is installed"):
        registry().task("ner")


def test_provider_says_who_installed_a_task():
    assert registry(NER).provider("ner") == {"plugin": "ner", "distribution": "taskzoo", "version": "1.0"}


# Loading


def test_load_task_imports_the_class(monkeypatch):
    module = ModuleType("fake_task_module")
    module.Good = type("Good", (), {})
    module.not_a_class = 3
    monkeypatch.setitem(sys.modules, "fake_task_module", module)
    specs = [
        TaskSpec(n, f"fake_task_module:{c}") for n, c in (("good", "Good"), ("no", "Gone"), ("odd", "not_a_class"))
    ]
    zoo = registry(plugin(*specs, TaskSpec("far", "no_such_module_anywhere:C", options={"k": Option(1, "k")})))
    assert zoo.load_task("good") is module.Good
    for name, reason in (("no", "Gone"), ("odd", "not a class"), ("far", "no_such_module_anywhere")):
        with pytest.raises(PluginError, match=reason):
            zoo.load_task(name)


# Catalogues of plugins


def test_a_plugin_supplies_a_catalogue_as_mapping_or_file(tmp_path):
    entry = {"hub": "a/b", "family": "bert", "kind": "encoder", "tasks": ["x"], "languages": ["en"]}
    file = tmp_path / "zoo.yaml"
    file.write_text("models: {filed: {path: weights, family: bert, kind: encoder, tasks: [x], languages: [en]}}")

    def taskzoo_register_catalogue(add):
        add({"models": {"mapped": entry}})
        add(file)

    found = discover([plugin(taskzoo_register_catalogue=hookimpl(taskzoo_register_catalogue))], ())
    zoo = Registry(found, found.layers)
    assert [(model.name, model.origin) for model in zoo.models()] == [("mapped", "plugin x"), ("filed", "plugin x")]
    assert zoo.model("filed").directory == tmp_path / "weights"


@pytest.mark.parametrize("bad", [{"modles": {}}, "/no/such/file.yaml", 3, {"models": {"m": {}}}])
def test_a_plugin_with_a_broken_catalogue_failed(bad):
    def taskzoo_register_catalogue(add):
        add(bad)

    found = discover([plugin("a", taskzoo_register_catalogue=hookimpl(taskzoo_register_catalogue)), NER], ())
    assert [record.status for record in found.plugins] == ["ok", "failed"]
    assert found.layers == ()
