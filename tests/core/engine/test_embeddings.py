"""Training the used rows of an embedding table only is the same training."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import BertConfig, BertForTokenClassification

from taskzoo.engine.embeddings import compact_table, trainable_table, used_rows_only
from taskzoo.engine.session import Session
from taskzoo.errors import PluginError
from taskzoo.types import Feature

from .kit import TaggingTask, make_feature, make_session


def small_model() -> BertForTokenClassification:
    torch.manual_seed(0)
    return BertForTokenClassification(
        BertConfig(
            vocab_size=50,
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            num_labels=3,
        )
    )


def test_a_model_that_reads_no_tokens_has_no_table() -> None:
    class Ears(BertForTokenClassification):
        def get_input_embeddings(self) -> torch.nn.Module:
            raise NotImplementedError

    assert trainable_table(Ears(small_model().config)) is None


IDS = torch.tensor([[5, 7, 30, 0], [7, 9, 44, 30]])


def step(model: BertForTokenClassification, steps: int = 3) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.0)
    for _ in range(steps):
        model(input_ids=IDS).logits.square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()


def test_same_weights_as_the_whole_table() -> None:
    dense, compact = small_model(), small_model()
    step(dense)
    with used_rows_only(compact, IDS.flatten().tolist()) as rows:
        assert rows == 6  # five tokens of the text and the pad token, which is one of them, and no other
        assert compact.get_input_embeddings().weight.shape == (6, 16)
        step(compact)
    assert compact.get_input_embeddings().weight.shape == (50, 16)
    for (name, a), (_, b) in zip(dense.named_parameters(), compact.named_parameters(), strict=True):
        assert torch.equal(a, b), name


def test_rows_that_no_example_uses_stay_bit_for_bit() -> None:
    model = small_model()
    before = model.get_input_embeddings().weight.detach().clone()
    with used_rows_only(model, IDS.flatten().tolist()):
        step(model)
    unused = [i for i in range(50) if i not in set(IDS.flatten().tolist())]
    assert torch.equal(model.get_input_embeddings().weight[unused], before[unused])


def test_ids_of_another_larger_vocabulary_change_nothing() -> None:
    model = small_model()
    with used_rows_only(model, [*IDS.flatten().tolist(), 50, 70]) as rows:
        assert rows == 6
        step(model)


def test_a_token_outside_is_an_error_and_never_another_vector() -> None:
    model = small_model()
    said = "given token 8, .* under names that end in 'ids', .* token_ids\\(\\); else set compact_embeddings=false"
    with used_rows_only(model, [5, 7]), pytest.raises(PluginError, match=said):
        model(input_ids=torch.tensor([[5, 8]]))


def test_ids_that_stand_for_nothing_change_nothing() -> None:
    model = small_model()
    with used_rows_only(model, [*IDS.flatten().tolist(), -100]) as rows:
        assert rows == 6


class Prompted(TaggingTask):
    """Its collator adds a token that no feature has."""

    def token_ids(self, feature: Feature) -> list[int]:
        return [*super().token_ids(feature), 11]


def session_of(task: TaggingTask, **values: Any) -> Session:
    features = [make_feature(0, [5, 7], choices_ids=[[30], [9]], scores=[44])]
    session = make_session(small_model(), features, task=task, **values)
    session.unlabelled = [make_feature(0, [20])]
    return session


def test_tokens_of_a_task_are_all_under_names_that_end_in_ids() -> None:
    for task, more in ((TaggingTask(), 0), (Prompted(), 1)):
        with compact_table(session_of(task)) as rows:
            assert rows == 6 + more  # 5, 7, 30, 9, 20 and the pad token


def test_the_table_stays_whole_where_the_setting_or_a_generating_decoder_wants_it() -> None:
    class Generating(TaggingTask):
        generates = True

    for session in (session_of(TaggingTask(), compact_embeddings=False), session_of(Generating())):
        with compact_table(session):
            assert session.model.get_input_embeddings().num_embeddings == 50


def test_the_table_comes_back_after_an_exception() -> None:
    model = small_model()
    with pytest.raises(RuntimeError), used_rows_only(model, [5, 7]):
        raise RuntimeError
    assert model.get_input_embeddings().num_embeddings == 50
    model(input_ids=torch.tensor([[8, 49]]))


def test_left_alone_when_frozen_shared_or_mostly_used() -> None:
    frozen = small_model()
    frozen.get_input_embeddings().weight.requires_grad_(False)
    assert trainable_table(frozen) is None
    shared = small_model()
    shared.tied = torch.nn.Linear(16, 50, bias=False)
    shared.tied.weight = shared.get_input_embeddings().weight
    assert trainable_table(shared) is None
    with used_rows_only(small_model(), range(45)) as rows:
        assert rows == 0
