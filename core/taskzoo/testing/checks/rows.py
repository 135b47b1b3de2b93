"""From rows to features: what is read, what is learnt from it, and what the model is given."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from typing import Any

from taskzoo.errors import DataError, RequestError, TaskZooError
from taskzoo.task import Task
from taskzoo.types import Encoded, Example, Feature, public

from ..bench import Bench
from .common import NotApplicable, as_json, difference, plain, require, some, without_targets
from .promise import promise

LONG_INPUT = 1100
"""How often an input of the demo set is repeated, or how many tokens a list is made of: more than tiny models take."""


@promise(
    why="Predictions, references and messages with file and line are matched to rows by their order.",
    fix="Let prepare() make one row.example(...) per row from a copy, and references() one whole answer per example.",
    after="members",
)
def check_rows(bench: Bench) -> None:
    """Preparing keeps every row; references, keys and rows to predict have their promised forms."""
    task, _ = bench.fitted()
    for split, raw in bench.raw.items():
        before = deepcopy([row.fields for row in raw])
        examples = task.prepare(raw, split)
        found = difference(before, [row.fields for row in raw])
        require(not found, f"prepare() changes the rows that it is given ({split}): {found}")
        require(len(examples) == len(raw), f"prepare() made {len(examples)} examples of {len(raw)} rows ({split})")
        good = all(isinstance(e, Example) for e in examples)
        require(good, "prepare() must return taskzoo.Example: row.example(...)")
        places = [(e.source, e.line) for e in examples]
        require(places == [(r.source, r.line) for r in raw], "prepare() loses a row's place (source and line)")
        references = task.references(examples)
        require(len(references) == len(raw), f"references() made {len(references)} answers for {len(raw)} examples")
        as_json([public(reference) for reference in references], "references()")
        for index in (0, len(examples) - 1):
            found = difference(public(references[index]), public(task.references([examples[index]])[0]))
            require(not found, f"references() of one example is another than among others: {found}")
        keys = [task.dedup_key(example) for example in examples]
        for example, key in zip(examples, keys, strict=True):
            good = isinstance(key, tuple) and len(key) == 2 and all(isinstance(part, str) for part in key)
            require(good, f"dedup_key() must be a pair of strings and is {key!r}")
            classes = task.classes(example)
            require(not isinstance(classes, str), f"classes() must be a list of names and is {classes!r}")
        given = [without_targets(bench.spec, row).fields for row in raw]
        same = len({key for key, _ in keys}) == 1 and any(fields != given[0] for fields in given)
        require(not same, f"dedup_key() has the input {keys[0][0]!r} for all rows, which have different ones")
    inputs = bench.inputs
    made = task.prepare(inputs, "predict")
    require(len(made) == len(inputs), f"prepare() made {len(made)} examples of {len(inputs)} rows to predict")
    _check_whole_references(bench, task)


def _check_whole_references(bench: Bench, task: Task) -> None:
    """A longer target text makes another reference: none is cut. Short ones are labels rather than texts."""
    row = bench.raw["test"][0]
    texts = {name: row.get(name) for name, column in bench.spec.columns.items() if column.target}
    long = {name: value for name, value in texts.items() if isinstance(value, str) and len(value.split()) > 2}
    if not long:
        return
    rows = [replace(row, fields={**row.fields, **{k: " ".join([v] * n) for k, v in long.items()}}) for n in (300, 301)]
    with suppress(TaskZooError):  # a task may refuse such targets
        one, other = task.references(task.prepare(rows, "test"))
        require(difference(one, other), "references() cuts long targets; they are to be whole, whatever is encoded")


@promise(
    why="What is learnt from held-out rows makes their scores too good, and nothing else would show it.",
    fix="Learn in fit() alone, from the examples it is given; let prepare() and encode() change nothing in the task.",
    after="members rows",
)
def check_fit(bench: Bench) -> None:
    """What is learnt comes from the training rows alone, whatever the labels of the others."""
    train, others = bench.unlike_halves()
    states = []
    for held_out in (train, others):
        task = bench.new_task()
        try:
            examples = task.prepare(train, "train")
            for split in ("validation", "test"):
                task.prepare(held_out, split)
            task.fit(examples)
        except RequestError as error:
            raise NotApplicable(f"half of the rows cannot be used alone ({error})") from None
        states.append(task.state())
    one, other = states
    found = difference(one, other)
    require(not found, f"what the task learns depends on validation or test rows: {found}")
    task.configure(bench.processor, bench.config)
    before = deepcopy(task.state())
    with suppress(TaskZooError):  # these rows may have labels that it does not know
        task.encode(task.prepare(others, "test"), bench.processor)
    task.encode(task.prepare([without_targets(bench.spec, row) for row in others], "predict"), bench.processor)
    found = difference(before, task.state())
    require(not found, f"encoding test rows changes what the task has learnt: {found}")


@promise(
    why="A row without features is lost, and one that depends on its neighbours is predicted differently each time.",
    fix="Make every feature from its own example alone, in order, within the model's limit; sort what fit() collects.",
    after="members rows fit",
)
def check_encoding(bench: Bench) -> None:
    """Every row has features the model can take, and neither the order of rows nor a second call changes them."""
    task, examples = bench.fitted()
    encoded = task.encode(examples, bench.processor)
    _check_features(bench, encoded, len(examples))
    again = task.encode(examples, bench.processor)
    found = difference(plain(encoded.features), plain(again.features))
    require(not found, f"a second encode() of the same rows gives other features: {found}")

    order = sorted(range(len(examples)), key=lambda i: (i * 7919) % 101)
    other_task, shuffled = bench.fitted([bench.raw["train"][i] for i in order])
    found = difference(task.state(), other_task.state())
    require(not found, f"the order of the training rows changes what is learnt (sort the labels): {found}")
    again = other_task.encode(shuffled, bench.processor)
    for new, old in enumerate(order):
        before, after = ([plain(f) for f in e.features if f.row == row] for e, row in ((encoded, old), (again, new)))
        found = difference(before, after)
        require(not found, f"a row is encoded differently when the rows are shuffled: {found}")
    require(encoded.counts == again.counts, "the counts of encode() depend on the order of the rows")

    unlabelled = task.prepare(bench.inputs, "predict")
    _check_features(bench, task.encode(unlabelled, bench.processor), len(unlabelled))


@promise(
    why="Sooner or later a text is longer than the model reads; predicting would fail, or leave out parts unnoticed.",
    fix="Cut or window such texts in encode(), as taskzoo.models.text_encoding.encode_texts does, and count them.",
    after="encoding",
)
def check_long_inputs(bench: Bench) -> None:
    """An input longer than the model takes is refused, cut and counted, or read in several features."""
    task, _ = bench.fitted()
    row = bench.inputs[0]
    given = [role for role in (bench.spec.input_role, *bench.spec.columns) if row.get(role)]
    role = given[0] if given else bench.spec.input_role
    value = row.get(role)
    good = isinstance(value, str) or (isinstance(value, list) and all(isinstance(item, str) for item in value))
    if bench.tokenizer is None or bench.spec.columns[role].path or not value or not good:
        raise NotApplicable("the task reads no text of which there could be more")
    part = [value] if isinstance(value, str) else value
    times = -(-LONG_INPUT // len(part))
    lists = [part * times, part * times * 2]
    inputs = [replace(row, fields={**row.fields, role: " ".join(v) if isinstance(value, str) else v}) for v in lists]
    try:
        examples = task.prepare(inputs, "predict")
        encoded = task.encode(examples, bench.processor)
    except (DataError, RequestError):
        return
    _check_features(bench, encoded, len(inputs))
    one, other = ([plain(feature) for feature in encoded.features if feature.row == row] for row in (0, 1))
    counted = any(encoded.counts.values())
    require(counted or difference(one, other), "encode() cuts long inputs and counts nothing in Encoded.counts")


@promise(
    why="Only embeddings of tokens that are known beforehand are in the model while it trains (compact_embeddings).",
    fix="Put ids under names that end in 'ids', or name further ones in token_ids(); add no token to the vocabulary.",
    after="encoding",
)
def check_token_ids(bench: Bench) -> None:
    """All tokens that the model is given are known from the features, so that their embeddings are trained."""
    if bench.tokenizer is None:
        raise NotApplicable("the task does not read tokens")
    from taskzoo.models.refs import resolve_model
    from taskzoo.models.tokenizers import load_tokenizer

    task, examples = bench.fitted()
    size, own = len(bench.tokenizer), len(load_tokenizer(resolve_model(str(bench.checkpoint))))
    require(size == own, f"configure() makes a vocabulary of {size} tokens of {own}; the model has no others")
    features = task.encode(examples, bench.processor).features
    special = [value for name, value in bench.config.to_dict().items() if name.endswith("token_id")]
    known = {*bench.tokenizer.all_special_ids, *special, *(i for feature in features for i in task.token_ids(feature))}
    batch = bench.batch(task, features)
    for name, value in batch.inputs.items():
        if name.endswith("ids") and name not in ("position_ids", "token_type_ids"):
            unknown = list(map(str, sorted(set(value.flatten().tolist()) - known)))
            hint = "name them in token_ids(feature), or put them into the features under a name that ends in 'ids'"
            require(not unknown, f"{name} holds tokens that no feature has ({some(unknown)}); {hint}")


def _check_features(bench: Bench, encoded: Any, examples: int) -> None:
    require(isinstance(encoded, Encoded), "encode() must return taskzoo.Encoded")
    features = encoded.features
    require(all(isinstance(feature, Feature) for feature in features), "encode() must make taskzoo.Feature objects")
    indices = [feature.row for feature in features]
    require(indices == sorted(indices), "features must be in the order of their examples")
    missing = set(range(examples)) - set(indices)
    require(not missing, f"encode() of {examples} examples gave features for {examples - len(missing)} of them")
    require(set(indices) == set(range(examples)), "a feature's row must be the index of an example")
    counted = all(isinstance(v, int) and v >= 0 for v in encoded.counts.values())
    require(counted, f"counts must be whole numbers from 0: {encoded.counts}")
    for feature in features:
        good = type(feature.length) is int and feature.length > 0
        require(good, f"the length {feature.length!r} is not a number above 0")
        for name, value in feature.values.items():
            if bench.tokenizer is not None and name.endswith("ids"):
                _check_tokens(bench.tokenizer, f"{name} of example {feature.row}", _lists(value), name != "input_ids")


def _check_tokens(tokenizer: Any, what: str, lists: list[list[Any]], may_be_empty: bool) -> None:
    vocabulary, longest = len(tokenizer), tokenizer.model_max_length
    for ids in lists:
        good = all(isinstance(i, int) and 0 <= i < vocabulary for i in ids) and (ids or may_be_empty)
        require(good, f"{what} must be token ids, below {vocabulary}")
        require(len(ids) <= longest, f"{what} has {len(ids)} tokens; the model takes {longest}")


def _lists(value: Any) -> list[list[Any]]:
    """The innermost lists of nested ones."""
    if isinstance(value, Sequence) and any(isinstance(item, Sequence) for item in value):
        return [inner for item in value for inner in _lists(item)]
    return [list(value)] if isinstance(value, Sequence) else []
