"""What an export changes and gains: every family of tiny models with every head, and ``minilm``.

``python benchmarks/export.py FOLDER`` trains a short run of each, exports it with and without int8, and prints the
tables of docs/export.md. What is in ``FOLDER`` already is not measured again. The weights of tiny models are random, so
their int8 is a test of arithmetic and not of quality; that is measured with ``minilm``.
"""

from __future__ import annotations

import json
import shutil
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import taskzoo
from taskzoo import registry
from taskzoo.errors import TaskZooError
from taskzoo.export.export import ExportRequest, export_run
from taskzoo.runs.data import demo_rows
from taskzoo.testing import make_tiny_checkpoint

FAMILIES = (
    *("albert", "bert", "deberta-v2", "distilbert", "electra", "gpt2"),
    *("modernbert", "qwen2", "roberta", "t5", "xlm-roberta"),
)
GENERATING = (
    *("marian", "bart", "t5", "m2m_100", "nllb", "mbart", "mbart50", "pegasus", "mt5", "gpt2", "qwen2"),
    *("scratch:marian-tiny", "scratch:marian-tiny, two vocabularies"),
)
"""Families and models that are measured with translation."""
ALL_HEADS = ("bert", "gpt2")
"""Families that are measured with every head; the others with one for texts and one for tokens."""
ROWS = 64
SHORT: dict[str, Any] = {"precision": "fp32", "max_steps": 8, "batch_size": 16, "learning_rate": 3e-3, "seed": 1}
SHORT |= {"method": "full", "baseline": False}
PROBE: dict[str, Any] = {"precision": "fp32", "seed": 1, "method": "linear-probe", "baseline": False}


def rows_of(head: str) -> tuple[str, list[dict[str, Any]], dict[str, Any]]:
    """The task, its rows and its options for a head."""
    name = {"ner": "ner", "ner, CRF": "ner", "translation": "translation"}.get(head, "classification")
    entry = registry.task_entry(name)
    rows = [dict(row.fields) for row in demo_rows(entry.spec, entry.load()(entry.spec.resolve_options({})))["train"]]
    rows = rows[: 3 * ROWS]
    if head == "several labels":
        rows = [
            {"text": row["text"], "label": [row["label"], "long" if len(row["text"]) > 40 else "short"]} for row in rows
        ]
    if head == "number":
        return "sentiment", [{"text": row["text"], "label": len(row["text"]) + 0.5} for row in rows], {}
    options = {"ner, CRF": {"head": "crf"}, "translation": {"source_lang": "en", "target_lang": "zh"}}
    return name, rows, options.get(head, {})


def cases() -> Iterator[tuple[str, str]]:
    """Families with heads."""
    yield from ((family, "translation") for family in GENERATING)
    yield from ((family, head) for head in ("one label", "ner") for family in FAMILIES)
    yield from ((family, head) for head in ("several labels", "number", "ner, CRF") for family in ALL_HEADS)


def measure(folder: Path, family: str, head: str) -> dict[str, Any]:
    """Train, export, and give what was measured."""
    task, rows, options = rows_of(head)
    name, _, two = family.partition(", ")
    if two:
        options = {**options, "scratch_separate": True}
    texts = [text for row in rows for text in _texts(row)]
    model = name if ":" in name else str(make_tiny_checkpoint(folder / "model", name, texts))
    run = folder / "run"
    shutil.rmtree(run, ignore_errors=True)
    parts = {"train": rows[ROWS:], "validation": rows[:ROWS], "test": rows[:ROWS]}
    taskzoo.finetune(task, model=model, output=run, **parts, **SHORT, **options)
    return export_run(ExportRequest(run, int8=True, tolerance=1.0)).measured


def _texts(row: dict[str, Any]) -> list[str]:
    if "tokens" in row:
        return [" ".join(row["tokens"])]
    return [row["source"], row["target"]] if "source" in row else [row["text"]]


def measure_minilm(folder: Path, task: str) -> dict[str, Any]:
    """The same of ``minilm`` on the built-in demo set: a linear probe of texts, a short training of tokens."""
    run = folder / "run"
    shutil.rmtree(run, ignore_errors=True)
    taskzoo.finetune(
        task,
        model="minilm",
        data="demo",
        output=run,
        **(PROBE if task == "classification" else {**SHORT, "max_steps": 60}),
    )
    return export_run(ExportRequest(run, int8=True, tolerance=1.0)).measured


def table(results: dict[str, dict[str, Any]]) -> list[str]:
    """In Markdown, a line for each case."""
    head = ["model", "score", "fp32: largest output difference", "fp32: score", "int8: score, 95% interval"]
    head += ["MB, torch / fp32 / int8", "1 text, ms", "16 texts, ms"]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for name, found in results.items():
        if "refused" in found:
            lines.append(f"| {name} | {found['refused']} |" + " |" * (len(head) - 2))
            continue
        forms = found["forms"]
        full, int8 = (form["against_run"] for form in list(forms.values())[1:])
        low, high = int8["ci95"] or (float("nan"),) * 2
        cells = [
            name,
            int8["metric"],
            f"{full['largest_output_difference']:.1e}",
            f"{full['difference']:+.4f}",
            f"{int8['difference']:+.4f} [{low:+.4f}, {high:+.4f}]",
            " / ".join(f"{form['bytes'] / 1e6:.1f}" for form in forms.values()),
            *(" / ".join(f"{1000 * form['seconds'][size]:.1f}" for form in forms.values()) for size in ("1", "16")),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def main(folder: Path) -> None:
    """Measure what is missing in ``folder`` and print the tables."""
    warnings.simplefilter("ignore")
    wanted = [*cases(), *(("minilm", task) for task in ("classification", "ner"))]
    known: dict[str, dict[str, dict[str, Any]]] = {"minilm": {}, "tiny": {}, "translation": {}}
    for model, head in wanted:
        place = folder / f"{model}-{head}".replace(", ", "-").replace(" ", "-").replace(":", "-")
        file = place / "measured.json"
        if not file.is_file():
            place.mkdir(parents=True, exist_ok=True)
            try:
                found = measure_minilm(place, head) if model == "minilm" else measure(place, model, head)
            except TaskZooError as error:
                found = {"refused": str(error)}
            file.write_text(json.dumps(found), encoding="utf-8")
            print(f"{model}, {head}", file=sys.stderr)
        kind = "minilm" if model == "minilm" else "translation" if head == "translation" else "tiny"
        known[kind][f"{model}, {head}"] = json.loads(file.read_text("utf-8"))
    for results in known.values():
        print("\n".join(table(results)), end="\n\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
