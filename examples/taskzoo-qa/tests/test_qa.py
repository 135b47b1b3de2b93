"""The contract by the kit that taskzoo ships, and what is special about this task by hand."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from taskzoo_qa import QA
from taskzoo_qa.commands import squad_score
from taskzoo_qa.comparing import CMRC, SQUAD, compare, segments
from taskzoo_qa.decoding import join_windows, read_window
from taskzoo_qa.demo import generate
from taskzoo_qa.evidence import AnswerEvidence
from taskzoo_qa.metrics import AnswerScores
from taskzoo_qa.task import QaTask
from taskzoo_qa.threshold import best_threshold
from taskzoo_qa.tokens import Tokenizer

from taskzoo import DataError, Example, Feature, RequestError, Row
from taskzoo.data.readers import ReadRequest, read_rows
from taskzoo.evidence import Question, Word
from taskzoo.testing import TaskContract, make_tiny_checkpoint

CONTEXT = "Ann Lee lives in Oslo.\r\nShe is 38 \U0001f600 and works at ＡＣＭＥ（挪威）公司 in the U.S."


class TestContract(TaskContract):
    task = "qa"


class TestDecoder(TaskContract):
    task = "qa"
    family = "gpt2"


def task(**options: Any) -> QaTask:
    return QaTask(QA.resolve_options(options))


def row(answers: Any, context: str = CONTEXT) -> Row:
    return Row({"question": "Where?", "context": context, "answers": answers, "id": "q7"}, "f.json", 3)


def prepared(answers: Any, split: str = "train") -> Example:
    return task().prepare([row(answers)], split)[0]


# how answers are compared


@pytest.mark.parametrize(
    ("answer", "gold", "exact", "f1"),
    [
        ("the Cat", ["cat"], 1, 1),  # article and case
        ("Saint-Denis.", ["saintdenis"], 1, 1),  # ASCII punctuation is deleted, not replaced by a space
        ("a  red\tcat", ["red cat"], 1, 1),
        ("the red cat", ["cat"], 0, 2 / 3),  # precision 1/2, recall 1
        ("cat cat", ["cat"], 0, 2 / 3),  # a bag: the second one does not count
        ("dog", ["cat", "the dog house"], 0, 2 / 3),  # the best of several
        ("", [], 1, 1),  # rightly no answer
        ("", ["cat"], 0, 0),
        ("cat", [], 0, 0),
        ("the", [], 1, 1),  # nothing is left of it
        ("cat", ["the", "cat"], 1, 1),  # a gold answer of which nothing is left is not looked at
        ("theory", ["ory"], 0, 0),  # no article inside a word
        ("$5.5", ["55"], 1, 1),
        ("東京", ["東京。"], 0, 0),  # only ASCII punctuation counts
        (None, [], 0, 0),  # not dealt with
    ],
)
def test_squad_by_hand(answer: str | None, gold: list[str], exact: float, f1: float) -> None:
    assert compare(answer, gold, SQUAD) == pytest.approx((exact, f1))


@pytest.mark.parametrize(
    ("answer", "gold", "exact", "f1"),
    [
        ("《北京》", ["北京"], 1, 1),  # listed punctuation
        ("北京市", ["北京"], 0, 4 / 5),  # 2 of 3 and 2 of 2
        ("北京的天气", ["北京的好天气"], 0, 6 / 11),  # the longest common run is 3, not the common subsequence of 5
        ("1998年", ["1998年5月"], 0, 2 * 2 / (2 + 4)),  # numbers are one segment: 1998 年 / 1998 年 5 月
        ("GDP增长", ["gdp"], 0, 2 / 4),  # gdp 增 长
        ("上海", ["北京"], 0, 0),
        ("北京", ["上海", "北京。"], 1, 1),
        ("", [], 1, 1),
        ("北京", [], 0, 0),
        ("，。", ["北京"], 0, 0),
    ],
)
def test_cmrc_by_hand(answer: str, gold: list[str], exact: float, f1: float) -> None:
    assert compare(answer, gold, CMRC) == pytest.approx((exact, f1))


def test_segments_of_mixed_text() -> None:
    assert segments("用iPhone 15在U.S.买的，3.5元") == ["用", "iphone", "15", "在", "u.s", ".", "买", "的", "3.5", "元"]


def test_scores_by_whether_there_is_an_answer() -> None:
    predictions = [{"text": "red cat"}, {"text": ""}, {"text": ""}, {"text": "dog"}]
    references = [{"targets": ["cat"]}, {"targets": ["cat"]}, {"targets": []}, {"targets": []}]
    found = AnswerScores().compute(predictions, references)
    assert found == pytest.approx(
        {"f1": (2 / 3 + 1) / 4, "exact_match": 1 / 4, "has_answer_f1": 1 / 3, "no_answer_accuracy": 1 / 2}
    )
    assert np.isnan(AnswerScores().compute(predictions[:1], references[:1])["no_answer_accuracy"])


# rows


@pytest.mark.parametrize(
    "answers",
    [
        "Oslo",
        ["Oslo"],
        {"text": "Oslo", "start": 17},
        [{"text": "Oslo", "answer_start": 17}],
        {"text": ["Oslo"], "answer_start": [17]},
    ],
)
def test_answers_in_all_forms(answers: Any) -> None:
    assert prepared(answers)["answers"] == [("Oslo", 17)]


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        (
            [{"text": "Oslo", "start": 18}],
            "question q7: the answer 'Oslo' is said to begin at character 18, and the context has 'slo.' there; it "
            "first occurs at 17. Starts count characters from 0.",
        ),
        ([{"text": "Rome", "start": -1}], "the context does not contain it"),
        (["Rome"], "does not occur in the context; correct it or remove the row"),
        ([""], "is '' and not a text; where there is none, the list is empty"),
        ([{"text": "Oslo", "start": "17"}], "begins at '17', which is not a whole number"),
        (5, "the answers are 5; give a text or a list of"),
        ({"text": ["a", "b"], "answer_start": [1]}, "2 texts and not as many starts"),
    ],
)
def test_answers_that_cannot_be_used(answers: Any, message: str) -> None:
    with pytest.raises(DataError, match=r"^f\.json:3: ") as error:
        prepared(answers)
    assert message in str(error.value)
    assert len(str(error.value)) <= 500


def test_a_text_that_is_only_scored_need_not_occur() -> None:
    assert prepared(["Rome"], "test")["answers"] == [("Rome", -1)]


# features


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    from transformers import AutoTokenizer

    folder, texts = tmp_path_factory.mktemp("tiny"), [CONTEXT, "Where does Ann Lee live?"] * 3
    families = ("bert", "roberta", "deberta-v2", "modernbert", "t5", "gpt2")
    made = {family: make_tiny_checkpoint(folder / family, family, texts) for family in families}
    return {family: AutoTokenizer.from_pretrained(path) for family, path in made.items()}


@pytest.mark.parametrize("family", ["bert", "roberta", "deberta-v2", "modernbert", "t5", "gpt2"])
@pytest.mark.parametrize("text", ["Oslo", "38", "\U0001f600", "ＡＣＭＥ（挪威）公司", "挪威", "U.S."])
def test_places_are_those_of_the_original_text(tokenizers: dict[str, Any], family: str, text: str) -> None:
    start = CONTEXT.index(text)
    example = prepared([{"text": text, "start": start}])
    encoded = task().encode([example], tokenizers[family])
    (feature,) = encoded.features
    first, last = (feature["places"][at - feature["first"]] for at in feature["target"])
    assert first[0] <= start < first[1]
    assert last[0] < start + len(text) <= last[1]
    if not encoded.counts["misaligned_answers"]:
        assert CONTEXT[first[0] : last[1]] == text


class Slow:
    """A tokenizer that does not tell the places of its tokens."""

    is_fast = False

    def __init__(self, fast: Any) -> None:
        self._fast = fast

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fast, name)

    def __call__(self, *given: Any, **settings: Any) -> Any:
        if settings.get("return_offsets_mapping"):
            raise NotImplementedError("places are only known to fast tokenizers")
        return self._fast(*given, **settings)


def test_a_slow_tokenizer_reads_words(tokenizers: dict[str, Any]) -> None:
    found = Tokenizer(Slow(tokenizers["bert"]))(CONTEXT)
    assert {CONTEXT[a:b] for a, b in found.places} > {"Oslo", "38", "挪", "威", "\U0001f600", "ＡＣＭＥ"}


@pytest.mark.parametrize("family", ["bert", "roberta", "t5"])
def test_a_spelled_special_token_is_plain_text(tokenizers: dict[str, Any], family: str) -> None:
    tokenizer = tokenizers[family]
    special = next(token for token in tokenizer.all_special_tokens if token != tokenizer.unk_token)
    found = Tokenizer(tokenizer)(f"Oslo {special} Rome")
    assert not (set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}) & set(found.ids)
    assert found.places[-1][1] == len(f"Oslo {special} Rome")


@pytest.mark.parametrize("family", ["bert", "roberta", "t5"])
def test_an_answer_is_made_of_whole_words(tokenizers: dict[str, Any], family: str) -> None:
    encoded = task().encode([prepared([{"text": "sl", "start": 18}])], tokenizers[family])
    assert encoded.counts["misaligned_answers"] == 1
    (one,) = encoded.features
    first, last = (at - one["first"] for at in one["target"])
    assert CONTEXT[one["places"][first][0] : one["places"][last][1]] == "Oslo"
    assert one["begins"][first]
    assert one["ends"][last]
    found = Tokenizer(tokenizers[family])("x: Oslo")
    assert [found.begins[0], found.ends[-1]] == [True, True]
    firsts = {a for (a, _), begins in zip(found.places, found.begins, strict=True) if begins}
    lasts = {b for (_, b), ends in zip(found.places, found.ends, strict=True) if ends}
    assert {0, 3} <= firsts <= {0, 1, 3}  # a tokenizer may have the sign as a token of its own
    assert {2, 7} <= lasts <= {1, 2, 7}


@pytest.mark.parametrize("family", ["bert", "roberta", "t5"])
@pytest.mark.parametrize("text", ["हिन्दी", "كِتَابٌ", "Zoe\u0308"])
def test_marks_belong_to_their_word(text: str, family: str, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    context = f"Ann {text} Oslo"
    tokenizer = AutoTokenizer.from_pretrained(make_tiny_checkpoint(tmp_path, family, [context] * 3))
    example = task().prepare([row([{"text": text, "start": 4}], context)], "train")[0]
    for reads in (tokenizer, Slow(tokenizer)):
        tokens = Tokenizer(reads)(context)
        starts = [a for (a, _), begins in zip(tokens.places, tokens.begins, strict=True) if begins]
        ends = [b for (_, b), stops in zip(tokens.places, tokens.ends, strict=True) if stops]
        assert {at for at in starts if 4 <= at < 4 + len(text)} == {4}
        assert {at for at in ends if 4 < at <= 4 + len(text)} == {4 + len(text)}
    assert task().encode([example], tokenizer).counts["misaligned_answers"] == 0


def test_an_answer_that_no_window_holds_is_not_learnt_as_no_answer(tokenizers: dict[str, Any]) -> None:
    tokenizer = tokenizers["bert"]
    long = " ".join(["Oslo lives"] * 30)
    found = task().prepare([row([long], long), row([], long), row("\u200b", "Ann \u200b")], "train")
    encoded = task(max_length=24, doc_stride=4).encode(found, tokenizer)
    assert encoded.counts["lost_answers"] == 2
    assert encoded.counts["misaligned_answers"] == 0
    targets = [{feature["target"] for feature in encoded.features if feature.row == i} for i in range(3)]
    assert targets == [{(-100, -100)}, {(0, 0)}, {(-100, -100)}]


def long_example(count: int = 60) -> Example:
    context = " ".join(["Oslo lives", *["She is 38 and works"] * count, "Ann Lee"])
    return task().prepare([row([{"text": "Ann Lee", "start": len(context) - 7}], context)], "train")[0]


def test_windows_overlap_and_hold_every_token(tokenizers: dict[str, Any]) -> None:
    example, tokenizer = long_example(), tokenizers["bert"]
    encoded = task(max_length=40, doc_stride=10).encode([example], tokenizer)
    assert encoded.counts["long_contexts"] == 1
    assert encoded.counts["windows"] == len(encoded.features) > 5
    assert all(feature.length <= 40 for feature in encoded.features)
    places = [feature["places"] for feature in encoded.features]
    for before, after in itertools.pairwise(places):
        assert before[-10:] == after[:10]
    assert sorted({place for window in places for place in window}) == Tokenizer(tokenizer)(example["context"]).places
    targets = [feature["target"] for feature in encoded.features]
    null = encoded.features[0]["null"]
    assert targets[:-1] == [(null, null)] * (len(targets) - 1)
    assert targets[-1] != (null, null)
    with pytest.raises(RequestError, match="max_length=4 leaves no room"):
        task(max_length=4).encode([example], tokenizer)


# answers


def feature(places: Sequence[tuple[int, int]]) -> Feature:
    """Two tokens, then the context; the first stands for no answer."""
    whole = [a < b for a, b in places]
    values = {"first": 2, "null": 0, "places": list(places), "begins": whole, "ends": whole, "target": (0, 0)}
    return Feature(0, 2 + len(places), values)


def test_the_best_pair_is_found() -> None:
    one = feature([(0, 1), (2, 3), (3, 3), (4, 5)])
    starts, ends = np.array([1.0, 9, 0, 3, 9, 2]), np.array([2.0, 9, 4, 0, 9, 3])
    window = read_window(starts, ends, one, longest=3, keep=2)
    # pairs (0,1) 0+4, (0,3)..: token 3 is whitespace only; 0 to 3 is too long; ends before starts do not count
    assert window.null == 3.0
    assert window.best == [(2, 5, 6.0), (4, 5, 5.0)]
    assert window.total == pytest.approx(np.log(np.exp([4.0, 0.0, 3.0, 6.0, 5.0]).sum()))


def predicted(windows: Sequence[tuple[Sequence[float], Sequence[float], Feature]], **options: Any) -> dict[str, Any]:
    one = task(**options)
    one.some_unanswerable, one.threshold = True, 0.5
    example = Row({"question": "q", "context": "a b c d e f"}).example(
        question="q", context="a b c d e f", answers=None, id=None
    )
    outputs = SimpleNamespace(
        start_logits=np.array([starts for starts, _, _ in windows]),
        end_logits=np.array([ends for _, ends, _ in windows]),
    )
    parts = one.decode(outputs, SimpleNamespace(targets={"features": [f for _, _, f in windows]}))
    return one.assemble([example], [parts])[0]


LEFT, RIGHT = feature([(0, 1), (2, 3)]), feature([(2, 3), (4, 5)])


def test_windows_are_joined_and_no_answer_has_its_threshold() -> None:
    # no answer: 4 in the left window, 2 in the right one: the least counts, less the threshold, 1.5
    left, right = ([2.0, 0, 0, 1], [2.0, 0, 0, 0], LEFT), ([1.0, 0, 0, 0], [1.0, 0, 0, 1.8], RIGHT)
    total = np.exp([0, 0, 1, 0, 1.8, 1.8, 1.5]).sum()
    found = predicted([left, right], n_best=3)
    assert (found["text"], found["start"], found["end"]) == ("b c", 2, 5)
    assert found["score"] == pytest.approx(np.exp(1.8) / total, abs=1e-4)
    assert [one["text"] for one in found["alternatives"]] == ["c", ""]
    silent = ([1.5, 0, 0, 0], [1.0, 0, 0, 1.8], RIGHT)  # 2.5 - 0.5 > 1.8
    assert predicted([left, silent])["text"] == ""
    assert predicted([left, silent], no_answer="never")["text"] == "b c"


def test_a_span_in_two_windows_counts_once() -> None:
    left, right = ([0.0, 0, 0, 3], [0.0, 0, 0, 0], LEFT), ([0.0, 0, 2, 0], [0.0, 0, 0, 0], RIGHT)
    windows = [read_window(np.array(s), np.array(e), f, 30, 20) for s, e, f in (left, right)]
    found = join_windows(windows)
    assert found.best[0] == (2, 3, 3.0)
    assert len(found.best) == len({one[:2] for one in found.best}) == 5


def test_the_threshold_is_the_best_on_held_out_rows() -> None:
    doubts, answered = np.array([3.0, -1.0, 0.5, 2.0]), np.array([0.0, 1.0, 1.0, 0.0])
    silent = np.array([1.0, 0.0, 0.0, 1.0])
    assert best_threshold(doubts, answered, silent) == 1.25  # between 0.5 and 2
    assert best_threshold(doubts - 1, answered, silent) == 0.0  # good enough as it is
    assert best_threshold(doubts, np.ones(4), np.zeros(4)) == 4.0  # always answer
    assert best_threshold(np.array([1.0, 1.0]), np.array([1.0, 0.0]), np.array([0.0, 0.6])) in (0.0, 2.0)


def test_questions_of_both_kinds_are_learnt_from() -> None:
    one = task()
    one.fit([prepared("Oslo"), prepared("38")])
    assert (one.language, one.may_be_silent) == ("en", False)
    one.extend([prepared([]), prepared("挪威")])
    assert (one.language, one.may_be_silent) == ("en", True)
    chinese = task()
    chinese.fit([prepared("挪威"), prepared([])])
    assert chinese.language == "zh"
    japanese = task()
    japanese.fit([prepared([]), *task().prepare([row("東京"), row("ペンが")], "test")])
    assert japanese.language == "en", "kana are not Chinese"
    with pytest.raises(RequestError, match="None of the training questions has an answer"):
        task().fit([prepared([])])


def test_the_evidence_is_the_log_probability_of_the_span() -> None:
    one = task()
    one.some_unanswerable = True
    evidence = AnswerEvidence(one, "question")
    (claim,) = evidence.claims({"text": "b", "start": 2, "end": 3})
    assert claim.span == Word("context", 2, 3)
    assert evidence.claims({"text": ""}) == []
    outputs = SimpleNamespace(start_logits=np.array([[1.0, 0, 0, 2]]), end_logits=np.array([[1.0, 0, 0, 0]]))
    one.forward = lambda model, batch: outputs  # type: ignore[method-assign]
    parts = evidence.parts(None, SimpleNamespace(targets={"features": [LEFT]}))  # type: ignore[arg-type]
    value = evidence.value(Question(prepared("Oslo"), claim), parts)
    assert value == pytest.approx(2 - np.log(np.exp([0, 0, 2, 2]).sum()))


# files


SQUAD_FILE = {
    "version": "v2.0",
    "data": [
        {
            "title": "t",
            "paragraphs": [
                {
                    "context": "Ann lives in Oslo.",
                    "qas": [
                        {"question": "Who?", "id": "1", "answers": [{"text": "Ann", "answer_start": 0}]},
                        {
                            "question": "When?",
                            "id": "2",
                            "is_impossible": True,
                            "answers": [],
                            "plausible_answers": [{"text": "Oslo", "answer_start": 13}],
                        },
                    ],
                }
            ],
        }
    ],
}
CMRC_FILE = [
    {
        "context_id": "D0",
        "context_text": "安住在奥斯陆。",
        "title": "安",
        "qas": [{"query_text": "谁？", "query_id": "D0_Q0", "answers": ["安", "安"]}],
    }
]


def rows_of(value: Any, path: Path, *, indent: int | None = None) -> list[Row]:
    path.write_text(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=indent), "utf-8")
    return read_rows(path, ReadRequest(QA))


@pytest.mark.parametrize("indent", [None, 2])
def test_squad(tmp_path: Path, indent: int | None) -> None:
    found = rows_of(SQUAD_FILE, tmp_path / "a.json", indent=indent)
    one, none = task().prepare(found, "train")
    assert (one["question"], one["context"], one["id"]) == ("Who?", "Ann lives in Oslo.", "1")
    assert one["answers"] == [("Ann", 0)]
    assert none["answers"] == []
    assert [row.line for row in found] == ([1, 1] if indent is None else [11, 21])


def test_lines_are_those_of_the_questions_whatever_they_say(tmp_path: Path) -> None:
    asked = ["Who \u00e9?", 'a "question": "Who?"', "Who \u00e9?"]
    qas = [{"question": text, "answers": [{"text": "Ann", "answer_start": 0}]} for text in asked]  # without ids
    value = {"data": [{"paragraphs": [{"context": 'Ann "question": "Who?"', "qas": qas}]}]}
    text = json.dumps(value, indent=1)
    found = rows_of(text, tmp_path / "a.json")
    lines = text.split("\n")
    assert [row["question"] for row in found] == asked
    assert [row.line for row in found] == [i for i, line in enumerate(lines, 1) if line.startswith('       "question"')]


def test_the_time_to_read_grows_with_the_file(tmp_path: Path) -> None:
    def seconds(count: int) -> float:
        qas = [{"question": f"Who {i}?", "id": f"id-{i}-\u00e9", "answers": []} for i in range(count)]
        text = json.dumps({"data": [{"paragraphs": [{"context": "Ann", "qas": qas}]}]}, indent=1)
        (tmp_path / "a.json").write_text(text, encoding="utf-8")
        start = time.process_time()
        read_rows(tmp_path / "a.json", ReadRequest(QA))
        return time.process_time() - start

    assert seconds(16_000) < 10 * max(0.05, seconds(4_000)), "about 4 times; 16 if each question reads the whole file"


def test_cmrc(tmp_path: Path) -> None:
    (found,) = task().prepare(rows_of(CMRC_FILE, tmp_path / "a.json"), "train")
    assert (found["question"], found["context"], found["id"]) == ("谁？", "安住在奥斯陆。", "D0_Q0")
    assert found["answers"] == [("安", 0), ("安", 0)]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"context"', '"text"', r"data\[0\]\.paragraphs\[0\] has no 'context'; expected data\[\]\.paragraphs\[\]"),
        ('"qas": [', '"qas": 5, "x": [', r"paragraphs\[0\] has a 'qas' that is a int"),
        ('"question": "When?", ', "", r"qas\[1\] has no 'question'"),
        (
            '"is_impossible": true',
            '"is_impossible": false',
            r"qas\[1\]: is_impossible is false, and there are 0 answers",
        ),
        ('"answers": []', '"answers": "Oslo"', r"qas\[1\]\.answers is a text and must be a list"),
        ('"v2.0",', '"v2.0"', "broken JSON at column"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = json.dumps(SQUAD_FILE)
    assert old in text
    with pytest.raises(DataError, match=rf"a\.json:?\d*: .*{message}"):
        rows_of(text.replace(old, new, 1), tmp_path / "a.json")


# the command


def test_answers_in_a_file_are_scored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gold = tmp_path / "gold.json"
    gold.write_text(json.dumps(SQUAD_FILE))
    official, lines = tmp_path / "official.json", tmp_path / "lines.jsonl"
    official.write_text(json.dumps({"1": "the Ann Lee", "2": ""}))
    squad_score(official, gold, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert (found["questions"], found["language"], found["missing"]) == (2, "en", 0)
    assert (found["exact_match"], found["f1"], found["no_answer_accuracy"]) == pytest.approx((0.5, 5 / 6, 1.0))
    assert found["f1_ci95"][0] < 5 / 6 < found["f1_ci95"][1]
    lines.write_text('{"id": "1", "text": "Ann", "score": 0.9}\n')
    squad_score(lines, gold)
    told = capsys.readouterr()
    assert "exact_match" in told.out
    assert "50.00" in told.out
    assert told.err == "1 questions have no prediction and count as wrong.\n"
    official.write_text(json.dumps({"x": "Ann"}))
    with pytest.raises(RequestError, match=r"No id in .* is that of a question in the gold file"):
        squad_score(official, gold)
    lines.write_text('{"text": "Ann"}\n')
    with pytest.raises(RequestError, match="has 1 answers without ids and the gold file 2 questions"):
        squad_score(lines, gold)
    lines.write_text('{"id": 1, "text": ""}\n[]\n')
    with pytest.raises(DataError, match=r"lines\.jsonl:2: expected \{id: text\}"):
        squad_score(lines, gold)


def test_ids_say_which_question_is_answered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gold, lines = tmp_path / "gold.json", tmp_path / "lines.jsonl"
    gold.write_text(json.dumps(SQUAD_FILE))
    for written, message in {
        '{"id": "1", "text": "Ann"}\n\n{"text": ""}\n': "lines.jsonl:3: this line has no id, and others have one",
        '{"id": 1, "text": "Ann"}\n{"id": "1", "text": ""}\n': "lines.jsonl:2: '1' is given twice",
        '{"1": "Ann", "2": "", "1": "Bob"}': "'1' is given twice",
        '{"id": "1"}\n{"id": "2"}\n': 'lines.jsonl:1: expected {id: text}, or lines such as {"id": ..., "text": ...}',
    }.items():
        lines.write_text(written)
        with pytest.raises(DataError) as error:
            squad_score(lines, gold)
        assert message in str(error.value)
    lines.write_text('{"id": 1, "text": "Ann"}\n{"id": "2", "text": null}\n{"id": "x", "text": "Ann"}\n')
    squad_score(lines, gold, as_json=True)
    told = capsys.readouterr()
    found = json.loads(told.out)
    assert (found["missing"], found["unknown"]) == (0, 1)
    assert (found["has_answer_f1"], found["no_answer_accuracy"]) == (1.0, 0.0), "left open is not 'no answer'"
    assert told.err == "1 predictions are for questions that the gold file does not have.\n"


def test_the_demo_sets_are_what_their_script_writes(tmp_path: Path) -> None:
    generate.main(tmp_path)
    shipped = Path(generate.__file__).parent
    for name in [*(f"{split}.jsonl" for split in generate.SPLITS), *(f"zh/{split}.json" for split in generate.SPLITS)]:
        assert (shipped / name).read_bytes() == (tmp_path / name).read_bytes()
