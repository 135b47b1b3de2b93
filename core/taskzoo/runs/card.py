"""The model card, ``RUN/README.md``: what was trained on what, how well, and how to use it."""

from __future__ import annotations

from typing import Any

from .data import UNLABELLED
from .directory import RunDirectory, write_text
from .plan import Plan
from .wording import overlap_notes, result_notes, result_table, score_columns


def write_card(directory: RunDirectory, plan: Plan, metrics: dict[str, Any], manifest: dict[str, Any]) -> None:
    """Write the card from facts that the run recorded; it claims nothing else."""
    model, environment = manifest["model"], manifest["environment"]
    training = [
        f"- {plan.method().describe(plan.config.training)}, seed {manifest['seed']}, {manifest['precision']}",
        f"- {model['parameters']:,} parameters, {model['trainable']:,} trained",
        f"- {manifest['steps']} steps in {manifest['seconds']['train']:.0f} s on {environment['device']} "
        f"({environment['processor']}); best at step {manifest['best_step']}",
    ]
    paragraphs = [
        f"# {directory.path.name}",
        f"`{model['name']}` fine-tuned for **{plan.entry.name}** with Task Zoo "
        f"{environment['packages'].get('taskzoo', '')}.",
        "## Results",
        "\n".join(result_table(score_columns(metrics))),
        *result_notes(metrics),
        "Intervals are 95% bootstrap intervals over rows. They say how far the scores may be off because the test rows "
        "are few, not how well the model does on other kinds of text.",
        "## Data",
        "\n".join(_data_lines(plan, manifest)),
        "## Training",
        "\n".join(training),
        "## Use",
        f'```bash\nzoo predict {directory.path} "some text"\n```',
        "The folder `model/` loads with plain `transformers` as well. `config.yaml` repeats the run: "
        "`zoo run --config config.yaml`.",
        "## Limits",
        "The model knows only what it was trained on: these labels or targets, and this kind of text. The licences of "
        "the base model and of the data apply; neither was checked here.",
    ]
    write_text(directory.card, "\n\n".join(paragraphs) + "\n")


def _data_lines(plan: Plan, manifest: dict[str, Any]) -> list[str]:
    lines = []
    for split, count in manifest["rows"].items():
        source = manifest["data"].get(split, {}).get("source", "split off the training rows")
        if plan.config.data.name == "demo":
            source = "built-in demo set"
        lines.append(f"- {split}: {count} rows ({source})")
    if unlabelled := manifest["splits"].get(UNLABELLED):
        source = manifest["data"].get(UNLABELLED, {}).get("source", "the training rows left out by shots")
        lines.append(f"- unlabelled: {unlabelled['rows']} rows ({source})")
    return lines + [f"- {note}" for note in overlap_notes(manifest["overlap"])]
