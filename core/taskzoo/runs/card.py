"""The model card, ``RUN/README.md``: what was trained on what, how well, and how to use it."""

from __future__ import annotations

from typing import Any

from .data import overlap_notes
from .directory import RunDirectory, write_text
from .plan import Plan, describe_settings


def write_card(directory: RunDirectory, plan: Plan, metrics: dict[str, Any], manifest: dict[str, Any]) -> None:
    """Write the card from facts that the run recorded; it claims nothing else."""
    name = directory.path.name
    model = manifest["model"]
    lines = [
        f"# {name}",
        "",
        f"`{model['name']}` fine-tuned for **{plan.config.task}** with Task Zoo "
        f"{manifest['environment']['packages'].get('taskzoo', '')}.",
        "",
        "## Results",
        "",
        *result_table(metrics),
        "",
        "Intervals are 95% bootstrap intervals over rows. They say how far the test rows may mislead, not how well the "
        "model does on other kinds of text.",
        "",
        "## Data",
        "",
    ]
    for split, count in manifest["rows"].items():
        source = manifest["data"].get(split, {}).get("source", "split off the training rows")
        if plan.config.data.name == "demo":
            source = "built-in demo set"
        lines.append(f"- {split}: {count} rows ({source})")
    lines.extend(f"- {note}" for note in overlap_notes(plan.splits.overlap))
    lines += [
        "",
        "## Training",
        "",
        f"- {describe_settings(plan.config.training)}, seed {manifest['seed']}, {manifest['precision']}",
        f"- {model['parameters']:,} parameters, {model['trainable']:,} trained",
        f"- {manifest['steps']} steps in {manifest['seconds']['train']:.0f} s on {manifest['environment']['device']} "
        f"({manifest['environment']['processor']}); best at step {manifest['best_step']}",
        "",
        "## Use",
        "",
        "```bash",
        f'zoo predict {directory.path} "some text"',
        "```",
        "",
        "The folder `model/` loads with plain `transformers` as well. `config.yaml` repeats the run: "
        "`zoo run --config config.yaml`.",
        "",
        "## Limits",
        "",
        "The model knows only the labels and the kind of text it was trained on. The licence of the base model and of "
        "the data apply; neither was checked here.",
        "",
    ]
    write_text(directory.card, "\n".join(lines))


def result_table(metrics: dict[str, Any]) -> list[str]:
    """A Markdown table of all scalar scores with their intervals, a column per split."""
    splits = list(metrics)
    names = [
        name
        for name, value in metrics[splits[-1]].items()
        if isinstance(value, float) and not name.endswith("_ci95")
    ] if splits else []  # fmt: skip
    lines = ["| metric | " + " | ".join(splits) + " |", "|---" * (len(splits) + 1) + "|"]
    lines += [f"| {name} | " + " | ".join(format_score(metrics[s], name) for s in splits) + " |" for name in names]
    return lines


def format_score(scores: dict[str, Any], name: str) -> str:
    """``0.432 [0.401, 0.463]``, or a dash where there is none."""
    value = scores.get(name)
    if value is None:
        return "-"
    digits = 1 if abs(value) > 1 and name != "loss" else 4 if name == "loss" else 3
    interval = scores.get(f"{name}_ci95")
    text = f"{value:.{digits}f}"
    return text if interval is None else f"{text} [{interval[0]:.{digits}f}, {interval[1]:.{digits}f}]"
