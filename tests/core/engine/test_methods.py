"""What each training method refuses, freezes and says; whole runs are tested in ``tests/core/runs``."""

from __future__ import annotations

import pytest
from transformers import AutoModelForTokenClassification

from taskzoo.engine.accelerator import RunAccelerator
from taskzoo.engine.checkpoint import TrainingState
from taskzoo.errors import RequestError
from taskzoo.heads.collator import SequenceCollator
from taskzoo.heads.single_label import SingleLabelHead
from taskzoo.methods.contrastive import Contrastive
from taskzoo.methods.full import Full
from taskzoo.methods.linear_probe import LinearProbe
from taskzoo.methods.lora import Lora
from taskzoo.methods.none import Untrained

from .kit import Told, make_feature, make_session, same, settings, weights
from .test_probe import HEADS, Probed, features_of, model_of

METHODS = [Full, Lora, LinearProbe, Contrastive, Untrained]


class Trained(Probed):
    primary_metric = "loss"

    def __init__(self):
        super().__init__(HEADS["single"])
        self.primary_metric = "loss"


class Ready(Trained):
    predicts_untrained = True


def session_of(folder: str, task=None, **values):
    collate = SequenceCollator(0, SingleLabelHead(["a", "b", "c"]))
    return make_session(model_of(folder), features_of(12), task=task or Trained(), collate=collate, **values)


@pytest.mark.parametrize(
    ("method", "said"),
    [
        (Full, "1 epochs, batch 32, learning rate 0.5, sgd, constant schedule"),
        (Lora, "1 epochs, batch 32, learning rate 0.5, sgd, constant schedule, LoRA rank 16"),
        (LinearProbe, "linear probe: the backbone stays as it is, the last layer is fitted to convergence"),
        (Contrastive, "10 contrastive pairs per row, 1 epochs, batch 32, learning rate 0.5, sgd, constant schedule"),
        (Untrained, "no training: the pretrained model is evaluated as it is"),
    ],
)
def test_the_settings_in_a_line(method, said):
    assert method().describe(settings()) == said


def test_a_method_without_training_needs_a_task_that_predicts_without_it(tiny, tmp_path):
    with pytest.raises(RequestError, match=r"method=none .* Trained has nothing to predict with before it is trained"):
        Untrained().check(Trained(), settings())
    Untrained().check(Ready(), settings())
    session = session_of(tiny("bert"), Ready())
    before = weights(session.model)
    method = Untrained()
    session.trained = method.freeze(session)
    method.check_model(session)
    assert method.train(session, TrainingState(tmp_path)).step == 0
    assert same(weights(method.finish(session)), before)
    assert not any(p.requires_grad for p in session.model.parameters())


@pytest.mark.parametrize("method", [LinearProbe, Contrastive])
def test_methods_for_one_process_refuse_several(tiny, method, monkeypatch):
    monkeypatch.setattr(RunAccelerator, "num_processes", 2)
    with pytest.raises(RequestError, match=f"method={method.name} runs in one process; leave --processes at 1"):
        method().check_model(session_of(tiny("bert")))


@pytest.mark.parametrize(("method", "trained"), [(Full, "all"), (Lora, "adapters"), (LinearProbe, "last layer")])
def test_what_is_trained(tiny, method, trained):
    session = session_of(tiny("bert"))
    model = method().freeze(session)
    names = {name for name, p in model.named_parameters() if p.requires_grad}
    if trained == "all":
        assert names == {name for name, _ in model.named_parameters()}
    elif trained == "adapters":
        assert all("lora_" in name or "classifier" in name for name in names)
    else:
        assert names == {"classifier.weight", "classifier.bias"}


@pytest.mark.parametrize(
    ("asked", "wanted", "fitted"), [(True, False, 1), (None, True, 1), (None, False, 0), (False, True, 0)]
)
def test_a_probe_comes_first_where_setting_or_task_asks(tiny, tmp_path, asked, wanted, fitted):
    class Asking(Trained):
        probe_first = wanted

    class Fitted(Told):
        def fitted(self, values):
            self.events.append(("fitted", values["step"]))

    told = Fitted()
    session = session_of(tiny("bert"), Asking(), probe_first=asked, callbacks=[told], max_steps=1)
    method = Full()
    session.trained = method.freeze(session)
    method.check_model(session)
    method.train(session, TrainingState(tmp_path))
    assert told.events[:fitted] == [("fitted", 0)] * fitted
    assert told.events[fitted:][0] == ("training_started", 0)


def test_a_head_on_tokens_keeps_a_task_from_the_probe_it_would_like_and_is_refused_when_asked_for(tiny):
    class Liking(Trained):
        probe_first = True

    for asked in (None, True):
        session = session_of(tiny("bert"), Liking(), probe_first=asked)
        session.model = AutoModelForTokenClassification.from_pretrained(tiny("bert"), num_labels=3)
        if asked:
            with pytest.raises(RequestError, match="this head works on every token"):
                Full().check_model(session)
        else:
            Full().check_model(session)


def test_unlabelled_texts_need_one_class_each(tiny):
    session = session_of(tiny("bert"))
    session.unlabelled = [make_feature(0, [20, 21], target=None)]
    LinearProbe().check_model(session)
    session.encoded["train"].features[3].values["target"] = [0, 1]
    with pytest.raises(RequestError, match="`unlabelled` requires exactly one class per row"):
        LinearProbe().check_model(session)
