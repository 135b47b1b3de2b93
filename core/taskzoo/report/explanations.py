"""Explanations as one page of HTML, in the style of reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from taskzoo.explanations.explanation import Explained, Explanation, WordEvidence
from taskzoo.explanations.marked import claim_text, method_text, pieces
from taskzoo.runs.load import Run

from .markup import html, joined, render, text

LISTED = 20
"""Words in a table."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The evidence for one claim as it is on the page.

    Args:
        title: the claim.
        value: of it, with its unit.
        predicted: whether the prediction says it.
        method: in a line.
        texts: role -> the text with its words marked.
        words: the strongest.
        more: how many further words have evidence.
    """

    title: str
    value: str
    predicted: bool
    method: str
    texts: dict[str, Markup]
    words: list[WordEvidence]
    more: int


def explanations_page(run: Run, explanations: Sequence[Explanation]) -> str:
    """The page; it loads nothing."""
    rows = [(one, [_shown(each, one) for each in one.explained]) for one in explanations]
    return str(render("explanations.html", title=run.path.resolve().name, rows=rows, task=run.spec.id))


def _shown(explained: Explained, one: Explanation) -> Shown:
    strongest = explained.strongest
    texts = {role: joined([_marked(*piece) for piece in row]) for role, row in pieces(explained, one.inputs).items()}
    return Shown(
        claim_text(explained, one.inputs),
        f"{explained.unit} {explained.value:.3f}",
        explained.claim.predicted,
        method_text(explained),
        texts,
        strongest[:LISTED],
        max(0, len(strongest) - LISTED),
    )


def _marked(piece: str, word: WordEvidence | None, strength: float) -> Markup:
    if word is None:
        return text(piece)
    if word.evidence is None:
        return html('<span class="more" title="not read">{}</span>', piece)
    if not strength:
        return text(piece)
    side = "for" if strength > 0 else "against"
    share = f"{abs(strength):.2f}"
    return html('<mark class="{}" style="--s:{}" title="{}">{}</mark>', side, share, f"{word.evidence:+.3f}", piece)
