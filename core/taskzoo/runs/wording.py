"""What is said to people of data, settings, scores and learning curves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any

from taskzoo.data.stored_rows import few_of
from taskzoo.escapes import markdown
from taskzoo.models.refs import model_family
from taskzoo.option_names import option_name, setting_name
from taskzoo.score_text import score_text

from .bad_rows import bad_row_notes
from .data import SPLITS, UNLABELLED
from .forgetting import forgotten_notes
from .label_report import suspicious_labels
from .old_rows import FROM, LEFT_OUT, MIXED, TEACHER, unread
from .verdict import BASELINE, alternatives, baseline_difference, baseline_name, comparison, split_scores

if TYPE_CHECKING:
    from .curve import Curve
    from .loading import Loaded
    from .plan import Plan

EARLIER = {FROM: "the earlier run", TEACHER: "the teacher"}
OVERLAP = {
    "train_test": "test rows have an input that is also in train; the test score is too good by that",
    "train_validation": "validation rows have an input that is also in train",
    "validation_test": "test rows have an input that is also in validation",
    **{
        f"{which}_{pair}": sentence.format(run)
        for which, run in EARLIER.items()
        for pair, sentence in {
            "train_test": "test rows have an input that {} was trained on; the test score may be too good by that",
            "train_validation": "validation rows have an input that {} was trained on",
            "validation_test": "test rows have an input that is also in the validation rows of {}",
        }.items()
    },
    "inside_train": "training rows repeat an earlier input",
    "conflicting_targets": "inputs occur with different targets",
    "repeated_pairs": "training rows repeat an earlier pair of input and target",
}


# data


def overlap_notes(report: Mapping[str, Any]) -> list[str]:
    """What a person should know of rows that the splits share: one line per finding, with the first example."""
    notes = []
    for name, sentence in OVERLAP.items():
        if count := (found := report.get(name) or {}).get("count"):
            first = f" (e.g. {' and '.join(found['examples'][0])})" if found.get("examples") else ""
            notes.append(f"{count} {sentence}{first}")
    return notes


def split_note(made: Mapping[str, Any]) -> str:
    """How missing splits were made, in a few words; empty when all were given."""
    notes = []
    if "method" in made:
        notes.append(f"split {made['method']}{' by groups' if made['grouped'] else ''} with seed {made['seed']}")
    if made.get("holdout"):
        sizes = (f"{made['sizes'][split]} {split}" for split in ("validation", "test") if made["sizes"][split])
        notes.append(f"held out: {', '.join(sizes)}")
    if "fold" in made:
        notes.append(f"tested on fold {made['fold']['fold']} of {made['fold']['folds']} of the training rows")
        if unused := made["fold"].get("unused_test_rows"):
            notes.append(f"the {unused} test rows that were given are not used")
    if "added_rows" in made:
        notes.append(f"{made['added_rows']} training rows added by the task")
    if "shots" in made:
        none = "" if made.get("sizes", {}).get("validation") else ", no validation rows split off"
        notes.append(f"{made['shots']['shots']} training rows per class{none}")
    if MIXED in made:
        notes.append(f"{made[MIXED]['train']} of {made[MIXED]['of']} training rows of the earlier run mixed in")
    if LEFT_OUT in made:
        notes.append(f"{made[LEFT_OUT]} training rows left out that are test rows of the earlier run")
    notes += [
        f"not all rows that {run} has learnt can be read again, so test rows may be among them"
        for which, run in EARLIER.items()
        if unread(which) in made
    ]
    if UNLABELLED in made:
        notes.append(f"{made[UNLABELLED]['rows']} unlabelled texts")
    return "; ".join(notes)


def left_out_notes(sources: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What reading left out of each split and what the task noticed in it, one line per finding."""
    return [
        f"{split}: {count} {what}"
        for split, source in sources.items()
        for what, count in {**(source.get("left_out") or {}), **(source.get("noticed") or {})}.items()
        if count
    ] + bad_row_notes(sources)


def count_notes(counts: Mapping[str, int]) -> list[str]:
    """What encoding counted, e.g. ``3 truncated rows``."""
    return [f"{value} {name.replace('_', ' ')}" for name, value in counts.items() if value]


def cut_output_notes(predictions: Sequence[Mapping[str, Any]]) -> list[str]:
    """How many generated texts ended at the length limit instead of where the model would have ended them."""
    cut = sum(bool(prediction.get("_truncated")) for prediction in predictions)
    outputs = f"{cut} output{'s' if cut > 1 else ''}"
    limit = f"the limit of new tokens; raise it with {setting_name('max_new_tokens=N')}"
    return [f"{outputs} cut at {limit}"] if cut else []


def known_file_notes(manifest: Mapping[str, Any], sha256: str) -> list[str]:
    """That a file to be scored on is one that the run has learnt from; ``sha256`` is that of the file."""
    uses = {"train": "was trained on", "validation": "chose its checkpoint by"}
    made = manifest.get("splits", {}).get("sizes") or {}
    notes = []
    for split, use in uses.items():
        source = manifest.get("data", {}).get(split, {})
        if sha256 in (source.get("sha256"), *(source.get("files") or {}).values()):
            parts = " (its test rows were split off from it)" if split == "train" and made.get("test") else ""
            notes.append(f"warning   this is the file that the run {use}{parts}; scores on new texts will be lower")
    return notes


# before training


def opening(plan: Plan) -> list[str]:
    """What is about to happen, before anything is loaded."""
    examples, note = plan.splits.examples, split_note(plan.splits.made)
    rows = ", ".join(f"{split} {len(examples[split])}" for split in SPLITS)
    demo = f"No data named: using the built-in demo set of {plan.entry.name}."
    recipe = ", ".join(f"{name}={value}" for name, value in plan.recipe.values.items())
    return [
        *([demo] if plan.config.data.name == "demo" else []),
        f"data      {rows} rows{note and f' ({note})'}",
        *(f"warning   {line}" for line in left_out_notes(plan.splits.sources) + overlap_notes(plan.splits.overlap)),
        *plan_lines(plan),
        *(f"warning   {note}" for note in suspicious_labels(plan.task, few_of(examples["train"]))),
        *([f"recipe    {recipe} (from {'; '.join(plan.recipe.sources)})"] if recipe else []),
    ]


def plan_lines(plan: Plan) -> list[str]:
    """What the task inferred from the training rows, if it has anything to say, and the settings."""
    said = plan.task.describe()
    lines = [f"{'texts' if plan.task.generates else 'labels':<10}{said}"] if said else []
    return [*lines, f"settings  {plan.method().describe(plan.config.training)}"]


def loaded_lines(plan: Plan, loaded: Loaded) -> list[str]:
    """The model, and what encoding noticed in each split."""
    session, (trainable, total) = loaded.session, loaded.parameters
    noted = {split: ", ".join(count_notes(encoded.counts)) for split, encoded in session.encoded.items()}
    return [
        f"model     {plan.ref.name} ({model_family(session.model.config.to_dict())}, {total / 1e6:.1f}M parameters, "
        f"{trainable / total:.1%} trained), {loaded.precision} on {session.accelerator.device.type}",
        *(_training_lines(loaded) if loaded.method.takes_steps else ()),
        *(f"{split:<10} {note}" for split, note in noted.items() if note),
        *(f"warning   {note}" for note in loaded.misfits),
    ]


def _training_lines(loaded: Loaded) -> Iterator[str]:
    """How rows are packed; what training needs, and what to do where it is not there."""
    from taskzoo.engine.memory import available_memory, training_memory

    given, made = len(loaded.session.encoded["train"].features), len(loaded.session.training_features)
    if made != given:
        yield f"packed    {given} sequences of the training rows into {made}, which the batch size counts"
    needed, there = training_memory(loaded.session), available_memory(loaded.session.accelerator.device)
    yield f"memory    training needs about {gibibytes(needed)} more, and {gibibytes(there)} are free"
    if needed > there:
        smaller = [option_name("method", "lora"), setting_name("micro_batch_size=4")]
        smaller += [setting_name("gradient_checkpointing=true"), f"a smaller {option_name('model')}"]
        yield f"warning   That may not suffice; {alternatives(smaller)} needs less."


def gibibytes(size: int) -> str:
    """``3.2 GiB``."""
    return f"{size / 2**30:.1f} GiB"


# scores


def score_columns(metrics: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Title of a column -> its scores: the splits, then the baseline on the last of them."""
    splits: dict[str, Any] = split_scores(metrics)
    if splits and (baseline := metrics.get(BASELINE)):
        last = list(splits)[-1]
        splits[f"{BASELINE} {last}"] = baseline[last]
    return splits


def score_names(columns: Mapping[str, Any]) -> list[str]:
    """The scalar scores of the columns, in the order of the last split."""
    splits = [name for name in columns if not name.startswith(BASELINE)]
    return [name for name, value in columns[splits[-1]].items() if isinstance(value, float)] if splits else []


def format_score(scores: Mapping[str, Any], name: str) -> str:
    """``0.432 [0.401, 0.463]``, or a dash where there is none."""
    value = scores.get(name)
    if value is not None and name == "loss":
        return f"{value:.4f}"
    return score_text(value, scores.get(f"{name}_ci95"))


def result_table(columns: Mapping[str, Any]) -> list[str]:
    """A Markdown table of all scalar scores with their intervals, a column per split."""
    rows = [["metric", *columns], ["---"] * (len(columns) + 1)]
    for name in score_names(columns):
        rows.append([markdown(name), *(format_score(scores, name) for scores in columns.values())])
    return [f"| {' | '.join(row)} |" for row in rows]


def result_notes(metrics: Mapping[str, Any]) -> list[str]:
    """What a person should know of the scores besides what is wrong (:func:`~taskzoo.runs.verdict.verdict`)."""
    starts = {"better": "The model is better than", "unclear": "No clear difference from"}
    if (start := starts.get(comparison(metrics))) is None:
        return forgotten_notes(metrics)
    return [f"{start} {baseline_name(metrics)}: {baseline_difference(metrics)}.", *forgotten_notes(metrics)]


def method_notes(manifest: Mapping[str, Any]) -> list[str]:
    """What ``method=auto`` compared, and what it kept."""
    facts = manifest.get("auto") or {}
    if facts.get("probe") is None:
        only_probe = facts.get("kept") == "probe" and "score" not in facts
        return ["Only a linear probe was fitted: the rest of the model is as it was pretrained."] if only_probe else []
    name, trained = facts["score"], facts["trained"]
    reached = "gave no score" if trained is None else f"reached {_shown(trained)}"
    second = facts.get("second_learning_rate")  # which runs of earlier versions do not state
    again = " in two attempts" if facts["restarted"] else ""
    again += f", the second at a learning rate of {second:g}" if second is not None else ""
    kept = "The trained weights were kept." if facts["kept"] == "trained" else "The linear probe was kept."
    return [f"Validation {name}: linear probe {_shown(facts['probe'])}; training {reached}{again}. {kept}"]


def best_step(manifest: Mapping[str, Any]) -> str:
    """``, best at step 20``; empty where no validation rows chose it."""
    return f", best at step {manifest['best_step']}" if manifest["rows"].get("validation") else ""


# what changed since an earlier run


def changed_model(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """That a model of one name is not what it was, with what changed; arguments are ``model`` of two manifests."""
    changed = _changed(before, now) if before["name"] == now["name"] else ""
    return [f"the model {now['name']!r} ({changed})"] if changed else []


def changed_settings(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Which settings are not what they were; arguments are ``settings`` of two manifests."""
    return [
        f"{name} ({before[part].get(name)!r} is now {value!r})"
        for part in before
        for name, value in now[part].items()
        if before[part].get(name) != value
    ]


def changed_data(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Which splits of one source are not what they were; arguments are ``data`` of two manifests."""
    pairs = [(split, before[split], source) for split, source in now.items() if split in before]
    return [
        f"the {split} data {source['source']} ({changed})"
        for split, earlier, source in pairs
        if earlier["source"] == source["source"] and (changed := _changed(earlier, source))
    ]


def _changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    parts = []
    for name in ("revision", "sha256"):
        old, new = before.get(name), now.get(name)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            parts += [file for file in sorted({*old, *new}) if old.get(file) != new.get(file)]
        elif old and new and old != new:
            parts.append("content" if name == "sha256" else f"{name} {str(old)[:12]} is now {str(new)[:12]}")
    if not parts and before.get("rows") and now.get("rows") and before["rows"] != now["rows"]:
        parts.append(f"{before['rows']} rows are now {now['rows']}")
    return ", ".join(parts)


# learning curves

LEAST_GAIN, LEAST_SHARE = 0.005, 0.05
"""Less than this is called little: as a share of the range of a score, and of an error as a share of the error."""


def curve_opening(plan: Plan, sizes: Sequence[int], repeats: int) -> list[str]:
    """What is about to happen."""
    examples = plan.splits.examples
    counts = ", ".join(f"{split} {len(examples[split])}" for split in ("train", "validation"))
    return [
        f"data      {counts} rows; no test rows are used",
        *(f"warning   {line}" for line in left_out_notes(plan.splits.sources) + overlap_notes(plan.splits.overlap)),
        *plan_lines(plan),
        *(f"warning   {note}" for note in suspicious_labels(plan.task, examples["train"])),
        f"model     {plan.ref.name}",
        f"sizes     {', '.join(map(str, sizes))} rows, {repeats} subset{'s' if repeats > 1 else ''} each",
    ]


def curve_verdict(curve: Curve) -> str:
    """What the curve says of more labels, in a sentence; or that it says nothing."""
    ahead, score = curve.forecast, curve.score
    metric = score.name
    if ahead is None:
        return f"There is no forecast: it needs {metric} of at least four subsets, of three sizes."
    means = {size: fmean(scores) for size, scores in curve.sizes.items()}
    few, many = min(means), max(means)
    if not score.better(means[many], means[few]):
        return (
            f"More rows made {metric} no better here: {_shown(means[few])} with {few:,}, {_shown(means[many])} with "
            f"{many:,}. Look at the labels, or at another model, before adding rows."
        )
    best = curve.best or 0.0
    least = LEAST_GAIN * best if score.higher_is_better else LEAST_SHARE * (ahead.now - best)
    now, then = _shown(ahead.now), f"{_shown(ahead.score)} [{_shown(ahead.low)}, {_shown(ahead.high)}]"
    if not score.better(ahead.score, ahead.now) or abs(ahead.score - ahead.now) < least:
        return (
            f"More labels like these will bring little: {metric} is about {now}, and should be about {then} with twice "
            f"as many rows ({ahead.rows:,})."
        )
    if not ahead.gains:
        return (
            f"Doubling the labels to {ahead.rows:,} may bring {metric} from {now} to about {then}; the subsets do not "
            "determine whether it gains anything."
        )
    return f"Doubling the labels to {ahead.rows:,} should bring {metric} from {now} to about {then}."


def curve_limits(curve: Curve) -> str:
    """How far the forecast can be trusted, in sentences."""
    text = "This applies to more rows of the same kind, the same model and the same method. The interval is a 95% one"
    if not curve.interval:
        return f"{text} and comes from the subsets alone."
    low, high = map(_shown, curve.interval)
    return (
        f"{text}. It counts how far the subsets determine the curve, and that all are scored on the same "
        f"{curve.validation_rows:,} validation rows, which by themselves leave the last score open between {low} and "
        f"{high}."
    )


def _shown(value: float) -> str:
    return f"{value:.2f}" if abs(value) > 1.5 else f"{value:.3f}"
