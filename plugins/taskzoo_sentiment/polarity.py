"""Where a label's name stands between negative and positive, in English, Chinese and the commonest names elsewhere."""

from __future__ import annotations

import re
import unicodedata

_POLARITIES = {
    "-2": "terrible awful horrible worst",
    "-1": "neg negative negativity bad poor unfavorable unfavourable unhappy unsatisfied dissatisfied dislike hate sad "
    "down pessimistic bearish rotten - 负 负面 负向 负性 消极 贬义 差 差评 坏 坏评 踩 反对 悲观 讨厌 失望 "
    "負 負面 負向 負性 消極 貶義 差評 壞 壞評 反對 悲觀 討厭 "
    "👎 😞 😟 😠 😡 😢 😣 😭 🙁 ☹ :( :-( "
    "negativ negativo negativa négatif négative negatief negatif olumsuz negatywny schlecht malo mala mauvais ruim mau "
    "cattivo slecht kötü buruk jelek негативный негативная негативное отрицательный отрицательная отрицательное плохо "
    "плохой плохая سلبي سلبية سيئ 부정 부정적 나쁨 나빠요 ネガティブ 否定 否定的 悪い 悪評 不評 ลบ เชิงลบ नकारात्मक बुरा "
    "tiêu_cực xấu tệ",
    "0": "neu neutral neutrality mixed average fair ok okay middle 中 中性 中立 中等 中评 一般 普通 客观 "
    "中評 客觀 😐 😶 :| :-| "
    "neutro neutra neutre neutraal nötr tarafsız netral neutralny нейтральный нейтральная нейтральное нейтрально محايد "
    "محايدة 중립 중립적 보통 ニュートラル 中立的 กลาง เป็นกลาง तटस्थ trung_tính trung_lập",
    "1": "pos positive positivity good favorable favourable happy satisfied like love up optimistic bullish fresh + "
    "正 正面 正向 正性 积极 褒义 好 好评 赞 支持 乐观 喜欢 满意 積極 褒義 好評 贊 讚 樂觀 喜歡 滿意 "
    "👍 😀 😁 😃 😄 😊 😍 🙂 ❤ ☺ :) :-) :d :-d "
    "positiv positivo positiva positif positive positief pozitif olumlu pozytywny gut bueno buena bon bonne bom boa "
    "buono buona goed iyi baik bagus позитивный позитивная позитивное положительный положительная положительное хорошо "
    "хороший хорошая إيجابي إيجابية ايجابي جيد 긍정 긍정적 좋음 좋아요 ポジティブ 肯定 肯定的 良い บวก เชิงบวก सकारात्मक "
    "अच्छा tích_cực tốt",
    "2": "great excellent best wonderful",
}
"""``_`` in a name stands for a space."""
_DEGREES = {
    "2": "very strongly strong extremely highly most 非常 特别 特別 十分 强烈 強烈 极其 極其 极度 極度 极 極 很 "
    "sehr très muy muito molto zeer çok очень 매우 とても sangat rất",
    "0.5": "mostly somewhat slightly slight weakly weak mildly rather 有点 有點 有些 稍微 略微 略 稍 比较 比較 "
    "较 較 偏",
    "-1": "not non no 不是 不 非 nicht niet",
}


def _by_word(table: dict[str, str]) -> dict[str, float]:
    return {_plain(word.replace("_", " ")): float(value) for value, words in table.items() for word in words.split()}


def _plain(name: str) -> str:
    """Composed, in small letters, without the forms and skin tones of emoji."""
    return re.sub("[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]", "", unicodedata.normalize("NFC", name).strip().casefold())


_POLARITY, _DEGREE = _by_word(_POLARITIES), _by_word(_DEGREES)
_ANY_DEGREE = re.compile("|".join(sorted(map(re.escape, _DEGREE), key=len, reverse=True)))
_NOUNS = re.compile(
    r"(\s+(sentiment|emotion|review|opinion|class|label)s?|的?(情感|情绪|情緒|评价|評價|评论|評論|态度|態度|倾向|傾向|类|類)|的)$"
)


def polarity(name: str) -> float | None:
    """-1 for ``negative``, 0 for ``neutral``, 1 for ``positive`` and similar names; ``None`` for any other name.

    Twice that for ``very positive``, half for ``有点正面``.
    """
    rest = _plain(name)
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
