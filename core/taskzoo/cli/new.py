"""``zoo new``: the beginning of a plugin."""

from __future__ import annotations

from typing import Annotated

import typer


def new(
    name: Annotated[str, typer.Argument(help="The task's name, e.g. rhyme-scheme, or taskzoo-rhyme-scheme.")],
    output: Annotated[str | None, typer.Option(help="The folder to make (default: taskzoo-NAME).")] = None,
    kind: Annotated[
        str,
        typer.Option(
            help="What it predicts: classification (a label for a text), pair (for two texts), regression (a number), "
            "token (a tag for each word), generation (a text); custom: a label, with every part written out."
        ),
    ] = "classification",
) -> None:
    """Create a working plugin package for a task called NAME, for you to change into your own."""
    from taskzoo.testing.new_package import package_name, task_name, write_package
    from taskzoo.testing.package_kinds import ALIASES, KINDS

    folder, name = write_package(name, output, kind), task_name(name)
    about = KINDS[ALIASES.get(kind, kind)].about.replace("`", "")
    print(f"Created {folder}, a package that registers the task {name!r}. As generated, {about}.")
    print()
    print(f"Install   pip install -e {folder}")
    print(f"Check     zoo check {name}")
    print(f"Run       zoo run {name}")
    print(f"Change    {folder}/{package_name(name)}/task.py, and the other files listed in its README")
