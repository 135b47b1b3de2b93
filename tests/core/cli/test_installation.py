"""``zoo doctor`` checks the installation and says what to do."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from taskzoo import installation
from taskzoo import registry as public
from taskzoo.cli.doctor import doctor
from taskzoo.installation import Finding, examine_installation
from taskzoo.registry import lookup
from taskzoo.registry.discovery import Candidate, discover

app = typer.Typer()
app.command()(doctor)


def findings(*looks: str) -> dict[str, Finding]:
    """What the functions of these names find, by part."""
    return {finding.part: finding for look in looks for finding in getattr(installation, look)()}


def test_this_installation_is_fit() -> None:
    found = {finding.part: finding for finding in examine_installation()}
    assert {"python", "taskzoo", "packages", "torch", "device", "bf16", "memory", "plugins", "catalogue"} <= set(found)
    assert [finding for finding in found.values() if finding.status == "problem" and "disk" not in finding.part] == []
    assert found["hub"].found.startswith("HF_HUB_OFFLINE is set")
    assert "5 tasks" in found["plugins"].found


def test_a_problem_is_printed_with_what_to_do_and_exit_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        installation,
        "examine_installation",
        lambda: iter([Finding("a", "ok", "x"), Finding("b", "problem", "y", "Do z.")]),
    )
    result = CliRunner().invoke(app)
    assert result.exit_code == 1
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["ok", "a", "x"],
        ["PROBLEM", "b", "y"],
        ["Do", "z."],
        [],
        ["1", "problem", "found."],
    ]
    result = CliRunner().invoke(app, ["--json"])
    assert (result.exit_code, json.loads(result.stdout)[1]["advice"]) == (1, "Do z.")
    monkeypatch.setattr(installation, "examine_installation", lambda: iter([Finding("a", "note", "x")]))
    assert CliRunner().invoke(app).exit_code == 0


def test_an_old_python_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "LEAST_PYTHON", (99, 1))
    assert findings("_python")["python"].advice == "Install Python 99.1 or newer."


def test_packages_that_are_missing_out_of_range_or_untested(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        known = {"taskzoo": "1", "old": "1.0", "near": "2.1"}
        if name not in known:
            raise installation.metadata.PackageNotFoundError(name)
        return known[name]

    needs = ["gone>=1", "old>=2", "near>=2", "extra>=1; extra == 'starter'"]
    fake = SimpleNamespace(
        version=version, requires=lambda name: needs, PackageNotFoundError=installation.metadata.PackageNotFoundError
    )
    monkeypatch.setattr(installation, "metadata", fake)
    monkeypatch.setattr(installation, "tested_versions", lambda: {"near": "2.0.5"})
    found = findings("_packages")
    assert set(found) == {"taskzoo", "gone", "old", "packages"}
    assert (found["gone"].status, found["gone"].advice) == ("problem", "Run `pip install 'gone>=1'`.")
    assert found["old"].found == "1.0, and taskzoo needs >=2"
    assert (found["packages"].status, found["packages"].found) == ("note", "near 2.1 (tested: 2.0.5)")


def test_tested_versions_are_those_of_the_constraints() -> None:
    assert installation.tested_versions()["torch"]


def test_a_failed_plugin_and_a_broken_catalogue_are_problems(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    def bad() -> object:
        raise ImportError("no wings")

    candidates = [
        Candidate("bad", "taskzoo-bad", "2.0", bad),
        Candidate("empty", "e", "1", lambda: ModuleType("empty")),
    ]
    monkeypatch.setattr(lookup._process, "_given", (discover(candidates, ("e",)), None))
    monkeypatch.setenv("TASKZOO_REGISTRY", str(tmp_path / "gone.yaml"))
    public.refresh()
    found = findings("_plugins", "_catalogue")
    public.refresh()
    assert found["plugin bad"].found == "ImportError: no wings"
    assert found["plugin bad"].advice == "Repair, upgrade or uninstall taskzoo-bad."
    assert found["plugin empty"].status == "note"
    assert "gone.yaml: this catalogue cannot be read" in found["catalogue"].found


def test_a_check_that_fails_is_a_problem_of_its_part_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Iterator[Finding]:
        raise OSError("no such thing")

    monkeypatch.setattr(installation, "_memory", broken)
    found = {finding.part: finding for finding in examine_installation()}
    assert (found["memory"].status, found["memory"].found) == ("problem", "OSError: no such thing")
    assert found["python"].status == "ok"


def test_little_memory_or_disk_is_a_problem() -> None:
    assert installation._space("disk", 5, 10, 5, "Make room.").status == "ok"
    assert installation._space("disk", 4, 10, 5, "Make room.").advice == "Make room."


class Refusing(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.send_error(403)

    def log_message(self, *_: Any) -> None:
        pass


def test_the_hub_is_reached_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants as constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with http.server.HTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        assert findings("_hub")["hub"].status == "ok", "any answer is one"
        server.shutdown()
    hub = findings("_hub")["hub"]
    assert hub.status == "problem"
    assert "HF_HUB_OFFLINE=1" in hub.advice
