"""``zoo push``: a finished run becomes a repository on the hub."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from taskzoo.errors import RequestError
from taskzoo.runs.directory import TASK_FILE

from .card import hub_card
from .contents import CARD, Contents, collect, finished_run, public_facts
from .failures import explain_hub_errors
from .licences import Origin, data_origin, model_origin
from .names import HubName

if TYPE_CHECKING:
    from huggingface_hub import HfApi

KEPT = (".gitattributes",)
"""Files of the hub's own in a repository."""


@dataclass(frozen=True, slots=True)
class Push:
    """What would go, and where.

    Attributes:
        name: of the repository.
        contents: the files.
        card: the text of ``README.md``.
        origins: of base model and data.
    """

    name: HubName
    contents: Contents
    card: str
    origins: tuple[Origin, Origin]


def plan_push(run: str | Path, name: str, *, licence: str = "") -> Push:
    """What of a finished run goes to ``USER/NAME``; nothing is sent.

    Raises:
        RequestError: the run is not finished or not whole, the name is none, or something private would go.
    """
    target = HubName.read(name)
    if target.revision:
        raise RequestError(f"{name!r} names a revision; runs are pushed to USER/NAME.")
    directory = finished_run(Path(run))
    facts = public_facts(directory)
    origins = model_origin(facts), data_origin(directory, facts)
    card = hub_card(directory, target, facts, origins, licence)
    return Push(target, collect(directory, card), card, origins)


def push(planned: Push, *, private: bool = False, bars: bool = False) -> str:
    """Send it in one commit; the address of that. Files of an earlier push that are no longer needed are removed.

    Raises:
        RequestError: the hub cannot be reached or refuses; or the repository holds something else, or is public
            although ``private`` is asked for.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

    api, repo = HfApi(), planned.name.repo
    with explain_hub_errors(f"The run cannot be pushed to {repo!r}", bars=bars):
        there = _files_there(api, repo, private=private)
        if there is None:
            api.create_repo(repo, private=private, repo_type="model")
        operations: list[CommitOperationAdd | CommitOperationDelete] = [
            CommitOperationAdd(name, content) for name, content in planned.contents.files.items()
        ]
        stale = set(there or ()) - planned.contents.files.keys() - set(KEPT)
        operations += [CommitOperationDelete(name) for name in sorted(stale)]
        return str(api.create_commit(repo, operations, commit_message="Push a run of Task Zoo").commit_url)


def _files_there(api: HfApi, repo: str, *, private: bool) -> Sequence[str] | None:
    """The files of the repository; ``None``: there is none yet."""
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        info = api.model_info(repo)
    except RepositoryNotFoundError:
        return None
    files = [file.rfilename for file in info.siblings or ()]
    if TASK_FILE not in files and set(files) - {*KEPT, CARD}:
        raise RequestError(f"{repo!r} on the hub holds something else than a run of Task Zoo; choose another name.")
    if private and not info.private:
        raise RequestError(f"{repo!r} is public; make it private on its page first, or choose another name.")
    return files
