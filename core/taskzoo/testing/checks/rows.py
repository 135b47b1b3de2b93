"""From rows to features: what is read, what is learnt from it, and what the model is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from taskzoo.errors import RequestError
from taskzoo.types import Encoded, Example, Feature

from ..bench import Bench
from .common import NotApplicable, as_json, difference, plain, require, some


def check_rows(bench: Bench) -> None:
    """Preparing keeps every row; references, keys and rows to predict have their promised forms."""
    task, _ = bench.fitted()
    for split, raw in bench.raw.items():
        examples = task.prepare(raw, split)
        require(len(examples) == len(raw), f"prepare() made {len(examples)} examples of {len(raw)} rows ({split})")
        good = all(isinstance(e, Example) for e in examples)
        require(good, "prepare() must return taskzoo.Example: row.example(...)")
        places = [(e.source, e.line) for e in examples]
        require(places == [(r.source, r.line) for r in raw], "prepare() loses a row's place (source and line)")
        references = task.references(examples)
        require(len(references) == len(raw), f"references() made {len(references)} answers for {len(raw)} examples")
        as_json(references, "references()")
        for example in examples:
            key = task.dedup_key(example)
            good = isinstance(key, tuple) and len(key) == 2 and all(isinstance(part, str) for part in key)
            require(good, f"dedup_key() must be a pair of strings and is {key!r}")
    inputs = bench.inputs
    made = task.prepare(inputs, "predict")
    require(len(made) == len(inputs), f"prepare() made {len(made)} examples of {len(inputs)} rows to predict")


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


def check_token_ids(bench: Bench) -> None:
    """All tokens that the model is given are known from the features, so that their embeddings are trained."""
    if bench.tokenizer is None:
        raise NotApplicable("the task does not read tokens")
    task, examples = bench.fitted()
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
