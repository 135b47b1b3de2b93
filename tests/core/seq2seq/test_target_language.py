"""References in another language than the training targets are noticed, and those in the same are not."""

from __future__ import annotations

import json

import pytest

from taskzoo.seq2seq.target_language import TargetLanguage

ENGLISH = [
    "The ministers of the two countries met in the capital and agreed on a plan for the river.",
    "It is the first time in ten years that the bridge has been closed to the public for repairs.",
    "The court said that the company had to pay a fine, and that it could appeal to a higher court.",
    "She was born in a village near the border and moved to the city when she was a child.",
] * 5
OTHER_ENGLISH = ["The team won the match on a cold night, and the fans sang in the streets until the morning."] * 3
GERMAN = ["Die Minister der beiden Staaten trafen sich in der Hauptstadt und einigten sich auf einen Plan."] * 3
FRENCH = ["Les ministres des deux pays se sont rencontrés dans la capitale et ont adopté un plan commun."] * 3
CHINESE = ["两国部长在首都会面，就一项计划达成一致。"] * 3
RUSSIAN = ["Министры двух стран встретились в столице и договорились о плане."] * 3


@pytest.mark.parametrize(
    ("targets", "language", "references", "said"),
    [
        (ENGLISH, "en", ENGLISH[:2], ""),
        (ENGLISH, "en", OTHER_ENGLISH, ""),
        (ENGLISH, "", OTHER_ENGLISH, ""),
        (ENGLISH, "en", GERMAN, "do not seem to be in English"),
        (ENGLISH, "", FRENCH, "do not seem to be in the language of the training targets"),
        (ENGLISH, "en", CHINESE, "3 of 3 references are not in the script of English"),
        (CHINESE, "zh", ENGLISH[:4], "4 of 4 references are not in the script of Chinese"),
        (CHINESE, "zh", CHINESE, ""),
        (ENGLISH, "en", [*CHINESE, *ENGLISH[:4]], ""),
        (RUSSIAN, "ru", OTHER_ENGLISH, "not in the script of Russian"),
        (ENGLISH, "en", ["123", "!"], ""),
        (["Haus", "Baum"], "de", GERMAN, ""),
        ([], "", GERMAN, ""),
    ],
)
def test_what_is_noticed(targets: list[str], language: str, references: list[str], said: str) -> None:
    made = TargetLanguage.of(targets, language)
    again = TargetLanguage.from_state(json.loads(json.dumps(made.state())))
    assert again == made
    remarks = again.remarks(references)
    assert (said in remarks[0]) if said else remarks == []
