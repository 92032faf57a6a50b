"""Records tests/difflib.json: [before, after, context, diff] as Python's difflib sees it."""
import difflib
import json
import pathlib
import random

random.seed(7)


def text(lines, end=True):
    return "\n".join(lines) + ("\n" if end and lines else "")


def mark(lines):
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n\\ No newline at end of file\n"
    return lines


cases = []
for n in range(120):
    size = random.choice([0, 1, 3, 10, 40, 200, 260])
    words = random.choice([2, 5, 30, 1000])
    before = [f"w{random.randrange(words)}" for _ in range(size)]
    after = list(before)
    for _ in range(random.choice([0, 1, 2, 5, 20])):
        at = random.randrange(len(after) + 1)
        what = random.choice("ird")
        if what == "i":
            after.insert(at, f"w{random.randrange(words)}")
        elif after and at < len(after):
            if what == "r":
                after[at] = f"w{random.randrange(words)}"
            else:
                del after[at]
    b, a = text(before, random.random() < .8), text(after, random.random() < .8)
    context = random.choice([0, 1, 3, 3, 3, 10])
    diff = "".join(difflib.unified_diff(mark(b.splitlines(True)), mark(a.splitlines(True)), "before", "after", n=context))
    cases.append([b, a, context, diff + "\n" if diff else ""])
path = pathlib.Path(__file__).parents[1] / "difflib.json"
path.write_text("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
