"""``zoo push``: publish a finished run on the hub."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from .options import Run


def push(
    run: Run,
    name: Annotated[str, typer.Argument(help="USER/NAME on the hub.")],
    private: Annotated[bool, typer.Option("--private", help="Make the repository private.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go, and send nothing.")] = False,
    licence: Annotated[
        str, typer.Option("--license", help="Licence of the model, e.g. mit (default: that of the base model).")
    ] = "",
) -> None:
    """Push a finished run to the Hugging Face hub: model, scores and card; no rows, no paths."""
    from taskzoo.hub.push import plan_push
    from taskzoo.hub.push import push as send

    from .output import print_facts, print_table, remark
    from .process import set_up_process

    set_up_process()
    planned = plan_push(run, name, licence=licence)
    if not dry_run:
        remark(f"Pushing {len(planned.contents.files)} files to {planned.name}")
        print(send(planned, private=private, bars=sys.stderr.isatty()))
        return
    model, data = planned.origins
    print_facts(
        ("to", str(planned.name)),
        ("private", "yes" if private else "no; --private makes it so if it is new"),
        ("base model", f"{model.name} (licence {model.licence})"),
        ("data", f"{data.name} (licence {data.licence})"),
    )
    print()
    print_table(["file", "bytes"], [[file, f"{size:,}"] for file, size in planned.contents.sizes.items()])
    print(f"\nREADME.md\n\n{planned.card}")
