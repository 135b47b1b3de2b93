"""Look-up for commands and notebooks: :mod:`taskzoo.registry` offers these functions.

They are the methods of one :class:`Registry` for the process, which reads plugins and catalogue on first use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, Union, cast

from taskzoo.errors import PluginError, RequestError, UnknownNameError
from taskzoo.spec import KINDS, TaskSpec

from .discovery import Discovery, PluginRecord, discover
from .entries import Entries
from .naming import FIRST_PARTY, ExtensionEntry, TaskEntry, normalise, resolve

if TYPE_CHECKING:
    from taskzoo.callbacks import Callback
    from taskzoo.task import Task

    from .catalogue import Catalogue
    from .layers import Layer
    from .merging import ResolvedRecipe
    from .schema import DatasetEntry, ModelEntry, Recipe

TaskReference: TypeAlias = Union[str, "type[Task]", TaskEntry]
"""A bare or full name, ``"path/to/task.py:Class"``, a class with a ``spec``, or an entry."""


class Registry:
    """Plugins and catalogue, read once.

    Args:
        discovery: the plugins (default: the installed ones).
        layers: layers of the catalogue in place of the built-in one and the user's; those of plugins lie over them.
    """

    def __init__(self, discovery: Discovery | None = None, layers: Sequence[Layer] | None = None) -> None:
        self._given = discovery, layers
        self._found: Discovery | None = None
        self._completed: tuple[Discovery, Catalogue] | None = None
        self._user: Catalogue | None = None

    def refresh(self) -> None:
        """Forget what was read; the next call reads plugins and catalogue anew."""
        self._found = self._completed = self._user = None

    def _extensions(self, kind: str) -> Entries[ExtensionEntry]:
        """What plugins registered besides tasks; their catalogues need not be read for it."""
        if self._found is None:
            self._found = discover() if self._given[0] is None else self._given[0]
        return Entries(self._found.extensions[kind], ("name", "summary", "distribution"))

    def _complete(self) -> tuple[Discovery, Catalogue]:
        """Plugins, and the catalogue without the user's files, which may be at fault."""
        if self._completed is None:
            from . import catalogue

            self._extensions("command")
            assert self._found is not None
            self._completed = catalogue.complete(self._found, self._given[1])
        return self._completed

    def _plugins(self) -> Discovery:
        return self._complete()[0]

    def _entries(self) -> Catalogue:
        """The whole catalogue."""
        if self._user is None:
            from . import catalogue

            discovery, base = self._complete()
            entries = base.copy()
            for layer in catalogue.user_layers() if self._given[1] is None else ():
                entries.add(layer, discovery.tasks)
            self._user = entries
        return self._user

    # Plugins and what they register

    def plugins(self) -> Entries[PluginRecord]:
        """Every plugin found, also those that failed or are disabled."""
        return Entries(self._plugins().plugins, ("name", "status", "distribution", "version", "tasks", "reason"))

    def methods(self) -> Entries[ExtensionEntry]:
        """The training methods (``--method NAME``), taskzoo's own first."""
        return self._extensions("method")

    def method(self, name: str) -> type[Any]:
        """The :class:`taskzoo.methods.base.Method` of this name, imported now. Raises as :meth:`reader` does."""
        return cast("type[Any]", self._extension("method", name))

    def readers(self) -> Entries[ExtensionEntry]:
        """The file formats (``--format NAME``), taskzoo's own first."""
        return self._extensions("reader")

    def reader(self, name: str) -> type[Any]:
        """The :class:`taskzoo.data.readers.base.Reader` of this name, imported now.

        Raises:
            UnknownNameError: there is none of this name, with the nearest.
            RequestError: several third parties offer one; the message lists the full names.
            PluginError: it cannot be imported.
        """
        return cast("type[Any]", self._extension("reader", name))

    def commands(self) -> Entries[ExtensionEntry]:
        """The commands (``zoo NAME``), taskzoo's own first."""
        return self._extensions("command")

    def command(self, name: str) -> Callable[..., Any]:
        """The function of a command, imported now. Raises as :meth:`reader` does."""
        return cast("Callable[..., Any]", self._extension("command", name))

    def callbacks(self) -> Entries[ExtensionEntry]:
        """The callbacks (``--track NAME``), taskzoo's own first."""
        return self._extensions("callback")

    def callback(self, name: str) -> type[Callback]:
        """The class of a callback, imported now. Raises as :meth:`reader` does."""
        return cast("type[Callback]", self._extension("callback", name))

    def _extension(self, kind: str, name: str) -> Any:
        entries = self._extensions(kind)
        hint = f"There are {', '.join(entry.name for entry in entries)}." if entries else ""
        return resolve(kind, name, entries, hint).load()

    def tasks(self, model: ModelEntry | str | None = None) -> Entries[TaskEntry]:
        """All tasks that can be run, taskzoo's own first.

        Args:
            model: only tasks that this model suits.
        """
        entry = self.model(model) if isinstance(model, str) else model
        found = [task for task in self._plugins().tasks if entry is None or entry.suits(task.spec)]
        return Entries(found, ("name", "summary", "distribution", "version"))

    def task_entry(self, task: TaskReference) -> TaskEntry:
        """A task with where it comes from.

        Args:
            task: a bare or full name, ``"path/to/task.py:Class"``, a subclass of :class:`taskzoo.Task` that has a
                ``spec``, or an entry.

        Raises:
            PluginError: the plugin of this name failed or is disabled.
            RequestError: several third parties offer it (the message lists the full names), or the class cannot be
                used.
            UnknownNameError: no such task, with the nearest names.
        """
        if isinstance(task, TaskEntry):
            return task
        if isinstance(task, type):
            from .references import entry_of_class

            return entry_of_class(task)
        if not isinstance(task, str):
            raise RequestError(f"A task is a name, a path/to/task.py:Class or a class, not {task!r}.")
        if ":" in task:
            from .references import entry_of_reference

            return entry_of_reference(task)
        broken = self._unusable_plugin(task)
        # A failed first-party plugin keeps its name: no third party's task of the same id takes over unnoticed.
        if (
            broken is not None
            and broken.status == "failed"
            and broken.name == task.rpartition("/")[2]
            and normalise(broken.distribution) == FIRST_PARTY
        ):
            raise _unusable(task, broken)
        known = self._plugins().tasks
        hint = "`zoo tasks` lists all." if known else "No plugin offers a task; `pip install taskzoo` has some."
        try:
            return resolve("task", task, known, hint)
        except UnknownNameError:
            if broken is not None:
                raise _unusable(task, broken) from None
            raise

    def task(self, task: TaskReference) -> TaskSpec:
        """The spec of a task; a registered one is not imported. Raises as :meth:`task_entry` does."""
        return self.task_entry(task).spec

    def load_task(self, task: TaskReference) -> type[Task]:
        """The class of a task, imported now. Raises as :meth:`task_entry` does.

        Raises:
            PluginError: its module cannot be imported or holds no such class.
        """
        return self.task_entry(task).load()

    def default_model(self, task: TaskReference, demo: bool = False) -> str | None:
        """The name of the model that a run uses when none is asked for. Raises as :meth:`task_entry` does.

        Args:
            task: as for :meth:`task_entry`.
            demo: whether it runs on the task's demo set, which must not need a network.
        """
        entry = self.task_entry(task)
        tasks = self._entries().tasks
        mine = tasks.get(entry.full_name) or (tasks.get(entry.id) if entry.name == entry.id else None)
        chosen = (mine and mine.default_model) or entry.spec.default_model
        return ((mine and mine.demo_model) or entry.spec.demo_model or chosen) if demo else chosen

    def _unusable_plugin(self, name: str) -> PluginRecord | None:
        """The failed or disabled plugin that a task of this name would come from."""
        distribution, _, task_id = name.rpartition("/")
        bad = [record for record in self.plugins() if record.status != "ok"]
        if distribution:
            bad = [record for record in bad if normalise(record.distribution) == normalise(distribution)]
            return next((record for record in bad if record.name == task_id), bad[0] if bad else None)
        return next((record for record in bad if record.name == task_id), None)

    # Models, data sets and recipes

    def models(  # noqa: PLR0913 - public, and all of them conditions
        self,
        task: TaskReference | None = None,
        language: str | None = None,
        family: str | None = None,
        kind: str | None = None,
        max_params: int | str | None = None,
        license: str | None = None,
        text: str | None = None,
    ) -> Entries[ModelEntry]:
        """The models that meet every condition given. ``pandas.DataFrame(models().facts())`` has all that is known.

        Args:
            task: of a kind that this task takes, and not tuned for other tasks. Those tuned for it come first, then
                the kinds in the order in which the task names them.
            language: a name or code, such as ``zh``, ``Chinese`` or ``中文``; ``zh`` also finds ``zh-cn``, ``zh-Hans``.
            family: the ``model_type``, e.g. ``bert``.
            kind: ``encoder``, ``decoder`` or ``encoder-decoder``.
            max_params: at most this many parameters, also as ``"50M"``; a model of unknown size is left out.
            license: the licence tag, e.g. ``mit``.
            text: part of the name, the hub id or the description.

        Raises:
            UnknownNameError: a task, language or family that there is not, with the nearest names.
            RequestError: a kind that does not exist, or a number that is none.
        """
        entries = list(self._entries().models.values())
        if kind is not None and kind not in KINDS:
            raise RequestError(f"There is no kind of model named {kind!r}; there are {', '.join(KINDS)}.")
        families = {entry.family.casefold() for entry in entries}
        if family is not None and str(family).casefold() not in families:
            raise UnknownNameError("family of models", str(family), sorted(families))
        limit = None if max_params is None else parse_count(max_params)
        speaks = _language_filter(language, entries)
        if task is not None:
            spec = self.task_entry(task).spec
            entries = [entry for entry in entries if entry.suits(spec)]
            entries.sort(key=lambda entry: (spec.id not in entry.tuned_for, spec.kinds.index(entry.kind)))
        found = [
            entry
            for entry in entries
            if speaks(entry.languages)
            and (family is None or entry.family.casefold() == family.casefold())
            and (kind is None or entry.kind == kind)
            and (limit is None or (entry.parameters is not None and entry.parameters <= limit))
            and (license is None or (entry.license or "").casefold() == license.casefold())
            and (text is None or text.casefold() in f"{entry.name}\n{entry.hub}\n{entry.description}".casefold())
        ]
        return Entries(found, ("name", "family", "kind", "parameters", "languages", "license", "description"))

    def model(self, name: str) -> ModelEntry:
        """One model by name.

        Raises:
            UnknownNameError: no such model, with the nearest names.
        """
        known = self._entries().models
        if name not in known:
            raise UnknownNameError("model", name, known, "`zoo models` lists all.")
        return known[name]

    def datasets(self, task: TaskReference | None = None, language: str | None = None) -> Entries[DatasetEntry]:
        """The data sets that meet every condition given. Raises as :meth:`models` does."""
        entries = list(self._entries().datasets.values())
        speaks = _language_filter(language, entries)
        names = None if task is None else self._dataset_tasks(task)
        found = [
            entry
            for entry in entries
            if (names is None or not names.isdisjoint(entry.tasks)) and speaks(entry.languages)
        ]
        return Entries(found, ("name", "tasks", "languages", "sizes", "license", "description"))

    def dataset(self, name: str) -> DatasetEntry:
        """One data set by name.

        Raises:
            UnknownNameError: no such data set, with the nearest names.
        """
        known = self._entries().datasets
        if name not in known:
            raise UnknownNameError("data set", name, known, "`zoo datasets` lists all.")
        return known[name]

    def recipe(
        self,
        task: TaskReference,
        model: ModelEntry | str | None = None,
        kind: str | None = None,
        method: str = "full",
    ) -> ResolvedRecipe:
        """The settings that all matching recipes give together, the most specific last.

        Args:
            task: as for :meth:`task_entry`.
            model: an entry of the catalogue or its name, or the family of a model outside it (a word that is
                both means the entry).
            kind: the model's kind (an entry knows its own).
            method: the training method, e.g. ``lora``.
        """
        from .merging import merge

        matching = self.recipes(task)
        if isinstance(model, str):
            model = self._entries().models.get(model, model)
        if model is None or isinstance(model, str):
            return merge(matching, None, model or None, kind or None, method)
        return merge(matching, model.name, model.family, kind or model.kind, method)

    def recipes(self, task: TaskReference) -> Entries[Recipe]:
        """All recipes of a task, in the order they apply. Raises as :meth:`task_entry` does."""
        entry = self.task_entry(task)
        found = [recipe for recipe in self._entries().recipes if recipe.is_for(entry)]
        return Entries(found, ("match", "set", "version", "note", "origin"))

    def model_path(self, model: ModelEntry | str) -> Path | None:
        """The local directory of a model that is installed here, else None; nothing is imported.

        Raises:
            UnknownNameError: no model of this name, with the nearest.
        """
        from . import local

        return local.model_path(self.model(model) if isinstance(model, str) else model)

    def is_available(self, model: ModelEntry | str) -> bool:
        """Whether a model's files are here, so that it loads without a network. Raises as :meth:`model_path` does."""
        return self.model_path(model) is not None

    def _dataset_tasks(self, task: TaskReference) -> set[str]:
        """The names by which data sets may speak of a task, whose plugin need not be installed."""
        named = {name for entry in self._entries().datasets.values() for name in entry.tasks}
        if isinstance(task, str) and task in named:
            return {task}
        entry = self.task_entry(task)
        return {entry.full_name, entry.id}


def parse_count(value: int | str) -> int:
    """``50M``, ``1.5B``, ``300k`` or a plain number as an integer.

    Raises:
        RequestError: it is none of these.
    """
    units = {"k": 10**3, "m": 10**6, "b": 10**9, "g": 10**9}
    number = str(value).strip().lower()
    scale = units.get(number[-1:], 1)
    try:
        count = float(number[:-1] if scale > 1 else number) * scale
        if count > 0:
            return int(count)  # OverflowError for infinity; a NaN is not above 0
    except (ValueError, OverflowError):
        pass
    raise RequestError(f"{value!r} is not a number of parameters; write it like 50M, 1.5B or 300000.")


def _language_filter(
    wanted: str | None, entries: Iterable[ModelEntry | DatasetEntry]
) -> Callable[[Iterable[str]], bool]:
    """Whether languages include the one that is asked for, by name or code, or one of its variants.

    Raises:
        UnknownNameError: it is no language, with the nearest names.
    """
    if wanted is None:
        return lambda _: True
    if not isinstance(wanted, str):
        raise RequestError(f"A language is one name or code, such as en, not {wanted!r}.")

    def plain(code: str) -> str:
        return code.casefold().replace("_", "-")

    code = plain(wanted)
    named = {plain(language) for entry in entries for language in entry.languages}
    if not any(name == code or name.startswith(f"{code}-") for name in named):
        from taskzoo.languages import as_language, language_code

        # a variant that no entry has stays one: zh-TW does not mean every Chinese
        code = code if "-" in code and as_language(wanted) else language_code(wanted)
    return lambda languages: any(plain(one) == code or plain(one).startswith(f"{code}-") for one in languages)


def _unusable(name: str, record: PluginRecord) -> PluginError:
    state = "is disabled" if record.status == "disabled" else "failed"
    advice = "" if record.status == "disabled" else f"; repair or upgrade {record.distribution}"
    return PluginError(
        f"Task {name!r} cannot be used: its plugin {record.name!r} of {record.distribution} {state} "
        f"({record.reason}){advice}."
    )


_process = Registry()

refresh = _process.refresh
plugins = _process.plugins
methods = _process.methods
method = _process.method
readers = _process.readers
reader = _process.reader
commands = _process.commands
command = _process.command
callbacks = _process.callbacks
callback = _process.callback
tasks = _process.tasks
task_entry = _process.task_entry
task = _process.task
load_task = _process.load_task
default_model = _process.default_model
models = _process.models
model = _process.model
datasets = _process.datasets
dataset = _process.dataset
recipe = _process.recipe
recipes = _process.recipes
model_path = _process.model_path
is_available = _process.is_available
