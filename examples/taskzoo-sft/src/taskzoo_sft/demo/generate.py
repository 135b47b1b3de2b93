"""Write the demo set: ``python -m taskzoo_sft.demo.generate FOLDER`` (the same bytes every time).

Three kinds of questions, each put in sixteen ways: sums of two digits, words to spell, and facts to look up. A held-out
question asks for something that the training rows ask for in other words, so an answer has to be carried over from one
wording to another. Some rows are conversations of two questions, in the form of ``messages``; ``zh`` is the same in
Chinese.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

SUMS = {
    "": ("What is {0} plus {1}?", "Add {0} and {1}.", "{0} + {1} = ?", "Tell me the sum of {0} and {1}."),
    "zh": ("{0}加{1}等于几？", "请把{0}和{1}相加。", "{0} + {1} = ?", "{0}与{1}的和是多少？"),
}
THREE = ["cat", "dog", "sun", "map"]
FOUR = ["tree", "fish", "bird", "lamp", "book", "ship", "rain", "snow", "milk", "door", "star", "leaf"]
STROKES = dict(zip("山水火木日月人口手目田马鸟鱼雨门", (3, 4, 4, 4, 4, 4, 2, 3, 4, 5, 5, 3, 5, 8, 8, 3), strict=True))
SPELL = {
    "": ("Spell {0}.", "How do you spell {0}?", "Which letters has {0}?", "Write {0} letter by letter."),
    "zh": ("{0}有几画？", "{0}字的笔画数是多少？", "写{0}要几笔？", "请说出{0}的笔画数。"),
}
FACTS = {
    "": {
        ("Where does the {0} live?", "Name the home of the {0}.", "The {0} lives where?", "Where is the {0} found?"): {
            "camel": "in the desert",
            "seal": "in the sea",
            "monkey": "in the jungle",
            "goat": "on the mountain",
            "frog": "in the pond",
            "bee": "in the hive",
            "mole": "under the ground",
            "owl": "in the wood",
        },
        ("What colour is {0}?", "Name the colour of {0}.", "The colour of {0}?", "Which colour has {0}?"): {
            "coal": "black",
            "grass": "green",
            "salt": "white",
            "blood": "red",
            "gold": "yellow",
            "rust": "brown",
            "the sky": "blue",
            "ash": "grey",
        },
    },
    "zh": {
        ("{0}住在哪里？", "{0}的家在哪里？", "说出{0}住的地方。", "在哪里能找到{0}？"): {
            "骆驼": "沙漠里",
            "海豹": "大海里",
            "猴子": "丛林里",
            "山羊": "山上",
            "青蛙": "池塘里",
            "蜜蜂": "蜂巢里",
            "鼹鼠": "地下",
            "猫头鹰": "树林里",
        },
        ("{0}是什么颜色？", "说出{0}的颜色。", "{0}的颜色是什么？", "{0}有什么颜色？"): {
            "煤": "黑色",
            "草": "绿色",
            "盐": "白色",
            "血": "红色",
            "金子": "黄色",
            "铁锈": "棕色",
            "天空": "蓝色",
            "灰": "灰色",
        },
    },
}
SYSTEM = {"": "Answer in as few words as you can.", "zh": "请简短回答。"}
BEFORE = {"": ("", "Please: ", "A question. ", "Now: "), "zh": ("", "请问：", "问题：", "现在，")}
HELD_OUT = {"validation": 40, "test": 60}
CHATS = 40


def put(wordings: Sequence[str], language: str) -> list[str]:
    """All ways to put a question."""
    return [before + wording for before in BEFORE[language] for wording in wordings]


def questions(language: str) -> Iterator[list[tuple[str, str]]]:
    """Each thing to know as its questions, all of one answer."""
    for one in range(1, 6):
        for two in range(1, 6):
            yield [(wording.format(one, two), str(one + two)) for wording in put(SUMS[language], language)]
    spelled = STROKES if language else {word: "-".join(word) for word in THREE + FOUR}
    for word, answer in spelled.items():
        yield [(wording.format(word), str(answer)) for wording in put(SPELL[language], language)]
    for wordings, known in FACTS[language].items():
        for thing, answer in known.items():
            yield [(wording.format(thing), answer) for wording in put(wordings, language)]


def rows(language: str) -> dict[str, list[dict[str, object]]]:
    """Split -> rows; of no thing more than two questions are held out, so most are trained on."""
    chance = random.Random(f"sft {language}")
    train, held = [], []
    for asked in questions(language):
        chance.shuffle(asked)
        held += asked[:2]
        train += asked[2:]
    chance.shuffle(held)
    chosen, start = {}, 0
    for split, count in HELD_OUT.items():
        chosen[split] = held[start : start + count]
        start += count
    train += held[start:]
    chance.shuffle(train)
    found: dict[str, list[dict[str, object]]] = {}
    for split, pairs in {"train": train, **chosen}.items():
        chats = CHATS if split == "train" else CHATS // 8
        made: list[dict[str, object]] = []
        for one, two in zip(pairs[: 2 * chats : 2], pairs[1 : 2 * chats : 2], strict=True):
            turns = [("user", one[0]), ("assistant", one[1]), ("user", two[0]), ("assistant", two[1])]
            said = [("system", SYSTEM[language]), *turns]
            made.append({"messages": [{"role": role, "content": content} for role, content in said]})
        made += [{"prompt": question, "answer": answer} for question, answer in pairs[2 * chats :]]
        chance.shuffle(made)
        found[split] = made
    return found


def main(folder: Path) -> None:
    """Write all files."""
    for language in SUMS:
        (folder / language).mkdir(parents=True, exist_ok=True)
        for split, made in rows(language).items():
            lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in made]
            (folder / language / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
