"""Columns, options and formats of tasks about whole texts, for their specs (nothing heavy is imported here)."""

from __future__ import annotations

from collections.abc import Mapping

from taskzoo.spec import Column, Option

TEXT_OPTIONS: Mapping[str, Option] = {
    "class_weights": Option(
        "auto",
        "give rare labels more weight (auto: as much as makes a linear probe best on the validation rows)",
        choices=("auto", "none", "sqrt", "balanced"),
    ),
    "focal_gamma": Option(0.0, "focal loss: how much less easy rows count (0: plain loss)", minimum=0),
    "pooling": Option(
        "auto",
        "how token states become one vector (auto: the architecture's own head)",
        choices=("auto", "mean", "unit-mean", "first", "last"),
    ),
    "label_names": Option(False, "few rows: also train on the names of the labels as texts"),
    "max_length": Option(0, "tokens per text or window (0: the model's limit, at most 512)", minimum=0),
    "long_texts": Option(
        "truncate",
        "keep the beginning, the beginning and the end, or everything in windows",
        choices=("truncate", "head_tail", "windows"),
    ),
}
"""``class_weights`` and ``focal_gamma`` are for labels, not for numbers."""

TEXT_FORMATS = ("csv", "tsv", "jsonl", "json", "parquet", "fasttext")

# "title" and "description" appear next to the text as often as instead of it, and "target" and "value" can be anything.
_TEXT = (
    *("sentence", "review", "content", "comment", "tweet", "phrase", "utterance", "message", "question"),
    *("review_text", "reviewText", "review_body", "文本", "内容", "评论", "评价", "句子", "正文"),
)
_LABEL = (
    *("category", "class", "intent", "sentiment", "labels", "categories", "emotion", "topic", "polarity"),
    *("stars", "rating", "overall", "score", "gold_label", "is_duplicate", "cats"),
    *("标签", "类别", "分类", "情感", "情感倾向", "评分", "星级"),
)
_NUMBERED = ("sentence", "sentence_", "text", "text_", "question", "question_")
_FIRST = (*(name + "1" for name in _NUMBERED), "sentence_a", "text_a", "premise", "句子1", "文本1")
_SECOND = (*(name + "2" for name in _NUMBERED), "sentence_b", "text_b", "hypothesis", "句子2", "文本2")

TEXT_COLUMNS: Mapping[str, Column] = {
    "text": Column("the text", required=True, names=_TEXT),
    "label": Column("its label", required=True, target=True, names=_LABEL),
}
"""A text and its label."""

PAIR_COLUMNS: Mapping[str, Column] = {
    "text": Column("the text", required=True, names=(*_TEXT, *_FIRST)),
    "label": TEXT_COLUMNS["label"],
    "text_pair": Column("a second text, if the question is about two", names=_SECOND),
}
"""A text, its label and perhaps a second text."""
