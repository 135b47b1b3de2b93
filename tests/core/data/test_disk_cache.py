"""Entries of the cache on disk: whole or not there, and gone when nobody uses them."""

from __future__ import annotations

import os
import signal
import time

import pytest

from taskzoo.data import disk_cache
from taskzoo.data.processes import in_processes
from taskzoo.errors import DataError, MachineError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(disk_cache.FOLDER, str(tmp_path))
    return tmp_path


def fill(path):
    (path / "a").write_text("content")


def test_an_entry_is_made_once_and_again_where_it_is_damaged(folder):
    made = []
    for damage in (None, None, "a", "content.json"):
        if damage:
            (folder / "x" / damage).write_text("")
        entry = disk_cache.cached("x", lambda path: (made.append(path), fill(path)), say=made.append)
        assert (entry / "a").read_text() == "content"
    assert len(made) == 3
    assert not list(folder.glob("*.new"))


def test_what_fails_leaves_nothing_and_a_full_disk_is_said(folder):
    def full(path):
        fill(path)
        raise OSError(28, "No space left on device")

    for make, error in ((full, MachineError), (lambda path: 1 / 0, ZeroDivisionError)):
        with pytest.raises(error, match="TASKZOO_CACHE" if error is MachineError else "division"):
            disk_cache.cached("x", make, say=print)
        assert not list(folder.glob("*/"))


@pytest.mark.parametrize("below", [False, True])
def test_a_file_in_place_of_the_folder_is_said(tmp_path, monkeypatch, below):
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("TASKZOO_CACHE", str(file / "cache" if below else file))
    with pytest.raises(MachineError, match=r"TASKZOO_CACHE is .*, which is a file or below one; name a folder"):
        disk_cache.cached("x", fill, say=print)


def test_entries_that_nobody_has_used_for_long_are_removed(folder):
    old, new = (disk_cache.cached(name, fill, say=print) for name in ("old", "new"))
    long_ago = time.time() - (disk_cache.KEPT_DAYS + 1) * 24 * 3600
    for entry in (old, new):
        os.utime(entry / "content.json", (long_ago, long_ago))
    disk_cache.cached("new", fill, say=print)  # it is used
    disk_cache.cached("another", fill, say=print)
    assert new.is_dir()
    assert not old.exists()


def test_parts_come_in_order_and_errors_as_they_were_raised():
    def squared(number: int) -> int:
        if number == 7:
            raise DataError("seven.", file="f.csv", line=7)
        return number * number

    assert list(in_processes(squared, range(5))) == [0, 1, 4, 9, 16]
    with pytest.raises(DataError, match=r"f\.csv:7: seven") as caught:
        list(in_processes(squared, range(20)))
    assert caught.value.line == 7


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="processes are forked on Linux alone")
def test_a_process_that_is_killed_is_said(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    mine = os.getpid()

    def killed(number: int) -> int:
        if number == 3 and os.getpid() != mine:
            os.kill(os.getpid(), signal.SIGKILL)
        return number

    with pytest.raises(MachineError, match="ended from outside"):
        list(in_processes(killed, range(9)))
