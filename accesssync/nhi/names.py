"""What names, handles and addresses say about automation."""

import re
from itertools import pairwise

from accesssync.nhi.fields import Fields, Text
from accesssync.nhi.lexicon import Group, Lexicon
from accesssync.nhi.verdict import Signal

_JOINT = re.compile(r"\w[-_.]\w")
_SUFFIX = re.compile(r"[-_.]([0-9a-f]{6,40})$")
_COMMON_SURNAMES = ("talbot", "abbot", "chabot")
"""Surnames that people glue to whatever else is in their login: jimtalbot."""

_STRONG = 40
"""Points from which a group counts even in a department tag: Dana Feng (bot), but not Dana Feng (Infra)."""


def quoted(text: str) -> str:
    """A stranger's text as a signal shows it."""
    return f"'{text if len(text) <= 60 else text[:57] + '...'}'"


def name_signals(fields: Fields, lexicon: Lexicon) -> list[Signal]:
    """Every word of the lexicon that a person's name does not explain, each counted once."""
    found: list[Signal] = []
    if not fields.texts:
        return found
    hits = _hits(fields, lexicon)
    for name, words in hits.items():
        found.extend(_scored(name, lexicon.groups[name], words))
    known = _account(fields, lexicon)
    if known:
        found.append(known)
    ending = _ending(fields, lexicon)
    if ending:
        found.extend(ending)
    repeated = _repeated(hits, lexicon)
    if repeated:
        found.append(repeated)
    if hits:
        found.extend(_ambiguous(fields, hits, lexicon))
        found.extend(_component(fields, lexicon))
    found.extend(_suffix(fields, lexicon))
    return found


Hits = dict[str, dict[str, list[str]]]
"""Group -> word -> the fields where it stands."""


def _hits(fields: Fields, lexicon: Lexicon) -> Hits:
    hits: Hits = {}
    for text in fields.texts:
        pairs_used: set[str] = set()
        words = text.words
        for pair in pairwise(words):
            name = lexicon.phrases.get(pair)
            if name and not (fields.explained(pair[0]) and fields.explained(pair[1])):
                hits.setdefault(name, {}).setdefault(" ".join(pair), []).append(text.field)
                pairs_used.update(pair)
        for at, word in enumerate(words):
            name = lexicon.words.get(word)
            if (
                name is None
                or word in pairs_used
                or _is_given(text, at, fields, lexicon)
                or not _counts(text, word, lexicon.groups[name], fields)
            ):
                continue
            where = hits.setdefault(name, {}).setdefault(word, [])
            if text.field not in where:
                where.append(text.field)
    return hits


def _is_given(text: Text, at: int, fields: Fields, lexicon: Lexicon) -> bool:
    """jules-marsden, oddlogin (Devin): a given name that is a word of machines only by chance."""
    words = text.words
    if words[at] not in lexicon.lists["given_names"] or len(words) == 1:
        return False
    if text.field == "name" and fields.tagged:
        return True
    return text.field != "name" and at == 0 and words[1] not in lexicon.words


def _counts(text: Text, word: str, group: Group, fields: Fields) -> bool:
    if not fields.person:
        return True
    if text.field == "name":
        return word not in fields.person and group.points >= _STRONG
    return not fields.explained(word)


def _scored(name: str, group: Group, words: dict[str, list[str]]) -> list[Signal]:
    total, found = 0, []
    for number, (word, where) in enumerate(words.items()):
        points = min(group.further if number else group.points, group.cap - total)
        if points <= 0:
            break
        total += points
        found.append(Signal(name, points, where[0], f"{quoted(word)}: {group.title}"))
    return found


def _repeated(hits: Hits, lexicon: Lexicon) -> Signal | None:
    for name, words in hits.items():
        for word, where in words.items():
            if lexicon.groups[name].repeat and len(where) > 1:
                return Signal("R1", lexicon.points["repeated"], where[1], f"{quoted(word)} again in a second field")
    return None


def _account(fields: Fields, lexicon: Lexicon) -> Signal | None:
    for text in fields.texts:
        name = lexicon.accounts.get(text.compact)
        if name and text.field != "email" and not fields.person:
            group = lexicon.groups[name]
            return Signal(name, group.points, text.field, f"{quoted(text.folded)}: {group.title}")
    return None


def _ending(fields: Fields, lexicon: Lexicon) -> list[Signal]:
    """liquibot, but no surname: Talbot, Chrobot."""
    for text in fields.texts:
        if text.field == "name" and len(text.words) > 1 and fields.person:
            continue
        # Of a login the first word may end so, too: garybot-prod.
        for word in dict.fromkeys((*text.words[-1:], *(text.words[:1] if text.field != "name" else ()))):
            if len(word) < 5 or word in lexicon.words or fields.explained(word):
                continue
            for ending, name in lexicon.endings:
                if word.endswith(ending):
                    return _ended(text, word, ending, name, lexicon)
    return []


def _ended(text: Text, word: str, ending: str, name: str, lexicon: Lexicon) -> list[Signal]:
    surnames = lexicon.lists["bot_surnames"]
    if word in surnames or word[1:] in surnames or word.endswith(_COMMON_SURNAMES):
        return []
    group = lexicon.groups[name]
    found = [Signal(name, group.points, text.field, f"{quoted(word)}: {group.title}")]
    if word[: -len(ending)] in lexicon.lists["common_given_names"]:
        found.append(Signal("G2", lexicon.points["hobby"], text.field, f"{quoted(word)} begins with a given name"))
    return found


def _ambiguous(fields: Fields, hits: Hits, lexicon: Lexicon) -> list[Signal]:
    """Martin Bot, Petra Terraform: after a given name almost any word can be a surname."""
    words = fields.name.words
    if not 2 <= len(words) <= 3 or " " not in fields.name.folded or not is_given_name(words[0], lexicon):
        return []
    if any(words[-1] in found for found in hits.values()):
        text = f"{quoted(fields.name.folded)}: after a given name it can be a surname"
        return [Signal("G1", lexicon.points["given_and_bot"], "name", text)]
    return []


def is_given_name(word: str, lexicon: Lexicon) -> bool:
    """Whether people are called so."""
    return word in lexicon.lists["common_given_names"] or word in lexicon.lists["further_given_names"]


def _component(fields: Fields, lexicon: Lexicon) -> list[Signal]:
    """payments-deploy, ledger-steward: several parts without a space, one of the outer ones a function or a task."""
    for text in fields.texts:
        words = text.words
        if fields.person or len(words) < 2 or " " in text.folded or not _JOINT.search(text.folded):
            continue
        if is_given_name(words[0], lexicon) or (text is not fields.name and "." in text.folded and _spelled(fields)):
            continue
        # In between only where there are several: deploy-payments-prod, but not ada-deploy.
        for word in (words[-1], words[0], *(words[1:-1] if len(words) > 2 else ())):
            name = lexicon.words.get(word)
            if name and lexicon.groups[name].component:
                what = f"{quoted(text.folded)} is put together as components are"
                return [Signal("N19", lexicon.points["component"], text.field, what)]
    return []


def _spelled(fields: Fields) -> bool:
    """Whether the address has the words of a name of several words: lea.technik@ and Lea Technik."""
    return len(fields.name.words) > 1 and " " in fields.name.folded and fields.local.words == fields.name.words


def _suffix(fields: Fields, lexicon: Lexicon) -> list[Signal]:
    for text in fields.texts:
        found = _SUFFIX.search(text.folded[-48:])
        if found and not fields.person and any(char.isalpha() for char in found[1]) and not found[1].isalpha():
            points = lexicon.points["generated_suffix"]
            return [Signal("N17", points, text.field, f"{quoted(found[1])}: a suffix that programs generate")]
    return []
