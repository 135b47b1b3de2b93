"""Example packages as a reader would use them: installed by pip, run by the real command or in this process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from taskzoo import registry

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
Runner = Callable[..., subprocess.CompletedProcess]


@pytest.fixture(scope="session")
def install(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A function from the name of an example package to a folder with it in it, installed by pip, once."""
    pytest.importorskip("hatchling", reason="builds the example packages")
    made: dict[str, Path] = {}

    def installed(name: str) -> Path:
        if name not in made:
            made[name] = tmp_path_factory.mktemp(name)
            command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
            command += ["--target", str(made[name]), str(EXAMPLES / name)]
            done = subprocess.run(command, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
        return made[name]

    return installed


@pytest.fixture
def python(tmp_path: Path) -> Runner:
    """Run python in an empty folder without a network; ``path`` is added to the modules it finds."""

    def run(*arguments: str, path: Path | None = None) -> subprocess.CompletedProcess:
        environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
        if path is not None:
            environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(path), environment.get("PYTHONPATH")]))
        done = subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done

    return run


@pytest.fixture
def own_tests(install: Callable[[str], Path], python: Runner) -> Callable[[str], None]:
    """Run the tests that a package brings, in a process of their own that finds the installed package."""

    def run(name: str) -> None:
        tests = str(EXAMPLES / name / "tests")
        options = ("-q", "-p", "no:cacheprovider", "--rootdir", tests, "-c", os.devnull)
        python("-m", "pytest", *options, tests, path=install(name))

    return run


@pytest.fixture
def on_path(install: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """A function that lets this process find an example package, by its name."""

    def find(name: str) -> None:
        monkeypatch.syspath_prepend(str(install(name)))
        registry.refresh()

    yield find
    monkeypatch.undo()
    registry.refresh()
