"""The commit of a folder's git repository, from its files.

The program ``git`` runs what the configuration of a repository names - filters, a file-system monitor -, so it is not
asked about a folder that may be anybody's.
"""

from __future__ import annotations

import re
from pathlib import Path

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def git_revision(folder: Path) -> str | None:
    """The commit that is checked out in ``folder``; ``None`` outside of a repository, or before its first commit."""
    try:
        inside = next((above for above in (folder, *folder.parents) if (above / ".git").exists()), None)
        return None if inside is None else _head(inside / ".git")
    except (OSError, ValueError):
        return None


def _head(git: Path) -> str | None:
    if git.is_file():  # a worktree or a submodule
        git = git.parent / _read(git).removeprefix("gitdir:").strip()
    head = _read(git / "HEAD")
    if not head.startswith("ref:"):
        return _commit(head)
    name = head.removeprefix("ref:").strip()
    if not name.startswith("refs/") or ".." in name:
        return None
    common = git / "commondir"
    shared = git / _read(common) if common.is_file() else git
    for place in (git, shared):
        if (place / name).is_file():
            return _commit(_read(place / name))
    packed = shared / "packed-refs"
    lines = packed.read_text(encoding="utf-8").splitlines() if packed.is_file() else []
    return next((_commit(line.split()[0]) for line in lines if line.endswith(f" {name}")), None)


def _read(file: Path) -> str:
    with file.open(encoding="utf-8") as opened:
        return opened.read(4096).strip()


def _commit(text: str) -> str | None:
    return text if _COMMIT.fullmatch(text) else None
