"""Scripts of texts by the properties of Unicode."""

from __future__ import annotations

import subprocess
import sys

import pytest
import regex

from taskzoo.scripts import (
    IDEOGRAPH,
    UNSPACED,
    WIDE,
    has_han,
    is_ideograph,
    is_unspaced,
    joiner,
    main_script,
    script_of,
    scripts_in,
)


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("The cat, 2024!", "Latn"),
        ("Straße", "Latn"),
        ("кот and", "Cyrl"),
        ("猫坐在GPU上。", "Hani"),
        ("ねこがマットに", "Kana"),
        ("고양이", "Hang"),
        ("แมว", "Thai"),
        ("قطة", "Arab"),
        ("γάτα", "Grek"),
        ("12 + 3 = 15, 😀", ""),
        ("", ""),
    ],
)
def test_main_script(text: str, script: str) -> None:
    assert main_script(text) == script


def test_scripts_in() -> None:
    assert scripts_in("猫猫とcat, 3") == {"Hani": 2, "Kana": 1, "Latn": 3}
    assert list(map(script_of, "aαя3。")) == ["Latn", "Grek", "Cyrl", "", ""]


def test_has_han() -> None:
    assert [has_han(text) for text in ("a 猫", "ねこ", "한국", "Ünï 😀", "、。", "")] == [True, True, *[False] * 4]


def test_characters_of_scripts_without_spaces() -> None:
    assert all(map(is_unspaced, "猫𠀀々ねネーｶแມကខ"))
    assert not any(map(is_unspaced, "a한я5。 \u0301"))
    assert all(map(is_ideograph, "猫𠀀々〇ねネーｶ"))
    assert not any(map(is_ideograph, "a한แ5。 "))


def test_sets_for_patterns() -> None:
    assert regex.findall(f"{IDEOGRAPH}+", "the 猫ねこ。cat", regex.V1) == ["猫ねこ"]
    assert regex.findall(rf"[^\W{UNSPACED}]+", "the 猫cat แมว", regex.V1) == ["the", "cat"]
    assert regex.findall(rf"[{UNSPACED}\p{{sc=Hang}}]", "a한แ", regex.V1) == ["한", "แ"]
    assert regex.findall(WIDE, "a猫。，「！·한é", regex.V1) == [*"猫。，「！"]


def test_joiner() -> None:
    assert [joiner(code) for code in ("zh", "ja", "th", "en", "ko", "")] == ["", "", "", " ", " ", " "]


def test_imports_little() -> None:
    code = "import sys, taskzoo.scripts; print([m for m in ('torch', 'numpy', 'transformers') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
