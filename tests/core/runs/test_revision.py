"""The commit of the working directory, read from files: nothing that a repository configures is run."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from taskzoo.runs.revision import git_revision

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git to compare with")
NOBODY = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}


def git(folder: Path, *words: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *words]
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **NOBODY}, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q")
    git(folder, "symbolic-ref", "HEAD", "refs/heads/main")
    return folder


def commit(folder: Path) -> str:
    git(folder, "commit", "-q", "--allow-empty", "-m", "x")
    return git(folder, "rev-parse", "HEAD")


def test_a_branch_packed_detached_and_in_a_worktree(repository: Path, tmp_path: Path) -> None:
    assert git_revision(repository) is None  # no commit yet
    first = commit(repository)
    (repository / "inside").mkdir()
    assert git_revision(repository / "inside") == first
    git(repository, "pack-refs", "--all")
    assert not (repository / ".git" / "refs" / "heads" / "main").exists()
    assert git_revision(repository) == first
    git(repository, "worktree", "add", "-q", "-b", "team/other", str(tmp_path / "tree"))
    second = commit(tmp_path / "tree")
    assert (git_revision(tmp_path / "tree"), git_revision(repository)) == (second, first)
    git(repository, "checkout", "-q", "--detach", second)
    assert git_revision(repository) == second


def test_nothing_that_the_repository_configures_is_run(repository: Path, tmp_path: Path) -> None:
    first, ran = commit(repository), tmp_path / "ran"
    script = tmp_path / "monitor"
    script.write_text(f"#!/bin/sh\ntouch {ran}\n", encoding="utf-8")
    script.chmod(0o755)
    git(repository, "config", "core.fsmonitor", str(script))
    assert git_revision(repository) == first
    assert not ran.exists()


@pytest.mark.parametrize(
    "head", ["ref: ../../etc/passwd", "ref: refs/../../x", "not a commit", "", "ref: refs/heads/no"]
)
def test_what_is_no_commit_is_none(repository: Path, head: str) -> None:
    commit(repository)
    (repository / ".git" / "HEAD").write_text(head, encoding="utf-8")
    assert git_revision(repository) is None


def test_outside_of_a_repository_there_is_none(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: nowhere", encoding="utf-8")
    assert git_revision(tmp_path) is None
