"""Word problems of two steps in GSM8K's schema: `question`, `answer` ending in `#### N`."""

from __future__ import annotations

import random

from example import Example

NAMES = ("Ana", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gus", "Hana", "Jo", "Kim", "Leo", "Mia", "Pam", "Tom")
THINGS = ("beads", "books", "cards", "cups", "eggs", "figs", "keys", "maps", "nuts", "pens", "plums", "tiles")
SHOPS = ("bag", "ball", "belt", "book", "cap", "cup", "doll", "hat", "kite", "lamp", "mug", "pen", "rug")


def make(rng: random.Random) -> Example:
    """Draw one problem; prompt and target as in lm-eval's `gsm8k`, zero-shot."""
    question, steps, result = rng.choice(TEMPLATES)(rng)
    answer = f"{steps}.\n#### {result}"
    record = {"question": question, "answer": answer}
    return Example(f"Question: {question}\nAnswer:", f" {answer}", record)


Problem = tuple[str, str, int]


def _buy_and_give(rng: random.Random) -> Problem:
    who, other = rng.sample(NAMES, 2)
    what = rng.choice(THINGS)
    has, more = rng.randint(5, 40), rng.randint(2, 19)
    total = has + more
    gives = rng.randint(2, min(19, total - 1))
    verb = rng.choice(["buys", "finds", "gets"])
    question = f"{who} has {has} {what}, {verb} {more} more and gives {gives} to {other}. How many are left?"
    return question, f"{has}+{more}={total}, {total}-{gives}={total - gives}", total - gives


def _boxes_and_loose(rng: random.Random) -> Problem:
    who, what = rng.choice(NAMES), rng.choice(THINGS)
    boxes, each, loose = rng.randint(2, 9), rng.randint(2, 9), rng.randint(2, 19)
    packed = boxes * each
    box = rng.choice(["bags", "boxes", "jars"])
    question = f"{who} has {boxes} {box} of {each} {what} and {loose} loose ones. How many {what} is that?"
    return question, f"{boxes}*{each}={packed}, {packed}+{loose}={packed + loose}", packed + loose


def _share(rng: random.Random) -> Problem:
    who, what = rng.choice(NAMES), rng.choice(THINGS)
    people, share, extra = rng.randint(2, 9), rng.randint(2, 9), rng.randint(2, 19)
    total = people * share
    question = f"{people} kids share {total} {what}. {who} gets a share and {extra} more. How many is that?"
    return question, f"{total}/{people}={share}, {share}+{extra}={share + extra}", share + extra


def _times_as_many(rng: random.Random) -> Problem:
    who, other = rng.sample(NAMES, 2)
    what = rng.choice(THINGS)
    has, times = rng.randint(2, 9), rng.randint(2, 9)
    more = has * times
    question = f"{who} has {has} {what}. {other} has {times} times as many. How many do they have together?"
    return question, f"{has}*{times}={more}, {has}+{more}={has + more}", has + more


def _change(rng: random.Random) -> Problem:
    who = rng.choice(NAMES)
    first, second = rng.sample(SHOPS, 2)
    one, two = rng.randint(3, 29), rng.randint(2, 19)
    spent = one + two
    pays = rng.choice([note for note in (20, 30, 40, 50) if note > spent])
    question = f"A {first} costs ${one} and a {second} ${two}. {who} pays with ${pays}. What is the change?"
    return question, f"{one}+{two}={spent}, {pays}-{spent}={pays - spent}", pays - spent


def _pages(rng: random.Random) -> Problem:
    who = rng.choice(NAMES)
    days, daily, left = rng.randint(2, 9), rng.randint(2, 9), rng.randint(2, 19)
    read = days * daily
    total = read + left
    question = f"{who} reads {daily} pages a day for {days} days. The book has {total}. How many are left?"
    return question, f"{daily}*{days}={read}, {total}-{read}={left}", left


TEMPLATES = (_buy_and_give, _boxes_and_loose, _share, _times_as_many, _change, _pages)
