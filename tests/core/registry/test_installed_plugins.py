"""Plugins that are really installed, seen from a fresh process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from taskzoo import __version__

GOOD = """
from taskzoo import TaskSpec, hookimpl

@hookimpl
def taskzoo_register_tasks(register):
    register(TaskSpec(**{{"id": {id!r}, "contract": 2, "entry_point": "somewhere.task:Task", **dict({more})}}))
"""

SHOW = """
import dataclasses, json, sys
from taskzoo import registry
from taskzoo.errors import TaskZooError

def look_up(name):
    try:
        return registry.task_entry(name).distribution
    except TaskZooError as error:
        return f"{type(error).__name__} {error}"

print(json.dumps({
    "plugins": [dataclasses.asdict(record) for record in registry.plugins()],
    "tasks": {name: look_up(name) for name in sys.argv[1:]},
    "heavy": [m for m in ("torch", "transformers", "numpy", "accelerate", "datasets") if m in sys.modules],
}))
"""


def install(site: Path, distribution: str, module: str, code: str, name: str | None = None) -> None:
    """What an installer leaves behind: a module and its metadata."""
    (site / f"{module}.py").write_text(code)
    info = site / f"{distribution.replace('-', '_')}-1.2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(f"[taskzoo]\n{name or module} = {module}\n")


def environment(*sites: Path, **variables: str) -> dict[str, str]:
    import taskzoo

    paths = [
        *map(str, sites),
        *[str(Path(folder).parent) for folder in taskzoo.__path__],
        os.environ.get("PYTHONPATH", ""),
    ]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), **variables}


def python(*words: str, env: dict[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], env=env, cwd=cwd, capture_output=True, text=True, timeout=120)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    return folder


@pytest.fixture
def troubled(site: Path) -> Path:
    """Two good plugins among bad ones of every kind."""
    install(site, "taskzoo-poetry", "zoo_poetry", GOOD.format(id="poetry", more=""), "poetry")
    install(site, "taskzoo-songs", "zoo_songs", GOOD.format(id="songs", more=""), "songs")
    install(site, "taskzoo-broken", "zoo_broken", "import a_module_that_is_not_there", "broken")
    install(site, "taskzoo-verse", "zoo_verse", GOOD.format(id="poetry", more=""), "verse")
    twice = GOOD.format(id="twice", more="") + GOOD.format(id="twice", more="").splitlines()[-1] + "\n"
    install(site, "taskzoo-twice", "zoo_twice", twice, "twice")
    hook = GOOD.format(id="hooked", more="") + "\n@hookimpl\ndef taskzoo_register_tusks(register): ...\n"
    install(site, "taskzoo-hook", "zoo_hook", hook, "hooked")
    install(site, "taskzoo-future", "zoo_future", GOOD.format(id="future", more="contract=99"), "future")
    install(site, "taskzoo-past", "zoo_past", GOOD.format(id="past", more="contract=1"), "past")
    install(site, "taskzoo-asleep", "zoo_asleep", "raise SystemExit('imported')", "asleep")
    return site


def test_bad_plugins_are_reported_and_break_nobody(troubled, tmp_path):
    names = ["songs", "poetry", "taskzoo-verse/poetry", "broken", "twice", "hooked", "future", "past", "asleep"]
    env = environment(troubled, ZOO_DISABLE_PLUGINS="Taskzoo.Asleep")
    result = python("-c", SHOW, *names, env=env, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    shown = json.loads(result.stdout)
    assert shown["heavy"] == []

    records = {record["name"]: record for record in shown["plugins"]}
    assert records["songs"] == {
        "name": "songs",
        "distribution": "taskzoo-songs",
        "version": "1.2",
        "status": "ok",
        "reason": "",
        "tasks": ["songs"],
        **{kind: [] for kind in ("methods", "readers", "commands", "callbacks", "models", "datasets", "replaces")},
        "recipes": 0,
    }
    assert records["poetry"]["tasks"] == ["taskzoo-poetry/poetry"]
    assert records["verse"]["tasks"] == ["taskzoo-verse/poetry"]
    for name, reason in {
        "broken": "ModuleNotFoundError: No module named 'a_module_that_is_not_there'",
        "twice": "registers the task 'twice' twice",
        "hooked": "implements the unknown hook 'taskzoo_register_tusks'; did you mean 'taskzoo_register_tasks'?",
        "future": f"task 'future' needs contract 99, this taskzoo {__version__} has 2: upgrade taskzoo",
        "past": f"task 'past' was written for contract 1, this taskzoo {__version__} has 2: upgrade taskzoo-past, or "
        "install taskzoo<0.2",
    }.items():
        assert (records[name]["status"], records[name]["reason"]) == ("failed", reason)
        assert shown["tasks"][name].startswith(f"PluginError Task {name!r} cannot be used")
        assert reason in shown["tasks"][name]
    assert records["asleep"]["status"] == "disabled"
    assert "ZOO_DISABLE_PLUGINS" in shown["tasks"]["asleep"]

    assert shown["tasks"]["songs"] == "taskzoo-songs"
    assert shown["tasks"]["taskzoo-verse/poetry"] == "taskzoo-verse"
    assert shown["tasks"]["poetry"].startswith("RequestError Several plugins offer a task 'poetry'")


def test_the_command_lists_bad_plugins_with_exit_code_0(troubled, tmp_path):
    result = python("-m", "taskzoo", "plugins", "--json", env=environment(troubled), cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    status = {record["name"]: record["status"] for record in json.loads(result.stdout)}
    assert status["songs"] == "ok"
    assert status["broken"] == status["asleep"] == "failed"


LISTINGS = ("tasks", "models --json", "datasets", "plugins", "info minilm", "--help")
LIST = """
import sys
from taskzoo.cli import main
for line in sys.argv[1:]:
    sys.argv = ["zoo", *line.split()]
    try:
        main()
    except SystemExit as stopped:
        code = stopped.code
    heavy = [m for m in ("torch", "transformers", "numpy", "accelerate", "datasets") if m in sys.modules]
    print("EXIT", code, "HEAVY", heavy)
"""


def test_listing_imports_nothing_heavy(site, tmp_path):
    install(site, "taskzoo-songs", "zoo_songs", GOOD.format(id="songs", more=""), "songs")
    result = python("-c", LIST, *LISTINGS, env=environment(site), cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    *outputs, rest = result.stdout.split("EXIT 0 HEAVY []\n")
    assert (len(outputs), rest) == (len(LISTINGS), "")
    assert all(outputs)


BACKENDS = {
    "hatchling": (0, "hatchling.build", "[tool.hatch.build.targets.wheel]\ninclude = ['zoo_haiku.py']\n"),
    "setuptools": (71, "setuptools.build_meta", "[tool.setuptools]\npy-modules = ['zoo_haiku']\n"),
}


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_plugin_installed_by_pip_is_found(tmp_path, backend):
    minimum, entry, settings = BACKENDS[backend]
    for needed, version in (("pip", 0), (backend, minimum)):
        try:
            found = metadata.version(needed)
        except metadata.PackageNotFoundError:
            pytest.skip(f"{needed} is not installed")
        if int(found.split(".")[0]) < version:
            pytest.skip(f"{needed} {found} is too old")
    project = tmp_path / "project"
    project.mkdir()
    (project / "zoo_haiku.py").write_text(GOOD.format(id="haiku", more="summary='Three lines'"))
    (project / "pyproject.toml").write_text(
        f"[build-system]\nrequires = ['{backend}']\nbuild-backend = '{entry}'\n"
        "[project]\nname = 'taskzoo-haiku'\nversion = '3.1'\n"
        "[project.entry-points.taskzoo]\nhaiku = 'zoo_haiku'\n" + settings
    )
    target = tmp_path / "target"
    words = ["-m", "pip", "install", "-q", "--no-deps", "--no-index", "--no-build-isolation", "--target", str(target)]
    built = python(*words, str(project), env=dict(os.environ), cwd=tmp_path)
    assert built.returncode == 0, built.stderr
    shown = json.loads(python("-c", SHOW, "haiku", env=environment(target), cwd=tmp_path).stdout)
    record = next(record for record in shown["plugins"] if record["name"] == "haiku")
    assert (record["distribution"], record["version"], record["status"]) == ("taskzoo-haiku", "3.1", "ok")
    assert shown["tasks"]["haiku"] == "taskzoo-haiku"
