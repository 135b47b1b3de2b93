"""No tracked file names one machine's folders or how the project is run behind the scenes."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve()

# Written in pieces, so that this file does not hold what it looks for.
FORBIDDEN = {
    "a path of one machine": r"(?<![\w.$}/-])/" + r"(?:work|tmp/w|mnt|home/\w+|Users/\w+)/",
    "a note to oneself": r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b",
    "words of a process": r"\b(?:sub-?" + r"agent|system " + r"prompt|language " + r"model wrote|this ses" + r"sion|"
    r"previous ses" + r"sion|the le" + r"ad (?:commits|decides|asked)|as an A" + r"I)\b",
}
TEXT = {".py", ".md", ".toml", ".yaml", ".yml", ".txt", ".cfg", ".ini", ".sh", ".json", ".jsonl", ".conll", ""}


def tracked() -> list[Path]:
    """The project's own text files."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    paths = [ROOT / name for name in listed if name]
    return [path for path in paths if path.suffix in TEXT and path.is_file() and path != HERE]


@pytest.mark.parametrize("kind", FORBIDDEN)
def test_no_file_mentions(kind: str) -> None:
    pattern = re.compile(FORBIDDEN[kind], re.IGNORECASE if kind == "words of a process" else 0)
    found = []
    for path in tracked():
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").split("\n"), 1):
            if pattern.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert not found, f"{kind}:\n" + "\n".join(found)


def test_the_patterns_find_what_they_are_for() -> None:
    path, note, process = (re.compile(pattern, re.IGNORECASE) for pattern in FORBIDDEN.values())
    assert path.search("in /" + "work/main/core")
    assert path.search('open("/' + 'tmp/w/venv/x")')
    assert not path.search("https://github.com/work/x and src/work/y and $HOME/work/z")
    assert note.search("# TO" + "DO: later")
    assert process.search("as the sub" + "agent said")
