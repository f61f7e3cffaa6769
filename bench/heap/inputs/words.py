# bench/heap/inputs/words.py -- a Python program of everyday: words.py STEPS
#
# Text is made, cut into words, counted in dictionaries, put into objects, sorted, written as JSON
# and read again.
# SPDX-License-Identifier: MIT
import json
import re
import sys


class Word:
    def __init__(self, text, count):
        self.text = text
        self.count = count
        self.seen = [count]


def text_of(seed, words):
    for _ in range(words):
        seed = (seed * 1103515245 + 12345) % 2147483648
        yield "word%d" % (seed // 65536 % 3000)


def count(words):
    found = {}
    for text in words:
        word = found.get(text)
        if word is None:
            found[text] = Word(text, 1)
        else:
            word.count += 1
            word.seen.append(word.count)
    return found


total = 0
kept = {}
for step in range(int(sys.argv[1])):
    text = " ".join(text_of(step, 8000))
    found = count(re.findall(r"\w+", text.replace("word", "Word of ")))
    rows = [{"text": w.text, "count": w.count, "seen": w.seen} for w in found.values()]
    rows.sort(key=lambda row: (-row["count"], row["text"]))
    again = json.loads(json.dumps(rows))
    kept[step % 7] = again
    total += sum(len(row["seen"]) for row in again) + len(kept)
print(total)
