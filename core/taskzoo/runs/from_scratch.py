"""What a model from scratch learns its vocabulary from, and how."""

from __future__ import annotations

from typing import Any

from .plan import Plan


def scratch_arguments(plan: Plan) -> tuple[list[str], dict[str, Any]]:
    """The inputs of the training rows, and the keywords that
    :func:`~taskzoo.models.scratch.learn_tokenizer` and :func:`~taskzoo.models.scratch.make_scratch` share.
    """
    task: Any = plan.task
    rows, training = plan.splits.rows["train"], plan.config.training
    if hasattr(task, "vocabulary_texts"):
        texts, targets = task.vocabulary_texts(rows)
    else:
        texts, targets = [task.signature(row)[0] for row in rows], None
    return texts, {
        "targets": targets,
        "tokenizer": training.scratch_tokenizer,
        "vocabulary": training.scratch_vocabulary,
        "separate": training.scratch_separate,
    }
