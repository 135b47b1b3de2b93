"""The model card, ``RUN/README.md``: what was trained on what, how well, and how to use it."""

from __future__ import annotations

from typing import Any

from .data import UNLABELLED, overlap_notes
from .directory import RunDirectory, write_text
from .plan import Plan, describe_settings

MANY = 0.1
"""A text that is written for this share of the rows is worth a word."""


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
        *result_table(score_columns(metrics)),
        "",
        *(line for note in result_notes(metrics) for line in (note, "")),
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
    if unlabelled := manifest["splits"].get(UNLABELLED):
        source = manifest["data"].get(UNLABELLED, {}).get("source", "the training rows that shots left out")
        lines.append(f"- unlabelled: {unlabelled['rows']} rows ({source})")
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
        "The model knows only what it was trained on: these labels or targets, and this kind of text. The licence of "
        "the base model and of the data apply; neither was checked here.",
        "",
    ]
    write_text(directory.card, "\n".join(lines))


def score_columns(metrics: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Title of a column -> its scores: the splits, then the baseline on the last of them."""
    splits = {name: scores for name, scores in metrics.items() if name != "baseline"}
    baseline = metrics.get("baseline")
    if not baseline or not splits:
        return splits
    last = list(splits)[-1]
    return {**splits, f"baseline {last}": baseline[last]}


def result_notes(metrics: dict[str, Any]) -> list[str]:
    """What a person should know of the scores, a sentence each."""
    return [note for note in (baseline_note(metrics), same_text_note(metrics)) if note]


def same_text_note(metrics: dict[str, Any]) -> str:
    """That one text was written for many rows of the last split, if it was."""
    splits = [split for split, found in metrics.items() if split != "baseline" and found]
    found = metrics[splits[-1]] if splits else {}
    same = found.get("same_text") or {"rows": 0}
    if same["rows"] < max(2, MANY * found.get("rows", 0)):
        return ""
    return f'For {same["rows"]} of {found["rows"]} rows of {splits[-1]} it wrote the same: "{same["text"]}"'


def baseline_note(metrics: dict[str, Any]) -> str:
    """Whether the model is better than the baseline, in a sentence; empty without a baseline."""
    found = metrics.get("baseline", {}).get("difference", {})
    if not found:
        return ""
    split = list(found)[-1]
    difference = found[split]
    low, high = difference["ci95"]
    shown = f"{difference['metric']} {difference['value']:+.3f} [{low:+.3f}, {high:+.3f}] on {split}"
    if low <= 0 <= high:
        return f"No clear difference to the baseline: {shown}."
    lower_is_better = difference["metric"] in ("mse", "mae", "rmse", "loss", "log_loss")
    better = (difference["value"] < 0) if lower_is_better else (difference["value"] > 0)
    return f"The model is {'better' if better else 'worse'} than the baseline: {shown}."


def result_table(metrics: dict[str, Any]) -> list[str]:
    """A Markdown table of all scalar scores with their intervals, a column per split."""
    splits, names = list(metrics), score_names(metrics)
    lines = ["| metric | " + " | ".join(splits) + " |", "|---" * (len(splits) + 1) + "|"]
    lines += [f"| {name} | " + " | ".join(format_score(metrics[s], name) for s in splits) + " |" for name in names]
    return lines


def score_names(metrics: dict[str, Any]) -> list[str]:
    """The scalar scores of the columns, in the order of the last split."""
    splits = [name for name in metrics if not name.startswith("baseline")]
    return [name for name, value in metrics[splits[-1]].items() if isinstance(value, float)] if splits else []


def format_score(scores: dict[str, Any], name: str) -> str:
    """``0.432 [0.401, 0.463]``, or a dash where there is none."""
    value = scores.get(name)
    if value is None:
        return "-"
    digits = 4 if name == "loss" else 1 if abs(value) > 10 else 3
    interval = scores.get(f"{name}_ci95")
    text = f"{value:.{digits}f}"
    return text if interval is None else f"{text} [{interval[0]:.{digits}f}, {interval[1]:.{digits}f}]"
