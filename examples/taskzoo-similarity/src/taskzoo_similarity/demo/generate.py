"""Write the demo sets: ``python -m taskzoo_similarity.demo.generate FOLDER`` (the same bytes every time).

Customers ask for something to be done with a thing. Two questions with the same wish and the same thing are
paraphrases, and the wish's answer about the thing is the passage that answers them. The splits share no thing.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

Row = dict[str, Any]

WISHES = {
    "en": {
        "cancel": (
            "How do I cancel the {}?|I do not want the {} any more.|Please call off my order of the {}.",
            "An order of the {} can be stopped in your account until it leaves our house.",
        ),
        "track": (
            "Where is the {} that I ordered?|When will the {} arrive?|I am still waiting for the {}.",
            "The parcel with the {} has a number by which you can follow it on the map.",
        ),
        "repair": (
            "The {} has stopped working.|Who can mend my {}?|My {} is broken, what now?",
            "A workshop near you takes the {} and gives it back within ten days.",
        ),
        "refund": (
            "I want my money back for the {}.|Can I return the {}?|How is the {} reimbursed?",
            "We pay the price of the {} to your bank account as soon as we have it again.",
        ),
        "price": (
            "How much is the {}?|What does the {} cost?|Is the {} cheaper this week?",
            "You find the price of the {}, with tax, beside its picture.",
        ),
        "size": (
            "Will the {} fit into a small room?|How wide and tall is the {}?|What are the measures of the {}?",
            "The {} needs as much room as its drawing shows, in centimetres.",
        ),
        "colour": (
            "Is there a {} in green?|Which shades does the {} come in?|I would like the {} in another colour.",
            "The {} is made in white, black and a green that is darker than on a screen.",
        ),
        "manual": (
            "I have lost the instructions for the {}.|How is the {} put together?|Where can I read how to use the {}?",
            "A booklet for the {} can be printed from its page, with a drawing of every step.",
        ),
        "gift": (
            "Could you wrap the {} as a present?|The {} is for my mother's birthday.|Send the {} to a friend, please.",
            "With the {} we put a card of your own words, and no bill.",
        ),
        "parts": (
            "I need a new lid for the {}.|Do you sell spare parts for the {}?|A screw of the {} is missing.",
            "Single pieces of the {} are kept for eight years and sent as letters.",
        ),
    },
    "zh": {
        "cancel": ("怎么取消{}的订单？|我不想要{}了。|请帮我撤销买{}的单子。", "{}在出库以前可以在账户里停止发货。"),
        "track": ("我订的{}到哪里了？|{}什么时候能送到？|我还在等{}。", "装{}的包裹有一个号码，可以在地图上查看。"),
        "repair": ("{}不能用了。|谁能修{}？|我的{}坏了，怎么办？", "附近的维修点会收下{}，十天之内还给您。"),
        "refund": ("我要{}的退款。|{}可以退货吗？|买{}的钱怎么退？", "收回{}以后，我们把钱打到您的银行账户。"),
        "price": ("{}多少钱？|{}卖什么价？|这个星期{}便宜吗？", "{}的含税价格写在图片旁边。"),
        "size": ("{}放得进小房间吗？|{}有多宽多高？|{}的尺寸是多少？", "{}占的地方见图纸，单位是厘米。"),
        "colour": ("有绿色的{}吗？|{}有哪些颜色？|我想要别的颜色的{}。", "{}有白色、黑色和比屏幕上深的绿色。"),
        "manual": (
            "我把{}的说明书弄丢了。|{}怎么组装？|哪里能看到{}的用法？",
            "{}的小册子可以从网页打印，每一步都有图。",
        ),
        "gift": (
            "能把{}包成礼物吗？|{}是送给妈妈过生日的。|请把{}寄给我的朋友。",
            "我们在{}里放一张您写的卡片，不放账单。",
        ),
        "parts": ("我需要{}的新盖子。|有{}的零件卖吗？|{}少了一颗螺丝。", "{}的单个零件保存八年，用信件寄出。"),
    },
}
THINGS = {
    "en": "kettle lamp toaster bicycle suitcase rucksack sofa mirror printer keyboard camera tent drill ladder heater "
    "fan blender oven fridge piano guitar drum scooter sledge",
    "zh": "水壶 台灯 烤箱 自行车 行李箱 背包 沙发 镜子 打印机 键盘 相机 帐篷 "
    "电钻 梯子 暖炉 风扇 搅拌机 微波炉 冰箱 钢琴 吉他 鼓 滑板车 雪橇",
}
SHARES = {"train": slice(0, 16), "validation": slice(16, 20), "test": slice(20, 24)}


def questions(language: str, wish: str, thing: str) -> list[str]:
    """The paraphrases of one wish about one thing."""
    return [question.format(thing) for question in WISHES[language][wish][0].split("|")]


def answer(language: str, wish: str, thing: str) -> str:
    """The passage that answers them."""
    return WISHES[language][wish][1].format(thing)


def pairs(language: str, split: str) -> Iterator[Row]:
    """A question and another one of the same wish and thing, for each of these."""
    chance = random.Random(f"pairs {language} {split}")
    for wish, thing in product(WISHES[language], things(language, split)):
        text, other = chance.sample(questions(language, wish, thing), 2)
        yield {"text": text, "other": other}


def scored(language: str, split: str) -> Iterator[Row]:
    """Two questions and how similar they are: 5 for the same wish and thing, 3 for the wish, 1 for the thing, 0."""
    chance = random.Random(f"scored {language} {split}")
    known = things(language, split)
    for wish, thing in product(WISHES[language], known):
        same_wish, same_thing = chance.random() < 0.5, chance.random() < 0.5
        wish_2 = wish if same_wish else chance.choice([w for w in WISHES[language] if w != wish])
        thing_2 = thing if same_thing else chance.choice([t for t in known if t != thing])
        text = chance.choice(questions(language, wish, thing))
        other = chance.choice([q for q in questions(language, wish_2, thing_2) if q != text])
        yield {"text": text, "other": other, "score": 5 if same_wish and same_thing else 3 * same_wish + same_thing}


def lists(language: str, split: str) -> Iterator[Row]:
    """A question with the passage that answers it, and four that do not."""
    chance = random.Random(f"lists {language} {split}")
    known, wishes = things(language, split), list(WISHES[language])
    for wish, thing in product(wishes, known):
        others = [(w, thing) for w in chance.sample([w for w in wishes if w != wish], 2)]
        others += [(wish, t) for t in chance.sample([t for t in known if t != thing], 2)]
        wrong = [answer(language, *other) for other in others]
        query = chance.choice(questions(language, wish, thing))
        yield {"query": query, "positive": [answer(language, wish, thing)], "negative": wrong}


def single(language: str, split: str) -> Iterator[Row]:
    """The same, one passage per row."""
    for row in lists(language, split):
        for passage in (*row["positive"], *row["negative"]):
            yield {"query": row["query"], "passage": passage, "relevance": int(passage in row["positive"])}


def things(language: str, split: str) -> list[str]:
    """Those of a split."""
    return THINGS[language].split()[SHARES[split]]


SETS = {
    "similarity": (pairs, "en"),
    "similarity/zh": (pairs, "zh"),
    "similarity/scored": (scored, "en"),
    "similarity/scored-zh": (scored, "zh"),
    "reranking": (lists, "en"),
    "reranking/zh": (single, "zh"),
}


def main(folder: Path) -> None:
    """Write all sets into ``folder``."""
    for name, (rows, language) in SETS.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for split in SHARES:
            lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows(language, split))
            (folder / name / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
