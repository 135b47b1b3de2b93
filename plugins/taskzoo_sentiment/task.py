"""The task ``sentiment``: classes from negative to positive, stars, or a real-valued intensity."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from taskzoo import RequestError, Row
from taskzoo.heads.base import Head
from taskzoo.heads.label_text import check_types, one_label
from taskzoo.heads.regression import RegressionHead
from taskzoo.heads.single_label import SingleLabelHead
from taskzoo.heads.text_task import TextTask

from .decimal_commas import has_decimal_commas, with_point
from .label_kinds import NAMED, common_unit, find_kind, further_kind, in_order, label_key, require_number, require_star
from .stars import StarsHead

LEVELS = 4
"""Intensities that are nearest to the same quarter of the range count as alike when rows are split and compared."""
_TENS = {"10", "20", "30", "40", "50"}
MOST_SHOWN = 6
"""Classes that the description lists one by one."""


class SentimentTask(TextTask):
    """Says how negative or positive a text is; the training rows determine which kind their labels are."""

    heads = (SingleLabelHead, RegressionHead, StarsHead)

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__(options)
        self.kind, self.unit = "", ""
        self.decimal_comma = False
        self._names: dict[str, str] = {}  # of stars, as the training rows have them
        self._range = (0.0, 0.0)

    @property
    def numeric(self) -> bool:
        """Whether a number is predicted."""
        return self.kind == "intensity" or (self.kind == "stars" and self.options["stars_as"] == "numbers")

    def telling_rows(self, rows: Iterable[Row]) -> list[Row] | None:
        return self.rows_of_labels(rows)

    def read_labels(self, rows: Sequence[Row]) -> list[Any]:
        check_types(rows)
        is_new, learns = not self.kind, not self.kind or self.is_further
        if self.is_further:
            self._check_further()
        names = self.spelled(self._with_points(rows, [one_label(row) for row in rows]))
        if is_new:
            self.kind = find_kind(rows, names, self.options["kind"])
            self.unit = common_unit(rows, names) if self.kind == "intensity" else ""
            self._check_options()
        elif self.is_further and not self.numeric:
            self.kind = further_kind(rows, names, self.kind, asked=self.options["kind"], known=self.text_head.labels)
        if self.kind == "intensity":
            values = [require_number(row, name, self.unit) for row, name in zip(rows, names, strict=True)]
            if learns and values:
                known = () if is_new else self._range
                self._range = min([*known, *values]), max([*known, *values])
            return values
        if self.kind == "stars" and (learns or self.numeric):
            stars = [require_star(row, name, further=self.is_further) for row, name in zip(rows, names, strict=True)]
            if learns:
                self._names = {str(star): name for star, name in zip(stars, names, strict=True)} | self._names
            if self.numeric:
                return [float(star) for star in stars]
        return names

    @staticmethod
    def label_key(name: str) -> Hashable:
        return label_key(name)

    def label_classes(self, gold: Any) -> list[str]:
        if gold is None or self.kind == "intensity":
            return []
        return [self._names.get(f"{gold:g}", f"{gold:g}") if self.numeric else gold]

    def stratum(self, gold: Any) -> str:
        if gold is None or self.kind != "intensity":
            return super().stratum(gold)
        low, high = self._range
        return f"{gold:g}" if low == high else f"level {round(LEVELS * (gold - low) / (high - low))}"

    def fit_head(self, gold: Sequence[Any]) -> Head:
        if self.numeric:
            head = RegressionHead if self.kind == "intensity" else StarsHead
            return head.fitted(gold, **self.loss_options)
        return SingleLabelHead.fitted(gold, in_order(set(gold)), **self.loss_options)

    @property
    def loss_options(self) -> dict[str, Any]:
        if not self.numeric:
            return super().loss_options
        names = {"names": self._names} if self.kind == "stars" else {}
        return {"loss": self.options["loss"], **names}

    def describe(self) -> str:
        found = " (detected from the labels; kind=... sets it)" if self.options["kind"] == "auto" else ""
        tens = self.kind == "classes" and len(self._counts) > 3 and set(self._counts) <= _TENS
        return f"{self._describe_head()}{found}{'; if they are stars times ten, write 1 to 5' if tens else ''}"

    def state(self) -> dict[str, Any]:
        return {**super().state(), "kind": self.kind, "unit": self.unit, "decimal_comma": self.decimal_comma}

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self.kind, self.unit = state["kind"], state.get("unit", "")
        self.decimal_comma = state.get("decimal_comma", False)
        if isinstance(self.text_head, RegressionHead):
            self._range = self.text_head.scale.lowest, self.text_head.scale.highest
        if isinstance(self.text_head, StarsHead):
            self._names = dict(self.text_head.names)

    def _with_points(self, rows: Sequence[Row], names: list[str]) -> list[str]:
        """The labels without decimal commas, where the training rows, or else these rows, show that there are any."""
        if (self.kind or self.options["kind"]) not in ("auto", "stars", "intensity") and not self.decimal_comma:
            return names
        found = self.decimal_comma or has_decimal_commas(rows, names)
        self.decimal_comma = self.decimal_comma or (found and not self.kind)
        return [with_point(name) for name in names] if found else names

    def _describe_head(self) -> str:
        head = self.text_head
        if isinstance(head, RegressionHead):
            unit = f" ({self.unit})" if self.unit else ""
            what = "stars as a number" if self.kind == "stars" else f"intensity, a number{unit}"
            scale = head.scale
            return (
                f"{what} from {scale.lowest:g} to {scale.highest:g}, mean {scale.mean:.3g}, "
                f"deviation {scale.deviation:.3g}"
            )
        counts = {name: self._counts[name] for name in head.labels}
        named = [f"{name} ({count} row{'s' * (count != 1)})" for name, count in counts.items()]
        if len(counts) > MOST_SHOWN:
            least, *_, most = sorted(counts, key=lambda name: counts[name])
            named = [f"from {counts[least]} rows ({least}) to {counts[most]} ({most})"]
        return f"{f'{len(counts)} classes' if self.kind == 'classes' else self.kind}, {', '.join(named)}"

    def _check_further(self) -> None:
        """Refuse options that do not suit the labels of the run that is continued.

        Raises:
            RequestError: there is one.
        """
        asked, numbers = self.options["kind"], isinstance(self.text_head, RegressionHead)
        remedy = "leave it out, or train on all rows from the base model."
        if asked not in ("auto", self.kind, *(() if numbers else NAMED)):
            said = f"kind={asked} was asked for, and the earlier run was trained on labels that are {self.kind}"
            raise RequestError(f"{said}; {remedy}")
        if self.kind == "stars" and self.numeric != numbers:
            had = "numbers" if numbers else "classes"
            said = f"stars_as={self.options['stars_as']} was asked for, and the earlier run was trained on stars as"
            raise RequestError(f"{said} {had}; {remedy}")
        self._check_options()

    def _check_options(self) -> None:
        """Refuse options that the kind makes no use of.

        Raises:
            RequestError: there is one.
        """
        if self.kind != "stars" and self.options["stars_as"] == "numbers":
            raise RequestError(
                f"stars_as=numbers is for stars from 1 to 5, and these labels are {self.kind}; leave it out, or set "
                "kind=stars."
            )
        unused = {"class_weights": ("auto", "none"), "focal_gamma": (0.0,)} if self.numeric else {"loss": ("mse",)}
        for name, plain in unused.items():
            if self.options[name] not in plain:
                wanted, found = ("classes", "numbers") if self.numeric else ("numbers", "classes")
                raise RequestError(
                    f"{name}={self.options[name]} is for {wanted}, and the labels are read as {found} here "
                    f"({self.kind}); leave it out."
                )
