"""Look-up for commands and notebooks: :mod:`taskzoo.registry` offers these functions.

They are the methods of one :class:`Registry` for the process, which reads plugins and catalogue on first use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, Union, cast

from taskzoo.errors import PluginError, RequestError, UnknownNameError, shown
from taskzoo.option_names import option_name
from taskzoo.spec import KINDS, TaskSpec

from .discovery import Discovery, PluginRecord, discover
from .entries import Entries, short_list
from .naming import FIRST_PARTY, ExtensionEntry, TaskEntry, normalise, resolve
from .references import entry_of_class, entry_of_reference

if TYPE_CHECKING:
    from taskzoo.callbacks import Callback
    from taskzoo.task import Task

    from .catalogue import Catalogue
    from .layers import Layer
    from .schema import DatasetEntry, ModelEntry, Recipe

Entry = TypeVar("Entry")
TaskReference: TypeAlias = Union[str, "type[Task]", TaskEntry]
"""A bare or full name, ``"path/to/task.py:Class"``, a class with a ``spec``, or an entry."""


@dataclass(frozen=True, slots=True)
class ResolvedRecipe:
    """Settings from all recipes that match, the most specific last, and where they come from in that order."""

    values: dict[str, Any] = field(default_factory=dict)
    sources: list[str] = field(default_factory=list)


class Registry:
    """Plugins and catalogue, read once.

    Args:
        discovery: the plugins (default: the installed ones).
        layers: layers of the catalogue in place of the built-in one and the user's; those of plugins lie over them.
    """

    def __init__(self, discovery: Discovery | None = None, layers: Sequence[Layer] | None = None) -> None:
        self._given = discovery, layers

    def refresh(self) -> None:
        """Forget what was read; the next call reads plugins and catalogue anew."""
        for name in ("_found", "_complete", "_entries"):
            self.__dict__.pop(name, None)

    @cached_property
    def _found(self) -> Discovery:
        """What plugins registered; their catalogues need not be read for anything but tasks."""
        return self._given[0] or discover()

    @cached_property
    def _complete(self) -> tuple[Discovery, Catalogue]:
        """Plugins, and the catalogue without the user's files, which may be at fault."""
        from .catalogue import complete

        return complete(self._found, self._given[1])

    @property
    def _plugins(self) -> Discovery:
        return self._complete[0]

    @cached_property
    def _entries(self) -> Catalogue:
        """The whole catalogue."""
        from .catalogue import user_layers

        entries = self._complete[1].copy()
        for layer in user_layers() if self._given[1] is None else ():
            entries.add(layer, self._plugins.tasks)
        return entries

    # Plugins and what they register

    def plugins(self, *names: str) -> Entries[PluginRecord]:
        """Every plugin found, also those that failed or are disabled; with ``names``, those of them alone.

        Args:
            names: of plugins or of their distributions.

        Raises:
            UnknownNameError: nothing of a name is installed, with the nearest.
        """
        found = self._plugins.plugins
        known = {record: (normalise(record.name), normalise(record.distribution)) for record in found}
        for name in names:
            if not any(normalise(name) in words for words in known.values()):
                installed = dict.fromkeys(word for record in found for word in (record.name, record.distribution))
                raise UnknownNameError("plugin", name, installed, "`zoo plugins` lists all.")
        wanted = {normalise(name) for name in names}
        chosen = [record for record, words in known.items() if not wanted or not wanted.isdisjoint(words)]
        return Entries(chosen, ("name", "status", "distribution", "version", "tasks", "reason"))

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

    def _extensions(self, kind: str) -> Entries[ExtensionEntry]:
        return Entries(self._found.extensions[kind], ("name", "summary", "distribution"))

    def _extension(self, kind: str, name: str) -> Any:
        entries = self._found.extensions[kind]
        hint = f"There are {', '.join(entry.name for entry in entries)}." if entries else ""
        return resolve(kind, name, entries, hint).load()

    def tasks(self, model: ModelEntry | str | None = None) -> Entries[TaskEntry]:
        """All tasks that can be run, taskzoo's own first.

        Args:
            model: only tasks that this model suits.
        """
        entry = self.model(model) if isinstance(model, str) else model
        found = [task for task in self._plugins.tasks if entry is None or entry.suits(task.spec)]
        return Entries(found, ("name", "summary", "distribution", "version"))

    def task_entry(self, task: TaskReference) -> TaskEntry:
        """A task with where it comes from.

        Args:
            task: a bare or full name, ``"path/to/task.py:Class"``, a subclass of :class:`taskzoo.Task` that has a
                ``spec``, or an entry.

        Raises:
            PluginError: the plugin of this name failed or is disabled.
            RequestError: several third parties offer it, with the full names, or the class cannot be used.
            UnknownNameError: no such task, with the nearest names.
        """
        if isinstance(task, TaskEntry):
            return task
        if isinstance(task, type):
            return entry_of_class(task)
        if not isinstance(task, str):
            raise RequestError(f"A task is a name, a path/to/task.py:Class or a class, not {task!r}.")
        if ":" in task:
            return entry_of_reference(task)
        known = self._plugins.tasks
        hint = "`zoo tasks` lists all." if known else "No plugin offers a task; `pip install taskzoo` has some."
        try:
            return resolve("task", task, known, hint)
        except RequestError as error:
            broken = self._unusable_plugin(task)
            advice = f"; repair or upgrade {broken.distribution}" if broken and broken.status == "failed" else ""
            # The id of a failed plugin of taskzoo's own passes to nobody else (see naming.shorten).
            owned = advice and broken and normalise(broken.distribution) == FIRST_PARTY
            if broken and (owned or isinstance(error, UnknownNameError)):
                raise PluginError(
                    f"Task {task!r} cannot be used: its plugin {broken.name!r} of {broken.distribution} "
                    f"{'failed' if advice else 'is disabled'} ({broken.reason}){advice}."
                ) from None
            raise

    def task(self, task: TaskReference) -> TaskSpec:
        """The spec of a task; a registered one is not imported. Raises as :meth:`task_entry` does."""
        return self.task_entry(task).spec

    def load_task(self, task: TaskReference) -> type[Task]:
        """The class of a task, imported now. Raises as :meth:`task_entry` and :meth:`reader` do."""
        return self.task_entry(task).load()

    def default_model(self, task: TaskReference, demo: bool = False) -> str | None:
        """The name of the model that a run uses when none is asked for. Raises as :meth:`task_entry` does.

        Args:
            task: as for :meth:`task_entry`.
            demo: whether it runs on the task's demo set, which must not need a network.
        """
        entry = self.task_entry(task)
        tasks = self._entries.tasks
        mine = tasks.get(entry.full_name) or (tasks.get(entry.id) if entry.name == entry.id else None)
        chosen = (mine and mine.default_model) or entry.spec.default_model
        return ((mine and mine.demo_model) or entry.spec.demo_model or chosen) if demo else chosen

    def _unusable_plugin(self, name: str) -> PluginRecord | None:
        """The failed or disabled plugin that a task of this name would come from."""
        distribution, _, task_id = name.rpartition("/")
        bad = [record for record in self._plugins.plugins if record.status != "ok"]
        if distribution:
            bad = [record for record in bad if normalise(record.distribution) == normalise(distribution)]
        return next((record for record in bad if record.name == task_id), bad[0] if bad and distribution else None)

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
        *,
        sentence_encoder: bool | None = None,
        gated: bool | None = None,
        unknown_size: bool = False,
    ) -> Entries[ModelEntry]:
        """The models that meet every condition given. ``models().to_frame()`` has all that is known.

        Args:
            task: of a kind that this task takes, and not tuned for other tasks. Those tuned for it come first, then
                the kinds in the order in which the task names them.
            language: a name or code, such as ``zh``, ``Chinese`` or ``中文``; ``zh`` also finds ``zh-cn``, ``zh-Hans``.
            family: the ``model_type``, e.g. ``bert``.
            kind: ``encoder``, ``decoder`` or ``encoder-decoder``.
            max_params: at most this many parameters, also as ``"50M"``. Models of unknown size are left out, and the
                ``note`` of what is returned names them.
            license: the licence tag, e.g. ``mit``.
            text: part of the name, the hub id or the description.
            sentence_encoder: only models that were trained to encode sentences (or, ``False``, only others).
            gated: only models whose terms must be agreed to on the hub (or, ``False``, only others).
            unknown_size: with ``max_params``: models of unknown size as well, at the end.

        Raises:
            UnknownNameError: a task, language or family that there is not, with the nearest names.
            RequestError: a kind that does not exist, a number that is none, or a word that is no text.
        """
        entries = list(self._entries.models.values())
        if kind is not None and kind not in KINDS:
            raise RequestError(f"There is no kind of model named {kind!r}; there are {', '.join(KINDS)}.")
        _check_words(family=family, license=license, text=text)
        families = {entry.family.casefold() for entry in entries}
        if family is not None and family.casefold() not in families:
            raise UnknownNameError("family of models", family, sorted(families))
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
            and sentence_encoder in (None, entry.sentence_encoder)
            and _is_as_asked(entry, license, text, gated)
        ]
        shown = ("name", "family", "kind", "parameters", "context_length", "languages", "license", "sentence_encoder")
        small = [entry for entry in found if limit is None or 0 < (entry.parameters or 0) <= limit]
        unsized = [entry for entry in found if limit is not None and entry.parameters is None]
        left_out = "" if unknown_size or not unsized else _of_unknown_size(unsized)
        return Entries([*small, *unsized] if unknown_size else small, (*shown, "description"), left_out)

    def model(self, name: str) -> ModelEntry:
        """One model by name. Raises UnknownNameError with the nearest names."""
        return _known("model", name, self._entries.models, "`zoo models` lists all.")

    def datasets(
        self,
        task: TaskReference | None = None,
        language: str | None = None,
        license: str | None = None,
        text: str | None = None,
        *,
        gated: bool | None = None,
    ) -> Entries[DatasetEntry]:
        """The data sets that meet every condition given, which are as for :meth:`models`. Raises as that does."""
        entries = list(self._entries.datasets.values())
        _check_words(license=license, text=text)
        speaks = _language_filter(language, entries)
        if task is not None:
            # Data sets may speak of a task whose plugin is not installed.
            named = isinstance(task, str) and any(task in entry.tasks for entry in entries)
            names = {task} if named else {self.task_entry(task).full_name, self.task_entry(task).id}
            entries = [entry for entry in entries if not names.isdisjoint(entry.tasks)]
        found = [entry for entry in entries if speaks(entry.languages) and _is_as_asked(entry, license, text, gated)]
        return Entries(found, ("name", "tasks", "languages", "sizes", "license", "description"))

    def dataset(self, name: str) -> DatasetEntry:
        """One data set by name. Raises as :meth:`model` does."""
        return _known("data set", name, self._entries.datasets, "`zoo datasets` lists all.")

    def recipe(
        self,
        task: TaskReference,
        model: ModelEntry | str | None = None,
        kind: str | None = None,
        method: str = "auto",
        parameters: int | None = None,
    ) -> ResolvedRecipe:
        """The settings that all matching recipes give together, the most specific last.

        Args:
            task: as for :meth:`task_entry`.
            model: an entry of the catalogue or its name, or the family of a model outside it (a word that is
                both means the entry).
            kind: the model's kind (an entry knows its own).
            method: the training method, e.g. ``lora``.
            parameters: how many the model has, ``None`` where that is not known (an entry may know its own).
        """
        known = self._entries.models.get(model) if isinstance(model, str) else model
        run = {"model": None, "family": str(model or ""), "kind": kind, "method": method}
        if known:
            run.update(model=known.name, family=known.family, kind=kind or known.kind)
            parameters = parameters or known.parameters
        result = ResolvedRecipe()
        for recipe in self.recipes(task):
            if recipe.match.fits(run, parameters):
                result.values.update(recipe.set)
                result.sources.append(str(recipe))
        return result

    def recipes(self, task: TaskReference) -> Entries[Recipe]:
        """All recipes of a task, in the order they apply. Raises as :meth:`task_entry` does."""
        entry = self.task_entry(task)
        found = [recipe for recipe in self._entries.recipes if recipe.is_for(entry)]
        return Entries(found, ("match", "set", "version", "note", "origin"))

    def model_path(self, model: ModelEntry | str) -> Path | None:
        """The local directory of a model that is installed here, else None. Raises as :meth:`model` does."""
        return (self.model(model) if isinstance(model, str) else model).find()

    def is_available(self, model: ModelEntry | str) -> bool:
        """Whether a model's files are here, so that it loads without a network. Raises as :meth:`model` does."""
        return self.model_path(model) is not None


def parse_count(value: int | str) -> int:
    """``50M``, ``1.5B``, ``300k`` or a plain number as an integer.

    Raises:
        RequestError: it is none of these.
    """
    units = {"k": 10**3, "m": 10**6, "b": 10**9, "g": 10**9}
    number = str(value).strip().lower()
    scale = units.get(number[-1:], 1)
    with suppress(ValueError, OverflowError):  # the latter for infinity; a NaN is not above 0
        count = float(number[:-1] if scale > 1 else number) * scale
        if count > 0:
            return int(count)
    raise RequestError(f"{value!r} is not a number of parameters; write it like 50M, 1.5B or 300000.")


def _known(kind: str, name: Any, known: Mapping[str, Entry], hint: str) -> Entry:
    if not isinstance(name, str):
        raise RequestError(f"A {kind} is asked for by its name, not by {shown(name)}.")
    if name not in known:
        raise UnknownNameError(kind, name, known, hint)
    return known[name]


def _check_words(**words: Any) -> None:
    """Refuse, by a RequestError, a condition that is not one word; None is no condition."""
    for name, word in words.items():
        if not isinstance(word, str | None):
            raise RequestError(f"{name}={shown(word)} must be text, such as {name}={_EXAMPLES[name]!r}.")


_EXAMPLES = {"family": "bert", "license": "mit", "text": "multilingual"}


def _is_as_asked(entry: ModelEntry | DatasetEntry, license: str | None, text: str | None, gated: bool | None) -> bool:
    words = f"{entry.name}\n{entry.hub}\n{entry.description}".casefold()
    return (
        (license is None or (entry.license or "").casefold() == license.casefold())
        and (text is None or text.casefold() in words)
        and gated in (None, entry.gated)
    )


def _of_unknown_size(entries: Sequence[ModelEntry]) -> str:
    names = short_list([entry.name for entry in entries])
    models = "1 model of unknown size is" if len(entries) == 1 else f"{len(entries)} models of unknown size are"
    return f"{models} left out ({names}); {option_name('unknown_size', True)} shows them."


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

    def speaks(languages: Iterable[str]) -> bool:
        return any(f"{plain(one)}-".startswith(f"{code}-") for one in languages)

    code = plain(wanted)
    if not any(speaks(entry.languages) for entry in entries):
        from taskzoo.languages import as_language, language_code

        # a variant that no entry has stays one: zh-TW does not mean every Chinese
        code = code if "-" in code and as_language(wanted) else language_code(wanted)
    return speaks


_process: Registry = Registry()
