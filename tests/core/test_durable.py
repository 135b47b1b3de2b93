"""Files and folders that are whole, and on the disk, before they have their names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from taskzoo import durable
from taskzoo.durable import locked, whole_folder


def fill(folder: Path, content: str) -> None:
    (folder / "inner").mkdir(parents=True)
    (folder / "weights").write_text(content, encoding="utf-8")
    (folder / "inner" / "template").write_text(content, encoding="utf-8")


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="the system does not say which files are open")
@pytest.mark.parametrize("again", [False, True])
def test_a_folder_has_its_name_when_all_of_it_is_on_the_disk(tmp_path, monkeypatch, again):
    target, done = tmp_path / "model", []
    if again:
        fill(target, "old")
    fsync, rename = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        done.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)
        fsync(descriptor)

    def renamed(source: Path, place: Path) -> None:
        done.append("renamed")
        rename(source, place)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    with whole_folder(target) as folder:
        fill(folder, "new")
        assert (target / "weights").exists() is again
    assert sorted(done[: done.index("renamed")]) == ["inner", "model.new", "template", "weights"]
    assert done[-1] == tmp_path.name
    assert (target / "inner" / "template").read_text(encoding="utf-8") == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_after_an_error_the_old_folder_is_as_it_was(tmp_path):
    target = tmp_path / "model"
    fill(target, "old")

    def fail() -> None:
        with whole_folder(target) as folder:
            fill(folder, "new")
            raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        fail()
    assert (target / "weights").read_text(encoding="utf-8") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_what_cannot_be_flushed_leaves_the_old_folder(tmp_path, monkeypatch):
    target = tmp_path / "model"
    fill(target, "old")

    def fail(descriptor: int) -> None:
        raise OSError("the disk failed")

    def write() -> None:
        with whole_folder(target) as folder:
            fill(folder, "new")
            monkeypatch.setattr(os, "fsync", fail)

    with pytest.raises(OSError, match="the disk failed"):
        write()
    assert (target / "weights").read_text(encoding="utf-8") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_lock_on_a_file_that_was_removed_meanwhile_is_worth_nothing(tmp_path, monkeypatch):
    """Another process ends between opening and locking, and removes its file."""
    file, lock, calls = tmp_path / ".lock", durable.lock, []

    def late(opened):
        calls.append(opened)
        if len(calls) == 1:
            file.unlink()
        lock(opened)

    monkeypatch.setattr(durable, "lock", late)
    with locked(file):
        assert len(calls) == 2
        with pytest.raises(BlockingIOError), locked(file):
            pass
    assert not file.exists()
