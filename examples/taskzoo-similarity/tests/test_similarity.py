"""Losses, ranks and scores by hand; the encoder in a run, in sentence-transformers and under another task."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import SHORT, demo_rows
from taskzoo_similarity import losses
from taskzoo_similarity.correlation import Correlations
from taskzoo_similarity.demo import generate
from taskzoo_similarity.embedder import Embedder
from taskzoo_similarity.pair_collator import PairCollator
from taskzoo_similarity.retrieval import Retrieval, Right, ranks_in_pool, right_texts
from taskzoo_similarity.similarity_task import SimilarityTask

import taskzoo
from taskzoo import DataError, Example, Feature, RequestError, Row
from taskzoo.testing import make_tiny_checkpoint

OPTIONS = taskzoo.registry.task_entry("similarity").spec.resolve_options({})


def prepared(*rows: dict[str, Any]) -> list[Example]:
    return SimilarityTask(OPTIONS).prepare([Row(row, "f.jsonl", i) for i, row in enumerate(rows, 1)], "train")


def feature(row: int, *texts: str, topic: str | None = None) -> Feature:
    ids = [[1 + ord(text[0]) % 9] * (2 + side) for side, text in enumerate(texts)]
    return Feature(row, sum(map(len, ids)), {"side_ids": ids, "texts": list(texts), "topic": topic, "score": None})


# rows


def test_bad_rows_are_refused_with_their_place() -> None:
    good = {"text": "a", "other": "b"}
    wrong = {"the other is missing": {"text": "a", "other": " "}, "is not a number": {**good, "score": "high"}}
    wrong |= {"has a negative, too": {**good, "score": 1, "negative": "c"}, "the negative": {**good, "negative": [3]}}
    for message, row in wrong.items():
        with pytest.raises(DataError, match=rf"f\.jsonl:2: .*{message}"):
            prepared(good, row)


def test_rows_of_two_forms_are_refused() -> None:
    with pytest.raises(DataError, match=r"f\.jsonl:2: this row has a score, and the first training rows have none"):
        SimilarityTask(OPTIONS).fit(prepared({"text": "a", "other": "b"}, {"text": "a", "other": "b", "score": 1}))
    with pytest.raises(RequestError, match="loss=cosent is for rows with a score"):
        SimilarityTask({**OPTIONS, "loss": "cosent"}).fit(prepared({"text": "a", "other": "b"}))
    with pytest.raises(RequestError, match="same score"):
        SimilarityTask(OPTIONS).fit(prepared({"text": "a", "other": "b", "score": 1}))


# batches and losses


def test_what_is_right_for_a_row_is_no_negative_of_it() -> None:
    batch = PairCollator(0)(
        [
            feature(0, "a", "b", "n", topic="t"),
            feature(1, "c", "b"),  # the same right text
            feature(2, "a", "d"),  # the same text
            feature(3, "e", "f", "b", topic="t"),  # the same topic, and the right text of row 0 as a negative
            feature(4, "g", "a"),  # the text itself
        ]
    )
    others, negatives = batch.targets["right"][:, :5], batch.targets["right"][:, 5:]
    assert others[0].tolist() == [True, True, True, True, True]
    assert others[1].tolist() == [True, True, False, False, False]
    assert negatives[0].tolist() == [False, True]
    assert negatives[3].tolist() == [False, True], "b is of its topic, although it is named as its negative"
    assert batch.targets["owner"].tolist() == [0, 1, 2, 3, 4] * 2 + [0, 3]
    assert batch.inputs["attention_mask"].sum(1).tolist() == [2] * 5 + [3] * 5 + [4] * 2


def test_what_is_right_by_a_row_outside_the_batch_is_no_negative_either() -> None:
    task = SimilarityTask(OPTIONS)
    rows = [("a", "b", None), ("a", "d", None), ("c", "d", None), ("e", "f", "t"), ("g", "h", "t"), ("k", "h", None)]
    task.fit(prepared(*({"text": text, "other": other, "topic": topic} for text, other, topic in rows)))
    collate = task.collator(type("Tokenizer", (), {"pad_token_id": 0}))
    features = [feature(0, "a", "b", "d"), feature(1, "c", "d"), feature(2, "e", "f"), feature(3, "k", "h")]
    right = collate(features).targets["right"].tolist()
    assert right[0] == [True, True, False, False, True], "d is right for a by another row, also as a negative"
    assert right[1] == [False, True, False, False, True]
    assert right[2] == [False, False, True, True, False], "h is of the topic of e by another row"
    assert Right().of("a") == [set()]


def test_multiple_negatives_against_the_formula() -> None:
    torch.manual_seed(0)
    texts, candidates = (torch.nn.functional.normalize(torch.randn(n, 4), dim=-1) for n in (3, 5))
    right = torch.zeros(3, 5, dtype=torch.bool)
    right[0, 0] = right[1, 1] = right[2, 2] = right[0, 1] = True
    loss = losses.multiple_negatives(texts, candidates, right, 20.0)
    wanted = 0.0
    for row in range(3):
        terms = {j: 20 * float(texts[row] @ candidates[j]) for j in range(5) if (row, j) != (0, 1)}
        wanted += math.log(sum(math.exp(term) for term in terms.values())) - terms[row]
    assert float(loss.total) == pytest.approx(wanted, rel=1e-5)
    assert int(loss.weight) == 3


def test_losses_are_those_of_sentence_transformers() -> None:
    reference = pytest.importorskip("sentence_transformers.sentence_transformer.losses")
    torch.manual_seed(0)
    texts, others, negatives = (torch.nn.functional.normalize(torch.randn(4, 8), dim=-1) for _ in range(3))
    right = torch.cat([torch.eye(4), torch.zeros(4, 4)], 1).bool()
    ours = losses.multiple_negatives(texts, torch.cat([others, negatives]), right, 20.0)
    theirs = reference.MultipleNegativesRankingLoss(torch.nn.Identity()).compute_loss_from_embeddings(
        [texts, others, negatives], None
    )
    assert float(ours.total / ours.weight) == pytest.approx(float(theirs), rel=1e-5)
    cosines, scores = (texts * others).sum(-1), torch.tensor([0.1, 0.9, 0.9, 0.3])
    ours = losses.cosent(cosines, scores, 20.0)
    theirs = reference.CoSENTLoss(torch.nn.Identity()).compute_loss_from_embeddings([texts, others], scores)
    assert float(ours.total / ours.weight) == pytest.approx(float(theirs), rel=1e-5)


def test_cosent_without_two_scores_is_zero() -> None:
    assert float(losses.cosent(torch.rand(3), torch.ones(3), 20.0).total) == 0


def test_cosine_mse_against_scores_from_0_to_1() -> None:
    task = SimilarityTask({**OPTIONS, "loss": "cosine-mse"})
    examples = prepared(*({"text": "a", "other": "b", "score": score} for score in (1, 5, "3")))
    task.fit(examples)
    assert [task._scaled(example) for example in examples] == [0.0, 1.0, 0.5]
    loss = losses.cosine_mse(torch.tensor([0.0, 0.5]), torch.tensor([0.0, 1.0]))
    assert (float(loss.total), int(loss.weight)) == (0.25, 2)


# scores


def test_ranks_in_the_pool_by_hand() -> None:
    examples = prepared(
        {"text": "q", "other": "x", "negative": "n"}, {"text": "q", "other": "y"}, {"text": "x", "other": "z"}
    )
    right = right_texts(examples)
    assert right == {"q": {"x", "y"}, "x": {"z"}}

    def unit(angle: float) -> np.ndarray:
        return np.array([math.cos(angle), math.sin(angle)])

    pool = {"x": unit(0.1), "y": unit(0.3), "z": unit(0.2), "n": unit(0.1)}
    found = ranks_in_pool(right, {"q": unit(0.0), "x": unit(0.1)}, pool)
    assert found == {"q": [2, 4], "x": [2]}, "n ties with x and comes first; x does not find itself"


def test_retrieval_by_hand_and_by_query() -> None:
    predictions = [{"ranks": [2, 4]}, {"ranks": [2, 4]}, {"ranks": [30]}]
    references = [{"text": "q", "right": 2}, {"text": "q", "right": 2}, {"text": "x", "right": 1}]
    scores = Retrieval().compute(predictions, references)
    gain = (1 / math.log2(3) + 1 / math.log2(5)) / (1 + 1 / math.log2(3))
    assert len(Retrieval().statistics(predictions, references)) == 2, "a unit is a text that is searched for"
    assert scores == pytest.approx({"ndcg@10": gain / 2, "mrr@10": 0.25, "recall@10": 0.5, "recall@100": 1.0})


def test_texts_of_a_topic_are_right_for_one_another() -> None:
    rows = [("a", "b", "t"), ("c", "d", "t"), ("e", "f", "u")]
    examples = prepared(*({"text": text, "other": other, "topic": topic} for text, other, topic in rows))
    assert right_texts(examples) == {"a": {"b", "d"}, "c": {"b", "d"}, "e": {"f"}}


def test_correlations_are_those_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    generator = np.random.default_rng(0)
    predicted, gold = generator.normal(size=30), generator.integers(0, 6, size=30).astype(float)
    found = Correlations().compute([{"value": v} for v in predicted], [{"value": v} for v in gold])
    assert found["spearman"] == pytest.approx(stats.spearmanr(predicted, gold)[0])
    assert found["pearson"] == pytest.approx(stats.pearsonr(predicted, gold)[0])


# a run


def test_scores_have_intervals_over_queries(run: taskzoo.Run) -> None:
    scores = run.metrics["test"]
    assert {"ndcg@10", "mrr@10_ci95", "recall@10", "recall@100"} <= set(scores)
    prediction = run.predictions[0]
    assert prediction["pool"] == 8
    assert len(prediction["ranks"]) == prediction["reference"]["right"] == 1
    reciprocal = [1 / row["ranks"][0] for row in run.predictions]
    assert scores["mrr@10"] == pytest.approx(sum(reciprocal) / len(reciprocal))


def test_a_prediction_is_the_cosine_of_two_texts(run: taskzoo.Run) -> None:
    pair = ("Where is the lamp?", "I wait for the lamp.")
    embed = Embedder(run.task, run.model, run.processor)
    wanted = float(embed(pair[:1], "find: ")[0] @ embed(pair[1:])[0])
    assert run.predict(pair) == {"text": pair[0], "other": pair[1], "value": pytest.approx(wanted, abs=1e-5)}
    assert run.predict(("the lamp", "the lamp"))["value"] < 1, "the prompt is before the first text only"


def test_tokens_of_both_texts_are_trained(tiny: Path, tmp_path: Path) -> None:
    from transformers import AutoModel

    train = [{"text": "Where is it?", "other": "my parcel"}, {"text": "Where is it now?", "other": "a new lamp"}]
    run = taskzoo.finetune("similarity", model=tiny, train=train, validation=[], test=[], output=tmp_path, **SHORT)
    before = AutoModel.from_pretrained(tiny).get_input_embeddings().weight
    moved = (run.model.get_input_embeddings().weight - before).abs().amax(-1) > 0
    texts, others = (
        {i for row in train for i in run.processor(row[side], add_special_tokens=False)["input_ids"]}
        for side in ("text", "other")
    )
    assert others - texts
    assert bool(moved[sorted(texts | others)].all())
    kept = texts | others | set(run.processor.all_special_ids)
    assert not bool(moved[[i for i in range(len(before)) if i not in kept]].any())


def test_without_training_the_scores_are_the_baseline_of_a_trained_run(tiny: Path, rows: Any, tmp_path: Path) -> None:
    settings = {**SHORT, "baseline": True}
    none = taskzoo.finetune("similarity", model=tiny, output=tmp_path / "none", method="none", **rows, **SHORT)
    full = taskzoo.finetune("similarity", model=tiny, output=tmp_path / "full", **rows, **settings)
    baseline = full.metrics["baseline"]
    assert baseline["name"] == "the model before training"
    assert baseline["test"]["ndcg@10"] == pytest.approx(none.metrics["test"]["ndcg@10"])
    assert baseline["difference"]["test"]["metric"] == "ndcg@10"


def test_sentence_transformers_gives_the_same_vectors(run: taskzoo.Run) -> None:
    library = pytest.importorskip("sentence_transformers")
    model = library.SentenceTransformer(str(run.path / "model"), device="cpu")
    texts = ["Where is the lamp?", "a", "The kettle is broken, what now? " * 40]
    embed = Embedder(run.task, run.model, run.processor)
    assert np.allclose(model.encode(texts), embed(texts), atol=1e-5)
    assert np.allclose(model.encode(texts, prompt_name="text"), embed(texts, "find: "), atol=1e-5)
    assert "SentenceTransformer(" in (run.path / "README.md").read_text()


def test_a_decoder_pools_the_last_token_in_sentence_transformers_too(rows: Any, tmp_path: Path) -> None:
    library = pytest.importorskip("sentence_transformers")
    texts = [text for row in rows["train"] for text in row.values()]
    decoder = make_tiny_checkpoint(tmp_path / "gpt2", "gpt2", texts)
    run = taskzoo.finetune("similarity", model=decoder, output=tmp_path / "run", **rows, **SHORT)
    assert run.task.pooling == "last"
    model = library.SentenceTransformer(str(run.path / "model"), device="cpu")
    some = ["Where is the lamp?", "a", "The kettle is broken, what now?"]
    assert np.allclose(model.encode(some), Embedder(run.task, run.model, run.processor)(some), atol=1e-5)


def test_the_encoder_is_a_base_model_of_other_tasks(run: taskzoo.Run, tmp_path: Path) -> None:
    texts = [row["text"] for row in demo_rows("similarity")]
    labelled = [{"text": text, "label": "ask" if "?" in text else "say"} for text in texts]
    output, model = tmp_path / "probe", run.path / "model"
    probe = taskzoo.finetune("classification", model=model, train=labelled, output=output, method="linear-probe")
    assert probe.predict("Where is it?")["label"] in ("ask", "say")
    again = taskzoo.finetune(
        "similarity", model=model, output=tmp_path / "again", train=demo_rows("similarity"), **SHORT
    )
    assert again.task.pooling == "mean"


def test_the_pooling_of_a_sentence_encoder_is_kept(tiny: Path, tmp_path: Path) -> None:
    from taskzoo_similarity.pooled_text import find_pooling
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(tiny)
    assert find_pooling(config) == "mean"
    config._name_or_path = str(tmp_path)
    (tmp_path / "1_Pooling").mkdir()
    for told, wanted in (({"pooling_mode_cls_token": True}, "first"), ({"pooling_mode": "lasttoken"}, "last")):
        (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps(told))
        assert find_pooling(config) == wanted
    (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode": "max"}))
    with pytest.raises(RequestError, match="pools its tokens by 'max'"):
        find_pooling(config)


def test_the_demo_sets_are_what_their_script_writes(tmp_path: Path) -> None:
    generate.main(tmp_path)
    for name in generate.SETS:
        for split in generate.SHARES:
            shipped = Path(generate.__file__).parent / name / f"{split}.jsonl"
            assert shipped.read_bytes() == (tmp_path / name / f"{split}.jsonl").read_bytes()
