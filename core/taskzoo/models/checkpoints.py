"""From the word after ``--model`` to something ``from_pretrained`` can load."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from taskzoo import registry
from taskzoo.errors import RequestError, UnknownNameError

SCRATCH = "scratch:"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A resolved model.

    Args:
        name: as it was asked for.
        location: a local directory or a hub id.
        family: the ``model_type`` of its configuration, ``""`` while unknown (a hub id outside the registry).
        kind: ``encoder``, ``decoder``, ``encoder-decoder`` or ``""``.
        entry: its name in the registry, if it has one.
        revision: the hub revision to load, if the registry names one.
    """

    name: str
    location: str
    family: str = ""
    kind: str = ""
    entry: str | None = None
    revision: str | None = None

    @property
    def is_scratch(self) -> bool:
        return self.location.startswith(SCRATCH)

    @property
    def is_local(self) -> bool:
        return Path(self.location).is_dir()


def resolve_model(name: str) -> Checkpoint:
    """Look ``name`` up: registry name, local directory, or hub id (``owner/name``).

    Raises:
        UnknownNameError: none of these, with the nearest registry names.
        RequestError: a directory that holds no model.
    """
    known = {entry.name: entry for entry in registry.models()}
    if name in known:
        entry = known[name]
        path = registry.model_path(entry)
        location = str(path) if path else entry.hub
        if location is None:
            raise RequestError(f"The model {name!r} is not installed here and has no hub id to load it from.")
        return Checkpoint(name, location, entry.family, entry.kind, entry.name, None if path else entry.revision)
    if Path(name).is_dir():
        file = Path(name) / "config.json"
        if not file.is_file():
            raise RequestError(f"The directory {name!r} holds no model: it has no config.json.")
        try:
            config = json.loads(file.read_text(encoding="utf-8"))
        except ValueError:
            raise RequestError(f"{file} is not JSON, so the model there cannot be loaded.") from None
        return Checkpoint(name, str(Path(name).resolve()), config.get("model_type", ""), model_kind(config))
    if name.startswith(SCRATCH):
        from .scratch import parse_scratch

        architecture, _ = parse_scratch(name)
        kind = {"gpt2": "decoder", "t5": "encoder-decoder", "marian": "encoder-decoder"}.get(architecture, "encoder")
        return Checkpoint(name, name, family=architecture, kind=kind)
    if name.count("/") == 1 and not name.startswith((".", "/", "~")) and not name.endswith("/"):
        return Checkpoint(name, name)
    raise UnknownNameError("model", name, known, "`zoo models` lists all; a directory or a hub id works as well.")


def model_kind(config: dict[str, Any]) -> str:
    """``encoder``, ``decoder`` or ``encoder-decoder`` from the content of a ``config.json``."""
    if config.get("is_encoder_decoder"):
        return "encoder-decoder"
    architectures = config.get("architectures") or [""]
    causal = any(a.endswith(("CausalLM", "LMHeadModel")) and not a.startswith("Bert") for a in architectures)
    decoders = {"gpt2", "gpt_neo", "gpt_neox", "llama", "mistral", "qwen2", "qwen3", "opt", "bloom", "gemma", "phi"}
    return "decoder" if causal or config.get("model_type") in decoders else "encoder"
