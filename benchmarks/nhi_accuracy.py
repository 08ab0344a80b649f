"""How well names alone tell people and machines apart, on a labelled CSV of one's own.

    python -m benchmarks.nhi_accuracy LABELLED.csv [--errors]

Columns: `label` (human or nhi), `email`, `name`, `handle` (each may be empty), and optionally `core` (1 or 0).
Flagged is whoever is labelled nhi or review.
"""

import argparse
import csv
import random
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from time import process_time

from msgspec.structs import replace

from accesssync.nhi.classify import Context, classify, context
from accesssync.nhi.fields import Fields
from accesssync.nhi.lexicon import Lexicon
from accesssync.nhi.verdict import Classification, Subject

Row = dict[str, str]
FOLDS = 5
USUAL = re.compile(r"(?<![a-z])(bot|svc|service|ci|deploy|noreply|automation)(?![a-z])", re.IGNORECASE)
"""The words that come to mind first, as whole words: what any method has to beat."""
SLICES: dict[str, Callable[[Row], bool]] = {
    "core rows": lambda row: row["core"] == "1",
    "core, name and e-mail": lambda row: row["core"] == "1" and bool(row["name"] and row["email"]),
    "core, handle only": lambda row: row["core"] == "1" and not (row["name"] or row["email"]),
    "not core": lambda row: row["core"] != "1",
}


def main() -> None:
    """Print precision, recall and false positives per slice: as shipped, and with words held out."""
    parser = argparse.ArgumentParser(description="Accuracy of nhi score on a labelled CSV.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--errors", action="store_true", help="list what was missed and who was accused")
    arguments = parser.parse_args()
    with arguments.file.open(newline="", encoding="utf-8-sig") as lines:
        rows = [{"email": "", "name": "", "handle": "", "core": "1", **row} for row in csv.DictReader(lines)]
    shipped = context(datetime.now(UTC))
    started = process_time()
    answers = [classify(_subject(row), shipped) for row in rows]
    seconds = process_time() - started
    print(f"{len(rows):,} rows, ruleset {shipped.lexicon.version}, {seconds / len(rows) * 1e6:.0f} us each\n")
    _table("seven usual words, for comparison", rows, [_usual(row) for row in rows])
    _table("as shipped", rows, _labels(answers))
    _table(f"{FOLDS} folds, words of the fold held out", rows, _labels(_held_out(rows, shipped)))
    if arguments.errors:
        _errors(rows, answers)


def _subject(row: Row) -> Subject:
    return Subject(email=row["email"], name=row["name"], handle=row["handle"])


def _labels(answers: Sequence[Classification]) -> list[str]:
    return [answer.label for answer in answers]


def _usual(row: Row) -> str:
    text = " ".join((row["email"].split("@")[0], row["name"].split("@")[0], row["handle"]))
    return "nhi" if USUAL.search(text) else "unknown"


def _held_out(rows: Sequence[Row], shipped: Context) -> list[Classification]:
    """Each fold judged without the words that only its own machines have: what a word never seen would cost.

    This is stricter than the truth, for it also takes away words that everybody knows beforehand. Rows that
    differ in digits only stay together, so that no fold sees another's twin.
    """
    twins: dict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        twins[_without_digits(row)].append(number)
    order = sorted(twins)
    random.Random(1).shuffle(order)  # noqa: S311 - folds, nothing secret
    answers: dict[int, Classification] = {}
    seen = [_words(row, shipped.lexicon) if row["label"] == "nhi" else set() for row in rows]
    for fold in range(FOLDS):
        inside = {number for key in order[fold::FOLDS] for number in twins[key]}
        elsewhere = {word for number, words in enumerate(seen) if number not in inside for word in words}
        own = {word for number in inside for word in seen[number]} - elsewhere
        poorer = context(shipped.now, lexicon=_without(shipped.lexicon, own))
        answers.update({number: classify(_subject(rows[number]), poorer) for number in inside})
    return [answers[number] for number in range(len(rows))]


def _without_digits(row: Row) -> str:
    text = "|".join(row[field].split("@")[0].lower() for field in ("email", "name", "handle"))
    return "".join(char for char in text if not char.isdigit())


def _words(row: Row, lexicon: Lexicon) -> set[str]:
    fields = Fields(_subject(row), lexicon)
    texts = [*fields.texts, fields.tag]
    words = {word for text in texts for word in text.words} | {text.compact for text in texts}
    pairs = {" ".join(pair) for text in texts for pair in pairwise(text.words)}
    endings = {ending for ending, _ in lexicon.endings for word in words if word.endswith(ending)}
    return words | pairs | endings


def _without(lexicon: Lexicon, words: set[str]) -> Lexicon:
    source = lexicon.source
    poorer = {
        table: {
            name: replace(group, words=tuple(word for word in group.words if word not in words))
            for name, group in getattr(source, table).items()
        }
        for table in ("groups", "phrases", "endings", "accounts")
    }
    lists = dict(source.lists)
    lists["roles"] = replace(lists["roles"], words=tuple(word for word in lists["roles"].words if word not in words))
    return Lexicon(replace(source, **poorer, lists=lists), lexicon.version)


def _table(title: str, rows: Sequence[Row], answers: Sequence[str]) -> None:
    print(f"{title:<40} {'rows':>6} {'nhi':>5} {'prec.':>6} {'recall':>6} {'human FP':>9} {'prec. of nhi':>13}")
    for name, belongs in SLICES.items():
        pairs = [(row, answer) for row, answer in zip(rows, answers, strict=True) if belongs(row)]
        if pairs:
            print(f"  {name:<38} {_figures(pairs)}")
    print()


def _figures(pairs: Sequence[tuple[Row, str]]) -> str:
    machines = sum(row["label"] == "nhi" for row, _ in pairs)
    people = len(pairs) - machines
    flagged = [row["label"] for row, answer in pairs if answer in {"nhi", "review"}]
    sure = [row["label"] for row, answer in pairs if answer == "nhi"]
    wrong = flagged.count("human")
    found = flagged.count("nhi")
    return (
        f"{len(pairs):>6} {machines:>5} {_share(found, len(flagged)):>6} {_share(found, machines):>6} "
        f"{_share(wrong, people):>9} {_share(sure.count('nhi'), len(sure)):>13}"
    )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.4f}" if whole else "-"


def _errors(rows: Iterable[Row], answers: Iterable[Classification]) -> None:
    for row, answer in zip(rows, answers, strict=True):
        flagged = answer.label in {"nhi", "review"}
        if flagged != (row["label"] == "nhi"):
            shown = ", ".join(f"{signal.id} {signal.points:+d} {signal.text}" for signal in answer.signals)
            who = " | ".join(row[field] for field in ("email", "name", "handle"))
            sys.stdout.write(
                f"{'ACCUSED' if flagged else 'missed'} core={row['core']} {who}  {answer.score}: {shown}\n"
            )


if __name__ == "__main__":
    main()
