"""Options and column names that all tasks from text to text have (nothing heavy is imported here)."""

from __future__ import annotations

from collections.abc import Mapping

from taskzoo.spec import Option

GENERATION_OPTIONS: Mapping[str, Option] = {
    "num_beams": Option(1, "number of beams (1: greedy search)", minimum=1),
    "length_penalty": Option(1.0, "exponent of the length by which a beam's score is divided; above 1 favours long"),
    "no_repeat_ngram": Option(0, "never generate an n-gram of this length twice (0: allowed)", minimum=0),
    "min_new_tokens": Option(0, "minimum number of new tokens", minimum=0),
    "max_new_tokens": Option(0, "maximum number of new tokens (0: set by the longest training target)", minimum=0),
    "sample": Option(False, "sample the tokens instead of taking the most likely ones"),
    "temperature": Option(1.0, "sampling temperature: below 1 more conservative, above 1 more diverse", minimum=0.01),
    "top_k": Option(50, "sample among this many tokens (0: all)", minimum=0),
    "top_p": Option(1.0, "sample among the most likely tokens that add up to this probability", minimum=0.01),
    "sample_seed": Option(0, "sampling seed: the same seed gives the same outputs", minimum=0),
}
"""Those that also matter after training and can be changed then."""

SEQ2SEQ_OPTIONS: Mapping[str, Option] = {
    "max_source_length": Option(0, "maximum tokens of a source (0: the model's limit, at most 1024)", minimum=0),
    "max_target_length": Option(
        0, "maximum tokens of a training target (0: the model's limit, at most 512)", minimum=0
    ),
    "long_sources": Option(
        "truncate",
        "a source that is too long: truncate it, or generate per chunk and concatenate",
        choices=("truncate", "chunks"),
    ),
    "prefix": Option("auto", "text before every source (auto: the one the checkpoint was pretrained with, if any)"),
    **GENERATION_OPTIONS,
    "similarity": Option("", "encoder for an additional semantic similarity score, e.g. minilm (slow)"),
}

SOURCE_NAMES = ("document", "article", "dialogue", "src", "原文")
TARGET_NAMES = ("summary", "highlights", "tgt", "译文", "摘要")
"""Other names of the columns ``source`` and ``target``."""
