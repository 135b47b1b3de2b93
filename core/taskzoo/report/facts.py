"""Settings, versions, and how to repeat the run."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from .finished import Finished
from .section import Section

LONGEST = 20_000
"""Characters of the configuration that are shown."""


def settings_section(run: Finished) -> Section:
    """What the run was made with."""
    manifest, directory = run.manifest, run.directory
    config = directory.config.read_text(encoding="utf-8", errors="replace")
    recipe = manifest.get("recipe", {})
    content = {
        "facts": _facts(manifest),
        "packages": manifest.get("environment", {}).get("packages", {}),
        "config": config if len(config) <= LONGEST else f"{config[:LONGEST]}\n... ({len(config):,} characters in all)",
        "recipe": "; ".join(recipe.get("sources", [])),
        "path": shlex.quote(directory.shown),
    }
    return Section("settings", "Settings, and how to repeat the run", "settings.html", content)


def _facts(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    model, machine = manifest.get("model", {}), manifest.get("environment", {})
    task, seconds = manifest.get("task", {}), manifest.get("seconds", {})
    revision = f", revision {model['revision']}" if model.get("revision") else ""
    found = [
        ("task", f"{task.get('name', '')}, {task.get('distribution') or 'no package'} {task.get('version') or ''}"),
        ("model", f"{model.get('name', '')} ({model.get('family', '')}){revision}"),
        ("parameters", f"{model.get('parameters', 0):,}, {model.get('trainable', 0):,} trained"),
        ("steps", f"{manifest.get('steps', 0):,}, best at step {manifest.get('best_step', 0):,}"),
        ("seed, precision", f"{manifest.get('seed', '')}, {manifest.get('precision', '')}"),
        ("machine", f"{machine.get('device', '')}, {machine.get('processor', '')}, {machine.get('platform', '')}"),
        ("time", ", ".join(f"{name.replace('_', ' ')} {value:,.0f} s" for name, value in seconds.items())),
        ("started, finished", f"{manifest.get('started', '')}, {manifest.get('finished', '')}"),
        ("git revision", str(manifest.get("environment", {}).get("git_revision") or "")),
    ]
    return [(name, value) for name, value in found if value.strip(" ,")]
