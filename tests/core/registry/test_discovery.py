"""Plugins are found in isolation: what one does wrong is on its record and nowhere else."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from taskzoo import __version__
from taskzoo.errors import PluginError, RequestError, UnknownNameError
from taskzoo.registry.discovery import Candidate, discover
from taskzoo.registry.hookspecs import hookimpl
from taskzoo.registry.layers import Layer, read_mapping
from taskzoo.registry.lookup import Registry
from taskzoo.spec import CONTRACT_VERSION, Column, Extension, Option, TaskSpec
from taskzoo.task import Task


def spec(
    task_id: Any, entry_point: Any = "nowhere.task:Task", contract: Any = CONTRACT_VERSION, **more: Any
) -> TaskSpec:
    return TaskSpec(id=task_id, entry_point=entry_point, contract=contract, **more)


def plugin(*tasks: Any, distribution: str = "taskzoo-x", name: str = "x", **more: Any) -> Candidate:
    """A plugin that registers ``tasks``, ids or specs, and has the further members ``more``."""
    module = ModuleType(f"fake_{name}")

    @hookimpl
    def taskzoo_register_tasks(register):
        for task in tasks:
            register(task if isinstance(task, TaskSpec) else spec(task))

    module.taskzoo_register_tasks = taskzoo_register_tasks
    for key, value in more.items():
        setattr(module, key, value)
    return Candidate(name, distribution, "1.0", lambda: module)


def brings(kind: str, *names: str, distribution: str = "taskzoo-x", name: str = "x") -> Candidate:
    """A plugin that registers extensions of one kind."""

    def register_all(register):
        for each in names:
            register(Extension(each, f"fake_{name}:{each.title()}", f"the {kind} {each}"))

    return plugin(distribution=distribution, name=name, **{f"taskzoo_register_{kind}s": hookimpl(register_all)})


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


class Panic(BaseException):
    """As compiled modules raise it."""


class MuteError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


FAULTS = [ImportError("no module named 'gone'"), SyntaxError("bad"), SystemExit(3), Panic("at the disco"), MuteError()]


@pytest.mark.parametrize("error", FAULTS)
def test_a_plugin_that_fails_to_import_is_recorded_and_others_work(error):
    zoo = registry(raising(error), NER)
    assert zoo.task("ner").id == "ner"
    bad = zoo.plugins()[1]
    assert (bad.status, bad.tasks) == ("failed", ())
    assert type(error).__name__ in bad.reason
    assert "\n" not in bad.reason


@pytest.mark.parametrize("error", [KeyboardInterrupt(), GeneratorExit()])
def test_who_stops_the_program_stops_it(error):
    with pytest.raises(type(error)):
        discover([raising(error), NER], ())


def test_a_plugin_that_fails_halfway_registers_nothing():
    def register_some(register):
        register(spec("first"))
        raise ValueError("second thoughts\nand more")

    found = discover([plugin(taskzoo_register_tasks=hookimpl(register_some)), NER], ())
    assert [entry.name for entry in found.tasks] == ["ner"]
    assert found.plugins[1].reason == "ValueError: second thoughts"


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        (plugin("a", "a"), "registers the task 'a' twice"),
        (brings("method", "m", "m"), "registers the method 'm' twice"),
        (brings("method", "M m"), "the name 'M m' of a method must be lower-case"),
        (plugin(taskzoo_register_readers=hookimpl(lambda register: register("a"))), "not a taskzoo.Extension"),
        (
            plugin(taskzoo_register_callbacks=hookimpl(lambda register: register(Extension("a", "b")))),
            "callback 'a': the entry point 'b' is not of the form 'module:object'",
        ),
        (plugin(taskzoo_register_task=hookimpl(lambda: None)), "unknown hook 'taskzoo_register_task'; did you mean"),
        (plugin(taskzoo_dance=hookimpl(lambda: None)), "unknown hook 'taskzoo_dance'"),
        (plugin(spec("A B")), "the task id 'A B' must be"),
        (plugin(spec("a/b")), "the task id 'a/b' must be"),
        (plugin(spec("a", "m.C")), "not of the form 'module:Class'"),
        (plugin(spec("a", options={"k": 3})), "option 'k' is not a taskzoo.Option"),
        (plugin(spec("a", columns=["text"])), "must be mappings"),
        (plugin(spec("a", columns={"text": "a text"})), "the column 'text' is 'a text', not a taskzoo.Column"),
        (plugin(spec("a", columns={"text": Column("a text", names="body")})), "the names 'body' of the column 'text'"),
        (plugin(spec("a", columns={"text": Column("t", language="lang")})), "named by 'lang', which is not an option"),
        (plugin(spec("a", text_input="body")), "text_input names 'body', which is not one of its columns"),
        (plugin(spec("a", options={"k": Option(-5, "", minimum=0)})), "option 'k': k=-5 must be at least 0"),
        (plugin(spec("a", options={"k": Option("x", "", choices=("y", "z"))})), "k='x' is not one of y, z"),
        (plugin(spec("a", options={"k": Option("y", "", choices=("y", 1.5j))})), "k=1.5j must be of type str"),
        (plugin(spec("a", options={"k": Option([], "")})), "the default [] of 'k' must be text, a number"),
        (plugin(spec("a", options={"k": Option("", "", minimum=1)})), "'k' has a minimum, and its default ''"),
        (plugin(spec("a", options={"k": Option("", "", choices="xy")})), "the choices 'xy' of 'k' must be a tuple"),
        (plugin(spec("a", options={"epochs": Option(1, "")})), "'epochs' has the name of a training setting"),
        (plugin(spec("a", formats="csv")), "formats='csv' must be a tuple of names"),
        (plugin(spec("a", kinds=("coder",))), "kinds=('coder',) must be a tuple of 'encoder', 'decoder', "),
        (plugin(spec("a", kinds=())), "kinds=() must be"),
        (plugin(spec("a", scratch_models="tiny")), "scratch_models='tiny' must be a tuple of names"),
        (plugin(spec("a", default_model=3)), "default_model=3 must be the name of a model"),
        (plugin(spec("a", demo_model="")), "demo_model='' must be the name of a model"),
        (plugin(spec("a", demo="taskzoo")), "demo='taskzoo' is not of the form 'package:folder'"),
        (plugin(spec("a", demo="taskzoo:gone")), "there is no folder 'gone' in the package 'taskzoo'"),
        (plugin(spec("a", demo="no_such_package_at_all:demo")), "no folder 'demo' in the package 'no_such_package"),
        (plugin(taskzoo_register_tasks=hookimpl(lambda register: register("a"))), "not a taskzoo.TaskSpec"),
        (plugin(spec("a", summary=None)), "task 'a': summary=None must be text"),
        (plugin(spec("a", text_input=5)), "task 'a': text_input=5 must be text"),
        (plugin(spec("a", columns={"text": Column(None)})), "task 'a', column 'text': help=None must be text"),
        (plugin(spec("a", columns={"text": Column("t", required="no")})), "required='no' must be True or False"),
        (plugin(spec("a", columns={"text": Column("t", language=["en"])})), "language=['en'] must be text"),
        (plugin(spec("a", options={"k": Option(1, None)})), "task 'a', option 'k': help=None must be text"),
        (plugin(spec("a", options={"k": Option(1, "", minimum="0")})), "minimum '0' of 'k' must be a number or None"),
        (plugin(spec("a", options={"k": Option(1, "", minimum=True)})), "minimum True of 'k' must be a number or None"),
        (
            plugin(taskzoo_register_methods=hookimpl(lambda register: register(Extension("m", "m:C", None)))),
            "method 'm': summary=None must be text",
        ),
        (
            plugin(taskzoo_register_tasks=lambda register: None),
            "has a function taskzoo_register_tasks without @taskzoo.hookimpl",
        ),
        (
            plugin("a", taskzoo_register_callbacks=lambda register: None),
            "has a function taskzoo_register_callbacks without @taskzoo.hookimpl, so it would not be called; mark it",
        ),
        (
            plugin(taskzoo_register_tasks=hookimpl(lambda registrar: None)),
            "Argument(s) {'registrar'} are declared in the hookimpl but can not be found in the hookspec",
        ),
        (Candidate("x", "taskzoo-x", "1", lambda: None), "implements no hook"),
    ],
)
def test_a_plugin_that_breaks_a_rule_is_failed_with_the_rule(candidate, reason):
    found = records(candidate, NER)
    assert found["ner"].status == "ok"
    assert found["x"].status == "failed"
    assert reason in found["x"].reason


def contract(value: Any) -> str:
    found = records(plugin(spec("a", contract=value)), NER)
    assert found["ner"].status == "ok"
    assert found["x"].status == "failed"
    return str(found["x"].reason)


def test_a_contract_that_is_too_new_too_old_or_no_number_says_what_to_do():
    assert contract(CONTRACT_VERSION + 1) == (
        f"task 'a' needs contract {CONTRACT_VERSION + 1}, this taskzoo {__version__} has {CONTRACT_VERSION}: "
        "upgrade taskzoo"
    )
    assert contract(1) == (
        f"task 'a' was written for contract 1, this taskzoo {__version__} has {CONTRACT_VERSION}: upgrade taskzoo-x, "
        "or install taskzoo<0.2"
    )
    for wrong in ("2", True, None, 0, -1, 2.0):
        assert contract(wrong) == (
            f"task 'a': contract={wrong!r} must be the number of the contract that it was written for, such as "
            f"contract={CONTRACT_VERSION}"
        )


@pytest.mark.parametrize(
    ("arguments", "names", "says"),
    [
        (("a", "m:C"), {}, "its task was written for contract 1; upgrade taskzoo-x, or install taskzoo<0.2"),
        ((), {"id": "a", "languages": {}}, "its task was written for contract 1; upgrade taskzoo-x"),
        ((), {"id": "a"}, "its TaskSpec does not say for which contract it was written: add contract=2"),
        ((), {"id": "a", "contract": 2, "x": 1}, "TypeError: TaskSpec.__init__() got an unexpected keyword"),
    ],
)
def test_a_spec_in_the_form_of_an_older_contract_is_recognised(arguments, names, says):
    hook = hookimpl(lambda register: register(TaskSpec(*arguments, **names)))
    assert says in records(plugin(taskzoo_register_tasks=hook))["x"].reason


def test_a_format_that_no_plugin_brings_is_refused_once_all_are_known():
    reader = brings("reader", "jsonl", "docx", distribution="taskzoo", name="core")
    good, bad = plugin(spec("a", formats=("docx",)), name="a"), plugin(spec("b", formats=("dox",)), name="b")
    found = records(good, bad, reader)
    assert found["a"].status == "ok"
    assert found["b"].reason == "task 'b' names the file format 'dox', which no plugin brings; did you mean 'docx'?"


def test_what_a_hook_returns_is_lost_and_that_is_said():
    catalogue = hookimpl(lambda add: add({}))
    record = records(plugin("a", taskzoo_register_methods=hookimpl(lambda register: [Extension("m", "m:C")])))["x"]
    assert (record.status, record.tasks, record.methods) == ("ok", ("a",), ())
    assert record.reason == (
        "what taskzoo_register_methods() returned is not looked at; hand each thing to register() or add()"
    )
    more = {"taskzoo_register_readers": hookimpl(lambda register: ()), "taskzoo_register_catalogue": catalogue}
    zoo = registry(plugin("a", **more))
    for _ in range(2):
        assert zoo.plugins()[0].reason.startswith("what taskzoo_register_readers() returned is not looked at; hand")
        zoo.refresh()
    assert records(plugin("a", taskzoo_register_catalogue=catalogue))["x"].reason == ""


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


def test_the_plugin_of_the_core_cannot_be_disabled():
    core = brings("method", "full", distribution="taskzoo", name="taskzoo")
    assert records(core, NER, disabled=("taskzoo",))["ner"].status == "disabled"
    assert records(core, NER, disabled=("taskzoo",))["taskzoo"].methods == ("full",)


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
    assert record.reason == "repeats the task 'ner' of taskzoo; use its full name 'other/ner'"


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
    with pytest.raises(UnknownNameError, match="No plugin offers a task"):
        registry().task("ner")


def test_an_entry_says_where_it_comes_from():
    entry = registry(NER).task_entry("ner")
    assert (entry.plugin, entry.distribution, entry.version) == ("ner", "taskzoo", "1.0")
    assert entry.full_name == "taskzoo/ner"
    assert registry(NER).task_entry(entry) is entry
    assert {entry, registry(NER).task_entry("ner")} == {entry}
    assert repr(entry) == "TaskEntry('ner', taskzoo 1.0)"


@pytest.mark.parametrize("kind", ["method", "reader", "command", "callback"])
def test_extensions_have_names_by_the_same_rules_as_tasks(kind):
    zoo = registry(
        brings(kind, "full", "own", distribution="taskzoo-y", name="y"),
        brings(kind, "full", distribution="taskzoo", name="core"),
    )
    entries = getattr(zoo, f"{kind}s")()
    assert [entry.name for entry in entries] == ["full", "taskzoo-y/full", "own"]
    assert [entry.distribution for entry in entries] == ["taskzoo", "taskzoo-y", "taskzoo-y"]
    assert entries[0].summary == f"the {kind} full"
    assert getattr(zoo.plugins()[1], f"{kind}s") == ("taskzoo-y/full", "own")
    note = f"repeats the {kind} 'full' of taskzoo; use its full name 'taskzoo-y/full'"
    assert zoo.plugins()[1].reason == note
    with pytest.raises(UnknownNameError, match=f"no {kind} named 'owm'. Did you mean 'own'"):
        getattr(zoo, kind)("owm")


def test_an_extension_is_imported_on_first_use_and_must_be_of_its_kind(monkeypatch):
    from taskzoo import Callback

    module = ModuleType("fake_x")
    module.Good = type("Good", (Callback,), {})
    module.Bad = type("Bad", (), {})
    monkeypatch.setitem(sys.modules, "fake_x", module)
    zoo = registry(brings("callback", "good", "bad", "gone"))
    assert zoo.callback("good") is module.Good
    with pytest.raises(PluginError, match=r"callback 'bad' of taskzoo-x 1.0 .* not a subclass of taskzoo"):
        zoo.callback("bad")
    with pytest.raises(PluginError, match=r"callback 'gone' of taskzoo-x 1.0 cannot be loaded .*AttributeError"):
        zoo.callback("gone")
    module.Good = 3
    zoo = registry(brings("command", "good"))
    with pytest.raises(PluginError, match="which is not a function"):
        zoo.command("good")


def test_a_callback_of_a_plugin_that_exits_is_dropped():
    from taskzoo import Callback
    from taskzoo.engine.events import tell

    class Exits(Callback):
        def step(self, values):
            raise SystemExit(0)

    class Interrupted(Callback):
        def step(self, values):
            raise KeyboardInterrupt

    said = []
    reporter = type("Reporter", (), {"say": said.append})
    callbacks = [Exits()]
    tell(callbacks, reporter, "step", {})
    assert callbacks == []
    assert said == ["warning   the callback Exits failed in step() and is dropped: SystemExit: 0"]
    with pytest.raises(KeyboardInterrupt):
        tell([Interrupted()], reporter, "step", {})


def test_a_failed_plugin_brings_nothing():
    found = discover([plugin("a", "a", taskzoo_register_methods=hookimpl(lambda register: None))], ())
    assert (found.tasks, found.extensions["method"]) == ([], [])


# Loading


@pytest.mark.parametrize("fault", ["sys.exit(0)", "raise type('Panic', (BaseException,), {})(0)"])
def test_a_module_that_ends_the_process_when_it_is_imported_is_a_fault_of_its_plugin(tmp_path, monkeypatch, fault):
    code = f"import sys\nprint('hello')\n{fault}\n"
    (tmp_path / "module_that_exits.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    zoo = registry(plugin(spec("a", "module_that_exits:Task")))
    says = r"cannot be loaded.* \((SystemExit|Panic): 0\)"
    with pytest.raises(PluginError, match=f"The task 'a' of taskzoo-x 1.0 {says}"):
        zoo.load_task("a")
    for reference in ("module_that_exits:Task", f"{tmp_path}/module_that_exits.py:Task"):
        with pytest.raises(RequestError, match=says):
            zoo.task_entry(reference)


def test_ctrl_c_while_a_module_is_imported_ends_the_program(tmp_path, monkeypatch):
    (tmp_path / "module_that_waits.py").write_text("raise KeyboardInterrupt\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    zoo = registry(plugin(spec("a", "module_that_waits:Task")))
    for reference in ("a", "module_that_waits:Task", f"{tmp_path}/module_that_waits.py:Task"):
        with pytest.raises(KeyboardInterrupt):
            zoo.load_task(reference)
    assert not [name for name in sys.modules if name.startswith("task_file_module_that_waits")]


def test_what_the_module_of_a_task_prints_does_not_mix_with_results(tmp_path, monkeypatch, capsys):
    code = "from taskzoo import Task, TaskSpec\nprint('hello')\n"
    code += "class Mine(Task):\n    spec = TaskSpec(id='mine', contract=2)\n"
    (tmp_path / "module_that_prints.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    zoo = registry(plugin(spec("a", "module_that_prints:Mine")))
    for reference in ("a", "module_that_prints:Mine", f"{tmp_path}/module_that_prints.py:Mine"):
        sys.modules.pop("module_that_prints", None)
        assert issubclass(zoo.load_task(reference), Task)
        assert capsys.readouterr() == ("", "hello\n"), reference


def test_load_task_imports_the_class(monkeypatch):
    module = ModuleType("fake_task_module")
    module.Good = type("Good", (Task,), {})
    module.not_a_class = 3
    monkeypatch.setitem(sys.modules, "fake_task_module", module)
    pairs = (("good", "Good"), ("no", "Gone"), ("odd", "not_a_class"))
    far = spec("far", "no_such_module_anywhere:C", options={"k": Option(1, "k")})
    zoo = registry(plugin(*[spec(name, f"fake_task_module:{found}") for name, found in pairs], far))
    assert zoo.load_task("good") is module.Good
    for name, reason in (("no", "Gone"), ("odd", "not a subclass of taskzoo.Task"), ("far", "no_such_module_anywhere")):
        with pytest.raises(PluginError, match=reason):
            zoo.load_task(name)


# Tasks without a package

CODE = """
from taskzoo import Task, TaskSpec

class Mine(Task):
    spec = TaskSpec(id="mine", contract=2)

class Nameless(Task):
    pass

class Old(Task):
    spec = TaskSpec(id="old", contract=1)
"""


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "task.py"
    path.write_text(CODE)
    return path


def test_a_task_in_a_file(file, monkeypatch):
    entry = registry().task_entry(f"{file}:Mine")
    assert (entry.name, entry.full_name, entry.id) == (f"{file}:Mine", f"{file}:Mine", "mine")
    assert (entry.plugin, entry.distribution, entry.version) == ("", "", "")
    assert issubclass(entry.load(), Task)
    assert registry().load_task(entry.full_name) is entry.load(), "an unchanged file is loaded once"
    assert "task" not in sys.modules
    monkeypatch.chdir(file.parent)
    assert registry().task_entry("task.py:Mine").full_name == f"{file}:Mine"
    file.write_text(CODE.replace('"mine"', '"changed"'))
    assert registry().task_entry("task.py:Mine").id == "changed"


def test_a_class_is_a_task_and_is_found_again_by_its_name(file):
    found = registry().load_task(f"{file}:Mine")
    entry = registry().task_entry(found)
    assert entry.load() is found
    assert registry().load_task(entry.full_name) is found
    local = type("Local", (Task,), {"spec": spec("local", "")})
    assert registry().task(local).id == "local"
    assert registry().task_entry(local).full_name.endswith(":Local")


def test_a_task_without_a_package_that_cannot_be_used_says_why(file, tmp_path):
    zoo = registry()
    for reference, says in {
        f"{file}:Mien": "There is no task in .* named 'Mien'. Did you mean 'Mine'",
        f"{file}:Nameless": "The task Nameless has no spec; write",
        f"{file}:Old": "The task Old cannot be used: task 'old' was written for contract 1",
        f"{tmp_path}/gone.py:Mine": "There is no file .*gone.py; a task in a file is given as",
        "no_such_module_anywhere:Mine": "cannot be loaded .ModuleNotFoundError",
    }.items():
        with pytest.raises(RequestError, match=says):
            zoo.task_entry(reference)
    with pytest.raises(RequestError, match=r"A task is a name, a path/to/task.py:Class or a class, not 3"):
        zoo.task_entry(3)


def test_a_file_that_imports_its_neighbour_is_told_to_become_a_package(file):
    file.with_name("neighbour_of_a_task.py").write_text("")
    file.write_text("import neighbour_of_a_task")
    with pytest.raises(RequestError, match=r"task\.py cannot be loaded .*`zoo new` makes a package"):
        registry().task_entry(f"{file}:Mine")


# Catalogues of plugins


def adds(*catalogues: Any, task: str | None = None, **more: Any) -> Candidate:
    """A plugin that adds ``catalogues``."""

    def taskzoo_register_catalogue(add):
        for catalogue in catalogues:
            add(catalogue)

    tasks = (task,) if task else ()
    return plugin(*tasks, taskzoo_register_catalogue=hookimpl(taskzoo_register_catalogue), **more)


ENTRY = {"hub": "a/b", "family": "bert", "kind": "encoder", "languages": ["en"]}


def test_a_plugin_supplies_a_catalogue_as_mapping_or_file(tmp_path):
    file = tmp_path / "zoo.yaml"
    file.write_text("models: {filed: {path: weights, family: bert, kind: encoder, languages: [en]}}")
    zoo = registry(adds({"models": {"mapped": ENTRY}}, file))
    assert [(model.name, model.origin) for model in zoo.models()] == [("mapped", "plugin x"), ("filed", "plugin x")]
    assert zoo.model("filed").directory == tmp_path / "weights"
    assert zoo.plugins()[0].models == ("mapped", "filed")


def test_a_relative_path_in_a_mapping_counts_from_the_plugin(tmp_path):
    candidate = adds({"datasets": {"d": {"path": "rows", "tasks": ["ner"]}}}, __file__=str(tmp_path / "__init__.py"))
    assert registry(candidate).dataset("d").directory == tmp_path / "rows"


@pytest.mark.parametrize(
    "bad",
    [
        {"modles": {}},
        "/no/such/file.yaml",
        3,
        {"models": {"m": {}}},
        {"recipes": [{"tasks": "ner", "set": {"epochs": -1}}]},
        {"recipes": [{"tasks": "a", "set": {"nothing_of_this_name": 1}}]},
    ],
)
def test_a_plugin_with_a_broken_catalogue_failed(bad):
    zoo = registry(adds({"models": {"good": ENTRY}}, bad, name="y"), plugin("a"), NER)
    assert {record.name: record.status for record in zoo.plugins()} == {"ner": "ok", "x": "ok", "y": "failed"}
    assert zoo.models() == []


def base(**sections: Any) -> list[Layer]:
    return [read_mapping(sections, "built in")]


def test_a_plugin_replaces_an_entry_only_where_it_says_so():
    evil = {**ENTRY, "hub": "evil/minilm"}
    silent, frank = ({"models": {"minilm": {**evil, **more}, "own": ENTRY}} for more in ({}, {"replace": True}))
    zoo = Registry(discover([adds(silent)], ()), base(models={"minilm": ENTRY}))
    assert zoo.model("minilm").hub == "a/b"
    assert zoo.model("own").origin == "plugin x"
    (record,) = zoo.plugins()
    assert (record.status, record.models, record.replaces) == ("ok", ("own",), ())
    assert record.reason == (
        "its models.minilm is left out: the built-in catalogue has a model 'minilm'; write `replace: true` in the "
        "entry to replace it"
    )
    zoo = Registry(discover([adds(frank)], ()), base(models={"minilm": ENTRY}))
    assert zoo.model("minilm").hub == "evil/minilm"
    assert zoo.plugins()[0].replaces == ("models.minilm (built in)",)
    zoo.refresh()
    assert zoo.plugins()[0].reason == ""


def test_a_plugin_changes_the_training_of_others_only_where_it_says_so():
    def recipes(**more: Any) -> dict[str, Any]:
        return {"models": {"own": ENTRY}, "recipes": [{"tasks": ["ner"], "set": {"learning_rate": 0.5}, **more}]}

    def learnt(catalogue: Any, model: str) -> Any:
        zoo = Registry(discover([NER, adds(catalogue)], ()), base(models={"minilm": ENTRY}))
        return zoo.recipe("ner", model).values.get("learning_rate"), zoo.plugins()[1]

    rate, record = learnt(recipes(), "minilm")
    assert rate is None
    assert record.recipes == 0
    assert record.reason == (
        "its recipes for 'ner' are left out: they change how tasks of others are trained with models of others; "
        "write `replace: true` in them if that is meant"
    )
    assert learnt(recipes(replace=True), "minilm")[0] == 0.5
    assert learnt(recipes(replace=True), "minilm")[1].replaces == ("recipe plugin x: ner (version 1)",)
    assert learnt(recipes(match={"model": "own"}), "own")[0] == 0.5, "its own model may be trained its own way"


def test_a_recipe_for_a_task_that_is_none_says_which():
    def said(tasks: str, **more: Any) -> tuple[int, str]:
        catalogue = {"models": {"own": ENTRY}, "recipes": [{"tasks": tasks, "set": {"epochs": 2}, **more}]}
        record = registry(NER, adds(catalogue, task="coin")).plugins()[1]
        assert record.status == "ok"
        return record.recipes, record.reason

    left_out, none = "are left out: no plugin here offers such a task", "no plugin here offers such a task"
    assert said("coins") == (0, f"its recipes for 'coins' {left_out}; did you mean 'coin'?")
    assert said(["coin", "nre"]) == (0, f"its recipes for 'nre' {left_out}; did you mean 'ner'?")
    assert said("taskzoo-x/coins") == (
        0,
        f"its recipes for 'taskzoo-x/coins' {left_out}; did you mean 'taskzoo-x/coin'?",
    )
    assert said("zzz") == (0, f"its recipes for 'zzz' {left_out}")
    for kept in ({"replace": True}, {"match": {"model": "own"}}):
        assert said("coins", **kept) == (1, f"its recipes for 'coins' apply to nothing: {none}; did you mean 'coin'?")
        assert said("zzz", **kept) == (1, ""), "it may be of a plugin that is not here"
    for right in ("coin", "taskzoo-x/coin"):
        assert said(right) == (1, "")


def test_a_plugin_means_its_own_task_by_a_bare_id():
    catalogue = {"recipes": [{"tasks": "ner", "set": {"epochs": 7}}]}
    ours = {"recipes": [{"tasks": "ner", "set": {"epochs": 2}}]}
    zoo = registry(
        adds(ours, task="ner", name="ner", distribution="taskzoo"),
        adds(catalogue, task="ner", name="other", distribution="other"),
    )
    assert zoo.recipe("ner").values == {"epochs": 2}
    assert zoo.recipe("other/ner").values == {"epochs": 7}
