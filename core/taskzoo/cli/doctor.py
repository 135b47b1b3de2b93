"""``zoo doctor``: check the installation."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from taskzoo import installation
from taskzoo.escapes import visible

from .output import print_json


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False) -> None:
    """Check Python, packages, device, memory, disk, plugins and the hub; exit code 1 if something needs doing."""
    findings = []
    for finding in installation.examine_installation():
        findings.append(finding)
        if not as_json:
            status = finding.status.upper() if finding.status == "problem" else finding.status
            print(visible(f"{status:<8} {finding.part:<24} {finding.found}"), flush=True)
            if finding.advice:
                print(f"{'':<33} {finding.advice}", flush=True)
    problems = sum(finding.status == "problem" for finding in findings)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        print(f"\n{problems or 'No'} problem{'' if problems == 1 else 's'} found.")
    if problems:
        raise typer.Exit(1)
