"""Install every plugin of docs/directory.yaml, check it, and write the results back.

``python tools/check_directory.py [NAME...] [--fast] [--no-training]``: each entry is installed into a virtual
environment of its own, with the ``taskzoo`` of this repository and the versions of constraints.txt; with ``--fast``
into a folder that this environment finds, without its dependencies. Then ``zoo plugins --verify`` must find nothing
wrong, and ``zoo check`` must pass for each task (left out with ``--no-training``). Tasks, contract, version, date and
result go into the file, and docs/directory.md is made anew. The exit code is 1 where a plugin failed.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import shlex
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "docs" / "directory.yaml"
LONGEST = 200
"""Characters of a result."""

FACTS = """
import json, sys
from importlib import metadata
from taskzoo import registry
name, *tasks = sys.argv[1:]
contracts = {registry.task(f"{name}/{task}").contract for task in tasks}
print(json.dumps([metadata.version(name), metadata.version("taskzoo"), max(contracts, default=0)]))
"""


class FailedError(Exception):
    """A step did not succeed; the text says why, in one line."""


@dataclass(frozen=True)
class Place:
    """An environment with one plugin."""

    python: Path
    path: Path | None = None  # a folder that the interpreter is to find besides

    def run(self, *words: str, limit: float = 1800) -> subprocess.CompletedProcess[str]:
        """``python WORDS`` without a network for models, outside of the repository."""
        variables = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
        if self.path is not None:
            variables["PYTHONPATH"] = os.pathsep.join(filter(None, [str(self.path), variables.get("PYTHONPATH", "")]))
        with tempfile.TemporaryDirectory() as folder:
            command = [str(self.python), *words]
            try:
                return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=limit)
            except subprocess.TimeoutExpired:
                raise FailedError(f"took longer than {limit:.0f} s: {shlex.join(words[:4])}") from None


def main(words: Sequence[str] | None = None) -> int:
    """Check the plugins that are named, or all; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", help="names of plugins (default: all)")
    parser.add_argument("--fast", action="store_true", help="install into a folder, without dependencies")
    parser.add_argument("--no-training", action="store_true", help="leave `zoo check` out")
    parser.add_argument("--directory", type=Path, default=DATA, help="the file (default: docs/directory.yaml)")
    asked = parser.parse_args(words)
    text = asked.directory.read_text(encoding="utf-8")
    entries = yaml.safe_load(text)["plugins"]
    if unknown := set(asked.names) - {entry["name"] for entry in entries}:
        parser.error(f"{asked.directory.name} does not name {', '.join(sorted(unknown))}")
    failed = False
    for entry in entries:
        if asked.names and entry["name"] not in asked.names:
            continue
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            result = check(entry, Path(folder), fast=asked.fast, training=not asked.no_training)
        failed = failed or result != "passed"
        print(f"{entry['name']}: {result}", flush=True)
        write(asked.directory, text, entries)
    if asked.directory == DATA:
        subprocess.run([sys.executable, str(ROOT / "docs" / "generate_directory.py")], check=True)
    return int(failed)


def check(entry: dict[str, Any], folder: Path, *, fast: bool, training: bool) -> str:
    """Install and check one plugin; tasks, contract and what was found are set in its entry, the result is returned."""
    version = core = "-"
    try:
        place = (install_beside if fast else install_alone)(entry, folder)
        verdicts = read_json(place.run("-m", "taskzoo", "plugins", entry["name"], "--verify", "--json"))
        if bad := [verdict for verdict in verdicts if verdict["status"] != "ok"]:
            raise FailedError(f"{bad[0]['kind']} {bad[0]['name']}: {bad[0]['reason']}")
        entry["tasks"] = [one["name"].rpartition("/")[2] for one in verdicts if one["kind"] == "task"]
        version, core, entry["contract"] = read_json(place.run("-c", FACTS, entry["name"], *entry["tasks"]))
        for task in entry["tasks"] if training else ():
            checks = read_json(place.run("-m", "taskzoo", "check", f"{entry['name']}/{task}", "--json"))
            if bad := [one for one in checks if one["status"] == "failed"]:
                raise FailedError(f"zoo check {task}: {bad[0]['check']}: {bad[0]['reason']}")
        result = "passed" if training else "passed, without training"
    except FailedError as error:
        result = " ".join(f"failed: {error}".split())[:LONGEST]
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    entry["checked"] = {"version": version, "taskzoo": core, "date": date, "result": result}
    return result if not result.startswith("passed") else "passed"


def install_alone(entry: dict[str, Any], folder: Path) -> Place:
    """A fresh virtual environment with this repository's ``taskzoo`` and the plugin."""
    venv.create(folder / "venv", with_pip=True)
    place = Place(folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python")
    what = sources(entry)
    packages = [word for word in what if word != "taskzoo"]
    constraints = ["-c", str(ROOT / "constraints.txt")]
    done = place.run("-m", "pip", "install", "-q", *constraints, f"{ROOT}[starter]", *packages)
    require_done(done, "it cannot be installed")
    return place


def install_beside(entry: dict[str, Any], folder: Path) -> Place:
    """The plugin in a folder that this interpreter finds; its dependencies must be here."""
    place = Place(Path(sys.executable), folder / "site")
    if what := [word for word in sources(entry) if word != "taskzoo"]:
        options = ["--no-deps", "--no-build-isolation", "--target", str(place.path)]
        require_done(place.run("-m", "pip", "install", "-q", *options, *what), "it cannot be installed")
    return place


def sources(entry: dict[str, Any]) -> list[str]:
    """What its line installs: names, addresses and folders, which count from the root of this repository."""
    words = shlex.split(entry["install"])
    if words[:2] != ["pip", "install"] or any(word.startswith("-") for word in words):
        raise FailedError("its line is not of the form `pip install NAME`, without options")
    return [str(ROOT / word) if word.startswith(".") else word for word in words[2:]]


def read_json(done: subprocess.CompletedProcess[str]) -> Any:
    """What a command printed; an error of the command is one of the plugin."""
    try:
        return json.loads(done.stdout)
    except ValueError:
        raise FailedError(last_line(done)) from None


def require_done(done: subprocess.CompletedProcess[str], what: str) -> None:
    """Refuse a command that failed."""
    if done.returncode:
        raise FailedError(f"{what}: {last_line(done)}")


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    """The last error that a command told, or else the last thing that it said."""
    lines = (done.stderr or done.stdout).strip().splitlines() or [f"exit code {done.returncode}"]
    for word in ("Error: ", "ERROR: "):  # of Python, of pip
        lines = [line.strip() for line in lines if word in line] or lines
    return lines[-1]


def write(file: Path, text: str, entries: Sequence[dict[str, Any]]) -> None:
    """The entries, under the comment that the file began with."""
    comment = text[: text.index("plugins:")]
    listed = yaml.safe_dump({"plugins": list(entries)}, sort_keys=False, allow_unicode=True, width=120)
    file.write_text(comment + listed, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
