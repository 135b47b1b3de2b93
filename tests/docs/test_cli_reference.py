"""docs/cli.md says what ``--help`` says."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def generator():
    spec = importlib.util.spec_from_file_location("generate_cli", DOCS / "generate_cli.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_up_to_date(generator) -> None:
    assert (DOCS / "cli.md").read_text(encoding="utf-8") == generator.reference(), (
        "docs/cli.md is stale; run: python docs/generate_cli.py"
    )


def test_every_command_has_a_section_with_its_options(generator) -> None:
    page = generator.reference()
    assert len(generator.names()) > 5
    for name in generator.names():
        section = page.split(f"## zoo {name}\n")[1].split("\n## ")[0]
        assert f"Usage: zoo {name} " in section
        assert "--help" in section


def test_check_fails_on_a_stale_page(generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(generator, "FILE", tmp_path / "cli.md")
    monkeypatch.setattr("sys.argv", ["generate_cli.py"])
    assert generator.main() == 0
    monkeypatch.setattr("sys.argv", ["generate_cli.py", "--check"])
    assert generator.main() == 0
    (tmp_path / "cli.md").write_text("old")
    assert generator.main() == 1
    assert "is stale" in capsys.readouterr().err
    assert (tmp_path / "cli.md").read_text() == "old"
