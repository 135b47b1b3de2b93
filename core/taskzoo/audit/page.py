"""An audit as JSON, and as one page of HTML in the style of reports."""

from __future__ import annotations

from typing import Any

from taskzoo.report.markup import render

from .audit import Audit
from .gap import known
from .wording import BLIND_SPOTS, FAMILY_HINTS, changed_line, gap_line, gate, interval, looked_at, number, opening, p_of

LISTED, IN_JSON = 20, 100
"""Gaps of a section on the page, and in JSON, the least probable first."""


def to_dict(audit: Audit, max_gap: float | None) -> dict[str, Any]:
    """All numbers, for JSON; of words only the least probable."""
    return {
        "run": audit.run,
        "task": audit.task,
        "rows": audit.rows,
        "score": audit.score,
        "mean": known(audit.mean),
        "languages": dict(audit.languages),
        "comparisons": audit.looked_at,
        "found": [{"part": gap.family, **gap.to_dict()} for gap in audit.found],
        "sections": [
            {
                "part": section.name,
                "title": section.title,
                "comparisons": len(section.gaps),
                "gaps": [gap.to_dict() for gap in section.closest[:IN_JSON]],
                "changes": [one.to_dict() for one in section.changes],
                "notes": list(section.notes),
            }
            for section in audit.sections
        ],
        "notes": list(audit.notes),
        "skipped": list(audit.skipped),
        "cannot_see": list(BLIND_SPOTS),
        "max_gap": max_gap,
        "exceeding": None if max_gap is None else [gap.about for gap in audit.exceeding(max_gap)],
    }


def make_page(audit: Audit, max_gap: float | None) -> str:
    """The page; it loads nothing."""
    return str(
        render(
            "audit.html",
            title=audit.run,
            audit=audit,
            opening=opening(audit),
            gate=None if max_gap is None else gate(audit, max_gap),
            beyond=bool(max_gap is not None and audit.exceeding(max_gap)),
            gap_line=gap_line,
            changed_line=changed_line,
            looked_at=looked_at,
            number=number,
            interval=interval,
            p_of=lambda gap: p_of(gap).removeprefix(", p ").removeprefix("= "),
            hints=FAMILY_HINTS,
            listed=LISTED,
            blind_spots=BLIND_SPOTS,
        )
    )
