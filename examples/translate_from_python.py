"""Train a small translator from scratch on pairs held in memory, and use it.

    python translate_from_python.py [MODEL [STEPS]]

MODEL is anything that ``zoo run --model`` takes. The sentences come from a few words, so that little training is
enough for a model without any pretraining; the test sentences are combinations that training does not show.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
from pathlib import Path

import taskzoo

PEOPLE = {
    "Anna": "安娜",
    "My brother": "我弟弟",
    "The teacher": "老师",
    "Our neighbour": "我们的邻居",
    "David": "大卫",
    "Her friend": "她的朋友",
    "His mother": "他妈妈",
    "The doctor": "医生",
    "Peter": "彼得",
    "My sister": "我妹妹",
}
TIMES = {
    "today": "今天",
    "every morning": "每天早上",
    "on Sunday": "星期天",
    "in the evening": "晚上",
    "at noon": "中午",
    "every week": "每个星期",
    "at night": "夜里",
}
ACTIONS = {
    "drinks tea": "喝茶",
    "buys red apples": "买红苹果",
    "reads a long book": "看一本很长的书",
    "plays football": "踢足球",
    "writes two letters": "写两封信",
    "cooks fish": "做鱼",
    "feeds the cat": "喂猫",
    "sings an old song": "唱一首老歌",
    "cleans the kitchen": "打扫厨房",
    "learns English": "学英语",
    "eats rice": "吃米饭",
    "waits for the bus": "等公共汽车",
    "washes the car": "洗车",
    "calls a friend": "给朋友打电话",
}


def pairs() -> tuple[list[str], list[str]]:
    """All English sentences, and their Chinese translations, in which the time stands behind the person."""
    chosen = list(itertools.product(PEOPLE.items(), TIMES.items(), ACTIONS.items()))
    sources = [f"{person[0]} {action[0]} {time[0]}." for person, time, action in chosen]
    targets = [f"{person[1]}{time[1]}{action[1]}。" for person, time, action in chosen]
    return sources, targets


def main(model: str = "scratch:marian-tiny", steps: str = "1200") -> None:
    """Train, print the scores and translate."""
    with tempfile.TemporaryDirectory() as folder:
        run = taskzoo.finetune(
            "translation",
            model=model,
            train=pairs(),
            validation=[],
            holdout="0,20",  # 20 of the pairs become test rows
            source_lang="en",
            target_lang="zh",
            max_steps=int(steps),  # other settings are those of the recipe
            output=Path(folder) / "run",
        )
        scores = run.metrics["test"]
        for name in ("bleu", "chrf"):
            low, high = scores[f"{name}_ci95"]
            print(f"{name} on {scores['rows']} test rows: {scores[name]:.1f}, 95% interval {low:.1f} to {high:.1f}")
        better = taskzoo.load(run.path, options={"num_beams": 4})  # settings of generation may change after training
        for source in ("Anna drinks tea on Sunday.", "Her friend reads a long book every morning."):
            print(f"{source} {run.predict(source)['text']} {better.predict(source)['text']}")


if __name__ == "__main__":
    main(*sys.argv[1:])
