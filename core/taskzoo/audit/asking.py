"""The rows of an audit with their model, to predict changed texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from taskzoo.errors import RequestError
from taskzoo.runs.load import Run
from taskzoo.runs.scored_rows import ScoredRows, inputs
from taskzoo.types import Prediction, Row

Say = Callable[[str], object]
"""Is told what is predicted next."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A model and rows to ask it about.

    Args:
        run: the model.
        rows: what it reads, as a reader gives it, with plain text in the roles in ``roles``.
        references: the gold answers.
        roles: the roles whose texts are changed.
        say: is told what is predicted.
        spread: the standard deviation of numbers that are predicted, over all test rows; 0 for other predictions.
    """

    run: Run
    rows: Sequence[Row]
    references: Sequence[Prediction]
    roles: tuple[str, ...]
    say: Say
    spread: float = 0.0

    def predict(self, rows: Sequence[Row], what: str) -> list[Prediction]:
        """One public prediction for each row; ``what`` they are is said."""
        self.say(f"Predicting {len(rows):,} texts: {what}")
        return self.run.predict_rows(rows)


def asked_rows(run: Run, scored: ScoredRows, chosen: Sequence[int], say: Say) -> Asked:
    """The chosen test rows, as the predictions repeat them.

    Raises:
        RequestError: predictions do not repeat the text.
    """
    spec, roles = run.spec, tuple(run.task.input_roles) or (run.spec.input_role,)
    rows = []
    for i in chosen:
        given = inputs(spec, scored.rows[i])
        kept = {role: v for role, v in given.items() if isinstance(v, str) or spec.columns[role].required}
        if not any(isinstance(kept.get(role), str) and kept[role].strip() for role in roles):
            continue
        rows.append((Row(kept, "test", i + 1), dict(scored.rows[i]["reference"])))
    if not rows:
        raise RequestError(
            f"The predictions of {str(scored.path)!r} do not repeat the text of their rows ({', '.join(roles)}), so it "
            "cannot be changed and predicted again; use --only slices."
        )
    values = [row["value"] for row in scored.rows if isinstance(row.get("value"), int | float)]
    spread = float(np.std(values)) if values and np.ptp(values) else 0.0
    return Asked(run, [row for row, _ in rows], [reference for _, reference in rows], roles, say, spread)
