"""A run by its name on the hub, as a folder on this machine."""

from __future__ import annotations

from pathlib import Path

from taskzoo.errors import RequestError
from taskzoo.runs.directory import TASK_FILE
from taskzoo.runs.task_file import read_task

from .failures import explain_hub_errors
from .names import HubName

NOT_OURS = ("*.bin", "*.h5", "*.msgpack", "*.onnx", "*.gguf", "*.ckpt", "*.pt", "*.pth")
"""What no run has, and is not downloaded."""


def local_run(run: str | Path) -> Path:
    """The folder of a run: ``run`` itself, or, of a name such as ``USER/NAME``, a copy in the hub's cache.

    Raises:
        RequestError: the hub has no such run, cannot be reached, or what it has is not a run of Task Zoo.
    """
    name = HubName.of_run(run)
    return Path(run) if name is None else download(name)


def download(name: HubName) -> Path:
    """The files of a pushed run. Nothing of them is run; that takes ``trust_remote_code``.

    Raises:
        RequestError: as :func:`local_run`.
    """
    from huggingface_hub import hf_hub_download, snapshot_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    with explain_hub_errors(f"There is no run at {str(name)!r} on this machine, and from the hub it cannot be loaded"):
        try:
            task_file = hf_hub_download(name.repo, TASK_FILE, revision=name.revision)
        except LocalEntryNotFoundError:
            raise
        except EntryNotFoundError:
            raise RequestError(
                f"The model {str(name)!r} on the hub is not a run of Task Zoo: it has no {TASK_FILE}. Give it to "
                "--model to train from it."
            ) from None
        saved = read_task(Path(task_file))
        if not saved.task["distribution"]:
            raise RequestError(
                f"The task of {str(name)!r} ({saved.task['name']}) is no package, so it cannot be found here; ask its "
                "author to publish one."
            )
        return Path(snapshot_download(name.repo, revision=name.revision, ignore_patterns=list(NOT_OURS)))
