"""The finished run from which another one continues (``--from``): what it must be, and what is taken over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskzoo import registry
from taskzoo.errors import RequestError, TaskZooError
from taskzoo.option_names import option_name

from .directory import TASK_FILE, RunDirectory
from .exported import is_export
from .identity import find_task, restore_task
from .saved_config import saved_config
from .summary import SUMMARY_FILE
from .task_file import SavedTask, read_task

if TYPE_CHECKING:
    from taskzoo.config import RunConfig
    from taskzoo.registry import TaskEntry
    from taskzoo.task import Task


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """A finished run.

    Args:
        path: its directory, or the folder of a model that was taken out of one.
        folder: where its model is.
        saved: its task.
        manifest: empty for a model without the rest of its run.
    """

    path: Path
    folder: Path
    saved: SavedTask
    manifest: Mapping[str, Any]

    def entry(self) -> TaskEntry:
        """Its task as it is installed now; raises as :func:`~taskzoo.runs.identity.find_task`."""
        return find_task(self.saved.task["name"], self.saved.task)

    def check(self, entry: TaskEntry, model: str | None) -> None:
        """Refuse, by a :class:`RequestError`, another task than its own, and a ``model`` besides it."""
        where = option_name("from_run", str(self.path))
        if model is not None:
            raise RequestError(
                f"{where} trains on from the model of that run, and {option_name('model', model)} names another one; "
                "leave one of them out."
            )
        if entry.full_name != self.saved.task["name"]:
            raise RequestError(
                f"{where} is a run of the task {self.saved.task['name']!r}, and this one is of {entry.full_name!r}; "
                "continue a run of the same task."
            )

    def options(self, entry: TaskEntry, given: Mapping[str, Any]) -> dict[str, Any]:
        """Its options of the task with those ``given`` in their place.

        Raises:
            RequestError: the languages are others.
        """
        known = {name: value for name, value in self.saved.options.items() if name in entry.spec.options}
        merged = {**known, **given}
        for name in entry.spec.languages.values():
            if name in known and merged[name] != known[name]:
                raise RequestError(
                    f"The run {str(self.path)!r} has {name}={known[name]}, and {name}={merged[name]} was asked for; "
                    "languages stay when a run is continued."
                )
        return merged

    def task(self, entry: TaskEntry, options: Mapping[str, Any]) -> Task:
        """A new object of its task with its state, which may have other ``options``."""
        return restore_task(entry, self.saved.task, options, self.saved.state)

    def catalogue_name(self) -> str | None:
        """The name that its base model, or the first of the runs before it, has in the catalogue."""
        first = list(self.chain())[-1]
        model = first.manifest.get("model", {})
        known = model.get("source", "catalogue") == "catalogue"  # a folder may have any name; old manifests do not say
        name = model.get("name")
        return name if known and name in {entry.name for entry in registry.models()} else None

    def chain(self) -> Iterator[EarlierRun]:
        """It, then the run that it was continued from, and so on, as far as they are still there."""
        run: EarlierRun | None = self
        known = set[Path]()
        while run is not None and run.path.resolve() not in known:
            yield run
            known.add(run.path.resolve())
            try:
                run = run.before()
            except TaskZooError:
                return

    def before(self) -> EarlierRun | None:
        """The run that it was continued from; ``None``: none.

        Raises:
            RequestError, DataError: that run is gone or another is in its place, or its own configuration is missing.
            PluginError: that run was made under another contract.
        """
        return self._learnt_from(self.config().from_run, self.manifest.get("from", {}).get("model_files"))

    def teacher(self) -> EarlierRun | None:
        """The run that taught it; ``None``: none. Raises as :meth:`before`."""
        return self._learnt_from(self.config().training.teacher, self.manifest.get("teacher", {}).get("sha256"))

    def _learnt_from(self, path: str | None, files: Mapping[str, str] | None) -> EarlierRun | None:
        """The run at ``path``, whose model had these ``files``, where that is recorded."""
        if not path:
            return None
        which = f"the run {Path(path).name!r}, from which {self.path.name!r} has learnt,"
        if not Path(path).exists():
            raise RequestError(f"{which} is not there any more")
        run = read_earlier(path)
        if files is not None and files != run.describe()["model_files"]:
            raise RequestError(f"{which} was replaced since")
        return run

    def config(self) -> RunConfig:
        """As :func:`~taskzoo.runs.saved_config.saved_config`."""
        return saved_config(RunDirectory(self.path))

    def describe(self) -> dict[str, Any]:
        """For the manifest: where it is, its task, the digests of its model, and what it was continued from itself."""
        files = {name: digests["sha256"] for name, digests in self.manifest.get("model_files", {}).items()}
        found = {"path": str(self.path), "task": dict(self.saved.task), "model_files": files}
        return {**found, **({"from": self.manifest["from"]} if "from" in self.manifest else {})}


def read_earlier(path: str | Path) -> EarlierRun:
    """The finished run at ``path``: its directory, the ``model`` folder inside, or a pushed run as it was downloaded.

    Raises:
        RequestError: there is none, it is not finished, or it is something else, such as an export.
        PluginError: it was made under another contract.
    """
    root = Path(path).absolute()
    if root.name == "model" and (root / TASK_FILE).is_file() and RunDirectory(root.parent).manifest.is_file():
        root = root.parent
    folder = root if (root / TASK_FILE).is_file() else root / "model"
    name = repr(str(path))
    if not root.exists():
        raise RequestError(
            f"There is no run at {name} to continue from; name the directory of a finished run. One on the hub is "
            f"continued with zoo run --from USER/NAME, or from Python with from_run=taskzoo.load('USER/NAME')."
        )
    if is_export(root) or is_export(folder):
        raise RequestError(f"{name} is an export, which cannot be trained; continue from the run that it is of.")
    if (root / SUMMARY_FILE).is_file():
        raise RequestError(f"{name} holds several runs; continue from one of the directories in it.")
    manifest = RunDirectory(root).read_manifest() if RunDirectory(root).manifest.is_file() else {}
    if (status := manifest.get("status", "finished")) != "finished":
        raise RequestError(f"The run {name} is not finished ({status}); `zoo resume {path}` ends it first.")
    if not (folder / TASK_FILE).is_file():
        raise RequestError(
            f"{name} is not a finished run: it has no model/{TASK_FILE}. {option_name('model')} takes a model that is "
            "not of a run."
        )
    return EarlierRun(root, folder, read_task(folder / TASK_FILE), manifest)
