"""Headers of real data sets find their roles without --columns, or are refused where they could mean two things."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskzoo.data.columns import Columns
from taskzoo.data.readers import ReadRequest, read_rows
from taskzoo.spec import Column, TaskSpec

from .conftest import Write
from .kit import TOKENS, refused, sentences, texts

PAIR = {"text": "a text", "label": "its label", "text_pair": "a second text"}


def read(write: Write, header: str) -> dict[str, str]:
    """role -> name of its column."""
    names = header.split(",")
    row = texts(write("a.csv", f"{header}\n{','.join(f'in {n}' for n in names)}\n"), roles=PAIR, required=frozenset())[
        0
    ]
    return {role: value.removeprefix("in ") for role, value in row.fields.items()}


@pytest.mark.parametrize(
    ("header", "text", "label"),
    [
        ("sentence,label", "sentence", "label"),  # SST-2
        ("review,sentiment", "review", "sentiment"),  # IMDB
        ("text,label", "text", "label"),  # Yelp
        ("review_id,user_id,business_id,stars,useful,funny,cool,text,date", "text", "stars"),  # Yelp's own
        ("overall,verified,reviewTime,reviewerID,asin,reviewText,summary", "reviewText", "overall"),  # Amazon
        ("rating,title,text,images,asin,timestamp,helpful_vote", "text", "rating"),  # Amazon 2023
        ("review_id,product_id,stars,review_body,review_title,language", "review_body", "stars"),
        ("Id,ProductId,UserId,HelpfulnessNumerator,Score,Time,Summary,Text", "Text", "Score"),
        ("PhraseId,SentenceId,Phrase,Sentiment", "Phrase", "Sentiment"),
        ("text,labels,id", "text", "labels"),  # GoEmotions
        ("Category,Message", "Message", "Category"),
        ("tweet,emotion", "tweet", "emotion"),
        ("utterance,intent", "utterance", "intent"),
        ("文本,标签", "文本", "标签"),
        ("标题,内容,类别", "内容", "类别"),
        ("评论,情感倾向", "评论", "情感倾向"),
        ("序号,评价,星级", "评价", "星级"),
        ("label,review", "review", "label"),  # ChnSentiCorp
    ],
)
def test_one_text(write: Write, header: str, text: str, label: str) -> None:
    assert read(write, header) == {"text": text, "label": label}


@pytest.mark.parametrize(
    ("header", "text", "text_pair", "label"),
    [
        ("sentence1,sentence2,label,idx", "sentence1", "sentence2", "label"),  # MRPC, RTE, AFQMC
        ("premise,hypothesis,label,idx", "premise", "hypothesis", "label"),  # MNLI, SNLI
        ("gold_label,sentence1_parse,sentence2_parse,sentence1,sentence2", "sentence1", "sentence2", "gold_label"),
        ("id,qid1,qid2,question1,question2,is_duplicate", "question1", "question2", "is_duplicate"),  # QQP
        ("source1,source2,sentence1,sentence2,score", "sentence1", "sentence2", "score"),  # STS-B
        ("text_a,text_b,label", "text_a", "text_b", "label"),  # LCQMC
        ("句子1,句子2,标签", "句子1", "句子2", "标签"),
        ("text,text_pair,label", "text", "text_pair", "label"),
    ],
)
def test_two_texts(write: Write, header: str, text: str, text_pair: str, label: str) -> None:
    assert read(write, header) == {"text": text, "text_pair": text_pair, "label": label}


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("question,sentence,label", "text could be column 'sentence' or 'question'"),  # QNLI
        ("text,rating,sentiment", "label could be column 'sentiment' or 'rating'"),
        ("sentence,sentence1,sentence2,label", "text could be column 'sentence' or 'sentence1'"),
    ],
)
def test_two_candidates_are_not_guessed(write: Write, header: str, part: str) -> None:
    refused(write("a.csv", f"{header}\n{header}x\n"), part, "--columns", roles=PAIR)


def test_a_task_for_one_text_does_not_take_the_first_of_two(write: Write) -> None:
    refused(write("a.csv", "sentence1,sentence2,label\na,b,c\n"), "no column for text", line=1)


def test_only_what_must_be_there_is_asked_for(write: Write) -> None:
    path = write("a.tsv", "a\tb\tc\n")
    refused(path, "no column for text, label: 'a'", "text=N,label=N)", line=1, roles=PAIR, required=frozenset())
    refused(
        write("a.jsonl", '{"a": 1}'),
        "for text, label; ",
        "text=NAME,label=NAME.",
        line=1,
        roles=PAIR,
        required=frozenset(),
    )


@pytest.mark.parametrize("word", ["Review", "Question", "Words"])
def test_a_first_token_that_is_a_synonym_is_no_header(write: Write, word: str) -> None:
    roles = {**TOKENS, "text": "a text instead of tokens"}
    path = write("a.txt", f"{word}\tO\nof\tO\n\nOslo\tB-LOC\n")
    rows = sentences(path, roles=roles, required=frozenset())
    assert [row["tokens"] for row in rows] == [[word, "of"], ["Oslo"]]


def test_all_inputs_that_would_do_are_named(write: Write) -> None:
    spec = {"roles": {**TOKENS, "text": "a text instead of tokens"}, "required": frozenset(), "read": sentences}
    path = write("a.jsonl", '{"a": 1}')
    refused(path, "for tokens, tags; ", "tokens=NAME,tags=NAME. Instead of tokens, text will do.", line=1, **spec)
    refused(path, "for tokens; ", "tokens=NAME. Instead of tokens, text will do.", line=1, labelled=False, **spec)


def test_a_file_that_a_cell_names_lies_beside_the_file_that_names_it(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = TaskSpec(id="a", contract=2, columns={"sound": Column("a sound", required=True, path=True)})
    file = write("a.jsonl", '{"sound": "in/one.wav"}\n{"sound": "/two.wav"}\n')
    found = [row["sound"] for row in read_rows(file, ReadRequest(spec))]
    assert found == [str(file.absolute().parent / "in" / "one.wav"), "/two.wav"]
    monkeypatch.chdir(tmp_path)
    [row] = Columns(ReadRequest(spec), "train").rows([(1, {"sound": "in/one.wav"})])
    assert row["sound"] == str(tmp_path / "in" / "one.wav")
