"""Leave one word out: how much less the model holds to the claim then (occlusion; Li et al. 2016)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from taskzoo.engine.progress import Reporter
from taskzoo.errors import RequestError
from taskzoo.evidence import Claim, Word

from .asking import Asked, Subject
from .words import without

MOST_WORDS = 2000
"""Of a text in which each is left out in turn."""


def leave_one_out(
    asked: Asked, subject: Subject, claim: Claim, words: Sequence[Word], unread: Collection[Word], reporter: Reporter
) -> tuple[float, list[float | None]]:
    """The value of the claim, and by how much each word raises it; ``None`` for those that are not read.

    Raises:
        RequestError: there are too many words.
    """
    tried = [word for word in words if word not in unread]
    if len(tried) > MOST_WORDS:
        raise RequestError(
            f"The text has {len(tried):,} words, and leaving each of them out takes the model as many passes; that is "
            f"done up to {MOST_WORDS:,} words. Give a part of the text, or use --method integrated-gradients."
        )
    changed = [(subject.texts, claim), *(without(subject.texts, [word], claim) for word in tried)]
    with reporter.bar("words left out", len(changed)) as bar:
        done = 0

        def advance(count: int) -> None:
            nonlocal done
            done += count
            bar.update(min(done, len(changed)))

        whole, *others = asked.values(subject, changed, advance)
    rest = dict(zip(tried, others, strict=True))
    return whole, [whole - rest[word] if word in rest else None for word in words]
