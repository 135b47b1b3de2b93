"""``zoo new``: the beginning of a plugin."""

from __future__ import annotations

from typing import Annotated

import typer


def new(
    name: Annotated[str, typer.Argument(help="The task's name, e.g. rhyme-scheme.")],
    output: Annotated[str | None, typer.Option(help="The folder to make (default: taskzoo-NAME).")] = None,
    kind: Annotated[
        str, typer.Option(help="classifier: labels for texts, almost no code; custom: every part written out.")
    ] = "classifier",
) -> None:
    """Create a working plugin package for a task called NAME, for you to change into your own."""
    from taskzoo.testing.new_package import package_name, write_package

    folder = write_package(name, output, kind)
    print(f"Created {folder}, a package that registers the task {name!r}. As generated it classifies texts.")
    print()
    print(f"Install   pip install -e {folder}")
    print(f"Check     zoo check {name}")
    print(f"Run       zoo run {name}")
    print(f"Change    {folder}/{package_name(name)}/task.py, and the other files listed in its README")
