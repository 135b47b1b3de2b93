"""The script or region of a language that the data name reaches the checkpoint's own code."""

from __future__ import annotations

import pytest

from taskzoo import Row, registry
from taskzoo.languages import find_code

NLLB = ["eng_Latn", "zho_Hans", "zho_Hant"]


def task(rows, **options):
    made = registry.load_task("translation")(registry.task("translation").resolve_options(options))
    made.fit(made.prepare(rows, "train"))
    return made


@pytest.mark.parametrize(
    ("named", "options", "target", "code", "shown"),
    [
        ("zh-TW", {}, "zh-TW", "zho_Hant", "English to Chinese (zh-TW)"),
        ("zh-Hans", {}, "zh-Hans", "zho_Hans", "English to Chinese (zh-Hans)"),
        ("zh", {}, "zh", "zho_Hans", "English to Chinese"),
        ("zh-TW", {"target_lang": "zh"}, "zh-TW", "zho_Hant", "English to Chinese (zh-TW)"),
        ("", {"target_lang": "zh"}, "zh", "zho_Hans", "English to Chinese"),
        ("zh-CN", {"target_lang": "zh-TW"}, "zh-TW", "zho_Hant", "English to Chinese (zh-TW)"),
        ("zh", {"target_lang": "zho_Hant"}, "zho_Hant", "zho_Hant", "English to Chinese (zh-Hant)"),
    ],
)
def test_the_region_of_the_data(named, options, target, code, shown):
    made = task([Row({"source": "learn", "target": "學習", "languages": ("en", named)})], **options)
    assert made.target_lang == target
    assert find_code(made.target_lang, NLLB) == code
    assert made.output_language == "zh"
    assert made.describe() == shown
