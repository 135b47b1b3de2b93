"""What a run kept, as lists and mappings that become data frames."""

from __future__ import annotations

from typing import Any


class Records(list[dict[str, Any]]):
    """A list of mappings."""

    def to_frame(self) -> Any:
        """A pandas data frame: a row for each, a column for every key."""
        import pandas as pd

        return pd.DataFrame(list(self))


class Confusion(dict[str, dict[str, int]]):
    """Reference -> prediction -> number of rows."""

    def to_frame(self) -> Any:
        """A pandas data frame: a row for each reference, a column for each prediction."""
        import pandas as pd

        labels = list(dict.fromkeys([*self, *(label for row in self.values() for label in row)]))
        frame = pd.DataFrame.from_dict(self, orient="index").reindex(index=labels, columns=labels)
        return frame.fillna(0).astype(int).rename_axis(index="reference", columns="prediction")
