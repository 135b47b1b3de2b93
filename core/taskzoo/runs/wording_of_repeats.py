"""What is said of several runs of one request."""

from __future__ import annotations

from collections.abc import Sequence

from taskzoo.score_text import ends_text, score_text

from .summary import Summary


def seeds_verdict(summary: Summary) -> list[str]:
    """The mean of the score by which runs are judged, what it leaves open, and what is to blame."""
    facts, count = summary.facts, len(summary.parts)
    name = facts["metric"]
    if not name:
        return ["The runs have no score that is defined for all seeds."]
    one, rows = facts["scores"][name], f"{facts['rows']:,} {facts['split']} rows"
    said = [
        f"{name} is {score_text(one['mean'])} on average over {count} seeds, from {score_text(one['low'])} to "
        f"{score_text(one['high'])}. The 95% interval of the mean is {_ends(one['t_ci95'])} for other seeds on these "
        f"{rows} (Student's t)"
    ]
    if "ci95" not in one:
        return [f"{said[0]}."]
    said[0] += f", and {_ends(one['ci95'])} for other seeds and other rows."
    seed, by_rows = one["seed_sd"], (one["rows_sd"] ** 2 + one["both_sd"] ** 2) ** 0.5
    total = seed**2 + by_rows**2
    if total:
        share = seed**2 / total
        said.append(
            f"The score of a single run has a standard deviation of about {score_text(total**0.5)}: "
            f"{score_text(seed)} by the seed and {score_text(by_rows)} by the choice of test rows, {share:.0%} and "
            f"{1 - share:.0%} of the variance."
        )
    return said


def folds_verdict(summary: Summary) -> list[str]:
    """The score of all rows, and how far its interval can be trusted."""
    facts, count = summary.facts, len(summary.parts)
    name = facts["metric"]
    if not name:
        return ["The folds have no score that can be computed from all rows together."]
    one, learnt, new = facts["scores"][name], facts.get("learnt_before", 0), " that had not seen it"
    if learnt != 0:
        which = "an unknown number" if learnt is None else f"{learnt:,}"
        new = f"; the run that they continue was trained on {which} of these rows"
    return [
        f"{name} is {score_text(one['value'])} {_ends(one['ci95'])} on all {facts['rows']:,} rows, each predicted by "
        f"one of {count} runs{new}.",
        "The 95% interval is for other rows and these models; the folds share training rows, so it leaves out part of "
        "what other training rows would change.",
    ]


def _ends(interval: Sequence[float] | None) -> str:
    return ends_text(interval) if interval else "(no interval)"
