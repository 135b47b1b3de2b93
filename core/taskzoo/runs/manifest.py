"""What a run was made of: versions, hardware, hashes, seeds, timings."""

from __future__ import annotations

import json
import os
import platform
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskzoo.models.refs import SCRATCH, model_family, pinned

from .identity import describe_task, learnt_digest
from .revision import git_revision
from .teacher import describe_teacher

if TYPE_CHECKING:
    from taskzoo.config import RunConfig
    from taskzoo.models.refs import ModelRef

    from .loading import Loaded
    from .plan import Plan

PACKAGES = ("taskzoo", "torch", "transformers", "accelerate", "peft", "tokenizers", "numpy", "evaluate", "datasets")
CATALOGUE, HUB = "catalogue", "hub"
"""Of ``source`` of a model: what its name is, where that is a name that others know too."""


def describe_run(plan: Plan, loaded: Loaded, seconds: float) -> dict[str, Any]:
    """What the run records before it trains: task, model and data pinned, and how all of it was loaded."""
    session, ref = loaded.session, plan.ref
    trainable, parameters = loaded.parameters
    family = model_family(session.model.config.to_dict())
    return {
        "task": describe_task(plan.entry, plan.task),
        "learnt": learnt_digest(plan.entry, plan.task),
        "model": {"name": ref.name, "source": _source(ref), "location": ref.location, "family": family, **pinned(ref)}
        | {"parameters": parameters, "trainable": trainable, "trust_remote_code": ref.trusted},
        **({} if plan.continued is None else {"from": plan.continued.describe()}),
        **({"teacher": describe_teacher(teacher)} if (teacher := plan.config.training.teacher) else {}),
        "precision": loaded.precision,
        "processes": session.accelerator.num_processes,
        "seed": session.settings.seed,
        "settings": describe_settings(plan.config),
        "recipe": asdict(plan.recipe),
        "data": plan.splits.sources,
        "splits": plan.splits.made,
        "rows": {split: len(examples) for split, examples in session.examples.items()},
        "overlap": plan.splits.overlap,
        "counts": {split: encoded.counts for split, encoded in session.encoded.items()},
        "misfits": list(loaded.misfits),
        "environment": environment(),
        "seconds": {"load": round(seconds, 3)},
        "started": now(),
    }


def _source(ref: ModelRef) -> str:
    """What the name of a model is: one of the catalogue, one from scratch, a folder, or an id on the hub."""
    if ref.entry is not None:
        return CATALOGUE
    return "scratch" if ref.name.startswith(SCRATCH) else "folder" if ref.is_local else HUB


def describe_settings(config: RunConfig) -> dict[str, Any]:
    """What a run must not change on its way: the settings of training and the task's options, as JSON gives them."""
    settings: dict[str, Any] = json.loads(json.dumps({"training": asdict(config.training), "options": config.options}))
    return settings


def environment() -> dict[str, Any]:
    """Versions, hardware and git revision of this process."""
    import torch

    packages = {}
    for name in PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            packages[name] = metadata.version(name)
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": packages,
        "processor": processor_name(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "git_revision": git_revision(Path.cwd()),
    }


def now() -> str:
    """The time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def processor_name() -> str:
    """The model of the processor, as the system names it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
