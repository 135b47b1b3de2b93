"""Generated requests for classification: any number of rows and classes, balanced or not, without a file.

A class is what is asked for: an action and a thing ("cancel" and "order"). Both have several words; a second thing is
often mentioned in passing, and some labels are wrong, so that no method is right in every row.
"""

from __future__ import annotations

import random
from itertools import product
from typing import Any

ACTIONS = {
    "cancel": ("cancel", "call off", "stop", "get rid of"),
    "change": ("change", "update", "edit", "correct"),
    "find": ("find", "look for", "locate", "track down"),
    "buy": ("buy", "order", "purchase", "pay for"),
    "return": ("return", "send back", "give back", "exchange"),
    "repair": ("repair", "fix", "mend", "get working"),
    "explain": ("explain", "understand", "learn about", "get help with"),
    "send": ("send", "forward", "mail", "pass on"),
    "compare": ("compare", "rate", "review", "weigh up"),
    "delay": ("delay", "put off", "postpone", "move to next week"),
}
THINGS = {
    "flight": ("flight", "plane ticket", "trip to Rome"),
    "phone": ("phone", "mobile", "handset"),
    "card": ("credit card", "bank card", "Visa"),
    "meal": ("dinner", "lunch", "pizza"),
    "parcel": ("parcel", "package", "delivery"),
    "bill": ("bill", "invoice", "statement"),
    "car": ("car", "van", "rental"),
    "room": ("hotel room", "suite", "apartment"),
    "lesson": ("lesson", "class", "course"),
    "shirt": ("shirt", "jacket", "pair of shoes"),
    "account": ("account", "profile", "login"),
    "insurance": ("insurance", "policy", "cover"),
    "song": ("song", "album", "playlist"),
    "doctor": ("doctor's appointment", "check-up", "dentist"),
    "contract": ("contract", "lease", "agreement"),
}
OPENINGS = ("I want to", "can you help me", "please", "I need to", "how do I", "hi, I'd like to", "is it possible to")
ASIDES = ("it has nothing to do with the {}", "I already have a {}", "my {} is fine", "the {} can wait")
ENDINGS = ("", "", "as soon as possible", "today", "thanks", "it is urgent", "if that is all right")
WRONG = 0.05


def generated_rows(count: int, classes: int, imbalance: float, *, seed: int) -> list[dict[str, Any]]:
    """``count`` rows with ``text`` and ``label``; class sizes fall geometrically to ``1 / imbalance`` of the largest.

    Which classes there are depends on ``classes`` alone, the rows on ``seed``. There are at most 150 classes.
    """
    kinds = list(product(ACTIONS, THINGS))
    if not 2 <= classes <= len(kinds):
        raise SystemExit(f"Generated data have 2 to {len(kinds)} classes, not {classes}.")
    kinds = random.Random(0).sample(kinds, len(kinds))[:classes]
    weights = [imbalance ** (-i / (classes - 1)) for i in range(classes)]
    chance = random.Random(seed)
    rows = []
    for action, thing in chance.choices(kinds, weights, k=count):
        label = chance.choice(kinds) if chance.random() < WRONG else (action, thing)
        rows.append({"text": _request(action, thing, chance), "label": " ".join(label)})
    return rows


def _request(action: str, thing: str, chance: random.Random) -> str:
    asked = f"{chance.choice(OPENINGS)} {chance.choice(ACTIONS[action])} the {chance.choice(THINGS[thing])}"
    parts = [asked, chance.choice(ENDINGS)]
    if chance.random() < 0.5:
        other = chance.choice([name for name in THINGS if name != thing])
        parts.insert(chance.randrange(2), chance.choice(ASIDES).format(chance.choice(THINGS[other])))
    return ", ".join(part for part in parts if part)
