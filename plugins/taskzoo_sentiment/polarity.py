"""Where a label's name stands between negative and positive, in English and Chinese."""

from __future__ import annotations

import re

_POLARITIES = {
    "-2": "terrible awful horrible worst",
    "-1": "neg negative negativity bad poor unfavorable unfavourable unhappy unsatisfied dissatisfied dislike hate sad "
    "down pessimistic bearish rotten - 负 负面 负向 负性 消极 贬义 差 差评 坏 坏评 踩 反对 悲观 讨厌 失望",
    "0": "neu neutral neutrality mixed average fair ok okay middle 中 中性 中立 中等 中评 一般 普通 客观",
    "1": "pos positive positivity good favorable favourable happy satisfied like love up optimistic bullish fresh + "
    "正 正面 正向 正性 积极 褒义 好 好评 赞 支持 乐观 喜欢 满意",
    "2": "great excellent best wonderful",
}
_DEGREES = {
    "2": "very strongly strong extremely highly most 非常 特别 十分 强烈 极其 极度 极 很",
    "0.5": "mostly somewhat slightly slight weakly weak mildly rather 有点 有些 稍微 略微 略 稍 比较 较 偏",
    "-1": "not non no 不是 不 非",
}


def _by_word(table: dict[str, str]) -> dict[str, float]:
    return {word: float(value) for value, words in table.items() for word in words.split()}


_POLARITY, _DEGREE = _by_word(_POLARITIES), _by_word(_DEGREES)
_ANY_DEGREE = re.compile("|".join(sorted(map(re.escape, _DEGREE), key=len, reverse=True)))
_NOUNS = re.compile(r"(\s+(sentiment|emotion|review|opinion|class|label)s?|的?(情感|情绪|评价|评论|态度|倾向|类)|的)$")


def polarity(name: str) -> float | None:
    """-1 for ``negative``, 0 for ``neutral``, 1 for ``positive`` and similar names; ``None`` for any other name.

    Twice that for ``very positive``, half for ``有点正面``.
    """
    rest = name.strip().casefold()
    if rest not in _POLARITY:
        rest = _NOUNS.sub("", re.sub(r"[_\W]+", " ", rest).strip())
    factor = 1.0
    while rest not in _POLARITY:
        degree = _ANY_DEGREE.match(rest)
        if not degree:
            return None
        factor *= _DEGREE[degree[0]]
        rest = rest[degree.end() :].lstrip()
    return factor * _POLARITY[rest]
