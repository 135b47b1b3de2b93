"""What was found of labels and texts, in sentences."""

from __future__ import annotations

from .label_report import LabelReport
from .noise import Value

_UNITS = {
    "label": ("label", "labels"),
    "decision": ("label of a row", "labels of rows, given or not,"),
    "number": ("number", "numbers"),
    "entity": ("entity", "entities, given or likely,"),
}
TRUSTED = 0.8
"""Agreement below which probes hardly tell wrong labels from hard ones."""


def opening(report: LabelReport) -> str:
    """How many labels look wrong, in one sentence."""
    middle, low, high = (round(value) for value in report.wrong)
    many = _UNITS[report.unit][1]
    return f"About {middle:,} of {report.labels:,} {many} look wrong (95% interval {low:,} to {high:,})."


def basis(report: LabelReport) -> str:
    """What the estimate rests on, and how far it can be trusted."""
    said = (
        "Estimated by probes that have not seen the labels they judge, as if wrong ones came by chance from other rows"
    )
    if report.agreement is None:
        return f"{said}; numbers that are wrong by little are not found."
    trusted = "mistakes between similar labels are found less often"
    if report.agreement < TRUSTED:
        trusted = "that is little, so look at the first ones: labels that are hard to predict may be among them"
    return f"{said}. The probes agree with {report.agreement:.0%} of the labels; {trusted}."


def precision_text(value: Value) -> str:
    """``85% [70% to 93%]``."""
    return "{:.0%} [{:.0%} to {:.0%}]".format(*value)
