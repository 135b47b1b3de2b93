from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskzoo.errors import UnknownNameError
from taskzoo.languages import (
    TABLE,
    as_language,
    find_code,
    language_code,
    language_name,
    language_scripts,
    script_language,
)
from taskzoo.scripts import _CODES, main_script

KNOWN = [line.split(":")[0].split()[0] for line in TABLE.splitlines()]
NLLB = ["ace_Arab", "arb_Arab", "arz_Arab", "eng_Latn", "nob_Latn", "pes_Arab", "srp_Cyrl", "zho_Hans", "zho_Hant"]
MBART = ["ar_AR", "en_XX", "zh_CN", "pt_XX"]
MARIAN = [">>cjy_Hans<<", ">>cmn_Hant<<", ">>cmn<<", ">>cmn_Hans<<", ">>yue<<"]
M2M = ["__en__", "__no__", "__zh__"]


@pytest.mark.parametrize(
    "name",
    [
        *("zh", "ZH", "zho", "chi", "cmn", "Chinese", "chinese", " Chinese ", "中文", "汉语", "Mandarin", "zh-Hans"),
        *("zh_CN", "zho_Hans", "zh-Hant-TW", "__zh__", ">>cmn_Hans<<", "<2zh>", "Chinese (Simplified)"),
        "Traditional Chinese",
    ],
)
def test_every_form_of_a_name_gives_one_code(name: str) -> None:
    assert language_code(name) == as_language(name) == "zh"


@pytest.mark.parametrize("name", ["English", "eng", "en-US", "en_XX", "eng_Latn", "EN"])
def test_regions_and_scripts_are_no_part_of_the_code(name: str) -> None:
    assert language_code(name) == "en"


@pytest.mark.parametrize(
    "name", ["source", "target", "src", "tgt", "text", "label", "train", "test", "score", "gz", "", "en-", "english2"]
)
def test_other_column_heads_and_extensions_are_no_languages(name: str) -> None:
    assert as_language(name) is None


@pytest.mark.parametrize(("name", "near"), [("chinse", "Chinese"), ("Englsh", "English"), ("Germn", "German")])
def test_a_typo_gets_the_nearest_name(name: str, near: str) -> None:
    with pytest.raises(UnknownNameError, match=f"Did you mean '{near}'"):
        language_code(name)


def test_names_are_in_english() -> None:
    assert [language_name(code) for code in ("zh", "eng", "nb", "Farsi")] == [
        "Chinese",
        "English",
        "Norwegian Bokmål",
        "Persian",
    ]


@pytest.mark.parametrize("code", KNOWN)
def test_every_language_is_found_by_its_own_name_and_has_a_script(code: str) -> None:
    assert language_code(language_name(code)) == code
    assert language_scripts(code) <= {"Kana", *_CODES.split()}


def test_no_code_stands_for_two_languages() -> None:
    codes = [code for line in TABLE.strip().splitlines() for code in line.split(":")[0].split()]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize(
    ("language", "codes", "expected"),
    [
        ("zh", NLLB, "zho_Hans"),
        ("Chinese", MBART, "zh_CN"),
        ("zh", M2M, "__zh__"),
        ("zh", MARIAN, ">>cmn_Hans<<"),
        ("zh-TW", NLLB, "zho_Hant"),
        ("zh-TW", MARIAN, ">>cmn_Hant<<"),
        ("zho_Hant", NLLB, "zho_Hant"),
        ("arz_Arab", NLLB, "arz_Arab"),  # a code that only the tokenizer knows
        ("cjy_Hans", MARIAN, ">>cjy_Hans<<"),
        ("ar", NLLB, "arb_Arab"),
        ("fa", NLLB, "pes_Arab"),
        ("Norwegian", NLLB, "nob_Latn"),
        ("nb", M2M, "__no__"),
        ("pt-BR", MBART, "pt_XX"),
    ],
)
def test_the_code_of_a_tokenizer(language: str, codes: list[str], expected: str) -> None:
    assert find_code(language, codes) == expected
    assert find_code(language, iter(codes)) == expected


def test_a_language_without_a_code_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"named 'th'.*There are .*zho_Hans"):
        find_code("th", NLLB)
    with pytest.raises(UnknownNameError, match="Did you mean 'Chinese'"):
        find_code("chinse", NLLB)
    with pytest.raises(UnknownNameError, match="Did you mean 'arz_Arab'"):
        find_code("arz_Arb", ["arz_Arab", "eng_Latn"])


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Hello 世界, how are you", "Latn"),
        ("你好世界, GPT。", "Hani"),
        ("Привет", "Cyrl"),
        ("שלום", "Hebr"),
        ("नमस्ते", "Deva"),
        ("γεια σου", "Grek"),
        ("مرحبا", "Arab"),
        ("สวัสดี", "Thai"),
        ("안녕하세요", "Hang"),
        ("これは", "Kana"),
        ("12 + 3 = ?", ""),
        ("", ""),
    ],
)
def test_the_script_of_a_text(text: str, script: str) -> None:
    assert main_script(text) == script


@pytest.mark.parametrize(
    ("texts", "language"),
    [
        (["我吃饭。", "优の良品，很好吃的东西"], "zh"),
        (["今日は良い天気です。", "東京都", "雨です"], "ja"),
        (["안녕하세요", "漢字"] * 2 + ["네"], "ko"),
        (["ไทย", "123", ""], "th"),
        (["hello", "你好"], ""),
        (["hello"], ""),
        (["Привет"], ""),
        ([], ""),
    ],
)
def test_the_language_that_a_script_tells(texts: list[str], language: str) -> None:
    assert script_language(texts) == language


@given(st.text())
def test_any_text_has_a_script_or_none(text: str) -> None:
    assert main_script(text) in {"", "Kana", *_CODES.split()}
    assert as_language(text) in {None, *KNOWN}
