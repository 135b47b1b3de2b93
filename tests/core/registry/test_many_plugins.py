"""Many installed plugins: `zoo --help` runs none of their code, one that fails is named, and the rest work."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from .test_installed_plugins import environment, install, python

COUNT = 30
HELP = """
import sys
from importlib import metadata
from taskzoo.cli import main
def refused(*_, **__): raise AssertionError("distributions were looked for")
metadata.distributions = metadata.entry_points = refused
for word in ("--help", "-h", "--version"):
    sys.argv = ["zoo", word]
    try:
        main()
    except SystemExit as stopped:
        assert not stopped.code
assert not [name for name in sys.modules if name.startswith("zoo_")]
"""


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    """The script that times this."""
    file = Path(__file__).resolve().parents[3] / "benchmarks" / "plugins.py"
    spec = importlib.util.spec_from_file_location("benchmark_of_plugins", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def many(benchmark: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("many")
    benchmark.write_plugins(site, COUNT)
    return site


def test_help_and_version_run_nothing_of_a_plugin(tmp_path: Path) -> None:
    mark = tmp_path / "imported"
    install(tmp_path, "taskzoo-eager", "zoo_eager", f"open({str(mark)!r}, 'w').close(); import time; time.sleep(60)")
    done = python("-c", HELP, env=environment(tmp_path), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "zoo [OPTIONS] COMMAND" in done.stdout
    assert not mark.exists()


def test_one_of_many_that_fails_is_named_and_the_rest_work(benchmark: ModuleType, many: Path, tmp_path: Path) -> None:
    done = python("-m", "taskzoo", "plugins", "--json", env=environment(many), cwd=tmp_path)
    ours = {one["name"]: one for one in json.loads(done.stdout) if one["distribution"].startswith("taskzoo-bench")}
    assert len(ours) == COUNT
    broken = ours.pop(benchmark.BROKEN)
    assert (broken["status"], broken["reason"]) == (
        "failed",
        "ModuleNotFoundError: No module named 'a_module_that_is_not_there'",
    )
    assert all((one["status"], one["tasks"], one["recipes"]) == ("ok", [name], 1) for name, one in ours.items())


@pytest.mark.slow
def test_help_takes_no_longer_with_many_plugins(
    benchmark: ModuleType, many: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    (without, with_them), _ = benchmark.compare("--help", many, 9)
    assert with_them < 1.5 * without
