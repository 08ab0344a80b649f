"""The fields of one identity, cut into words once, and which of them are a person's name."""

import re
from itertools import pairwise

from accesssync.nhi.lexicon import Lexicon
from accesssync.nhi.tokens import fold, is_latin, local_part, words_of
from accesssync.nhi.verdict import Subject

_TAGS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\|.*")
_SPACE = re.compile(r"[\s,;/\u3000\u30fb]+")
_DIGIT = re.compile(r"\d")
_LETTER = re.compile(r"[^\W\d_]")


class Text:
    """One field: as it was written, folded, and its words."""

    __slots__ = ("compact", "field", "folded", "words")

    def __init__(self, field: str, folded: str, lexicon: Lexicon) -> None:
        self.field = field
        self.folded = folded
        words = words_of(folded, lexicon.known) if folded else []
        # In a name of several words each is somebody's; a login is glued together by whoever makes it up.
        glued = len(words) < 2 or field != "name"
        self.words = [part for word in words for part in lexicon.parts(word)] if glued else words
        self.compact = "".join([char for char in folded if char.isalnum()]).lower() if folded else ""


class Fields:
    """Everything that the names and the address of one identity say.

    `person` holds the words of a personal name, empty where there is none; `tagged` says that the name goes on in
    brackets or after a bar, as department tags do.
    """

    __slots__ = ("domain", "handle", "latin", "local", "name", "person", "tag", "tagged", "texts")

    def __init__(self, subject: Subject, lexicon: Lexicon) -> None:
        name, email, handle = fold(subject.name), fold(subject.email), fold(subject.handle)
        if "@" in name and " " not in name.partition("@")[2]:
            name = name.partition("@")[0]
            # A name that only repeats the address is no name.
            name = "" if name == email.partition("@")[0] else name
        if "@" in handle:
            address, email = handle, email or handle
            handle = local_part(address)[0] if address.lower() != email.lower() else ""
        local, self.domain = local_part(email)
        local, _, tag = local.partition("+")
        self.latin = is_latin(name)
        bare, self.tagged = _without_tags(name)
        self.name = Text("name", name, lexicon)
        self.handle = Text("handle", handle, lexicon)
        self.local = Text("email", local, lexicon)
        self.tag = Text("email", tag, lexicon)
        self.texts = [text for text in (self.name, self.handle, self.local) if text.folded]
        self.person = _person(bare, lexicon, self.latin) or _spelled_person(self, lexicon)

    def explained(self, word: str) -> bool:
        """Whether a word of a handle or address is there because the person is called so."""
        person = self.person
        if not person:
            return False
        if word in person:
            return True
        if len(word) > 3 and any(len(part) > 3 and (word.endswith(part) or word.startswith(part)) for part in person):
            return True
        return word in "".join(person) and len(word) > 3


def _without_tags(name: str) -> tuple[str, bool]:
    if not any(char in name for char in "([|"):
        return name, False
    bare = _TAGS.sub(" ", name).strip()
    return bare, bare != name


def _person(name: str, lexicon: Lexicon, latin: bool) -> tuple[str, ...]:
    """The words of a personal name in lower case, or nothing."""
    if not name or _DIGIT.search(name):
        return ()
    words, turned = _given_name_first(name)
    lowered = [word.lower() for word in words]
    if not latin:
        machine = any(word in lexicon.words for word in words_of(name, lexicon.known))
        return () if machine or len(words) > 6 else tuple(lowered)
    if not 2 <= len(words) <= 6 or "_" in name or _is_phrase(lowered, lexicon):
        return ()
    return tuple(lowered) if _all_names(words, lowered, lexicon, turned) else ()


def _given_name_first(name: str) -> tuple[list[str], bool]:
    """The words of a name as in Amelia Root, also of `Root, Amelia` and `ROOT Amelia`; and whether a comma told."""
    family, comma, given = name.partition(",")
    turned = bool(comma and family.strip() and given.strip() and "," not in given)
    words = [word.strip(".'\"-*") for word in _SPACE.split(f"{given} {family}" if turned else name)]
    words = [word for word in words if _LETTER.search(word)]
    if not turned and len(words) == 2 and len(words[0]) > 2 and words[0].isupper() and not words[1].isupper():
        return words[::-1], False
    return words, turned


def _is_phrase(lowered: list[str], lexicon: Lexicon) -> bool:
    foreign = lexicon.lists["not_names"]
    return any(word in foreign for word in lowered) or any(pair in lexicon.phrases for pair in pairwise(lowered))


def _all_names(words: list[str], lowered: list[str], lexicon: Lexicon, turned: bool) -> bool:
    """Whether no word means a machine where it stands, and at least one is nothing but a name."""
    particles, roles, strangers, last = lexicon.lists["particles"], lexicon.lists["roles"], 0, len(words) - 1
    for at, (word, low) in enumerate(zip(words, lowered, strict=True)):
        if low in particles and at < last:
            continue
        if at == last and (lowered[at - 1] in particles or (turned and low == "bot")) and low in lexicon.words:
            strangers += 1  # Le Bot; Bot, Piet
        elif not _means_machine(word, at, lexicon):
            strangers += low not in roles and (len(low) > 1 or lowered[0] in lexicon.lists["given_names"])
        elif not _is_name(word, low, at, last, lexicon):
            return False
    return strangers > 0


def _is_name(word: str, low: str, at: int, last: int, lexicon: Lexicon) -> bool:
    """Whether a word for machines can be a name in this place: Devin before a surname, Root after a given name."""
    if word.isupper() and len(word) < 4:
        return False
    if at == last:
        return low in lexicon.lists["surnames"]
    return low in lexicon.lists["given_names"] if at == 0 else False


def _means_machine(word: str, at: int, lexicon: Lexicon) -> bool:
    """Whether all parts of a word are in the lexicon, it holds a phrase, or a name begins with it as in Runbot."""
    parts = words_of(word, lexicon.known)
    if not parts:
        return False
    if all(part in lexicon.words for part in parts):
        return True
    if at == 0 and len(parts) == 1 and len(word) > 5 and parts[0].endswith("bot"):
        return parts[0] not in lexicon.lists["bot_surnames"]
    if len(parts) > 1 and parts[-1] in lexicon.words and lexicon.groups[lexicon.words[parts[-1]]].points >= 40:
        return "-" in word or parts[-1] in {"bot", "robot"}
    return any(pair in lexicon.phrases for pair in pairwise(parts))


def _spelled_person(fields: Fields, lexicon: Lexicon) -> tuple[str, ...]:
    """Given and family name out of first.last@ where there is no name, and one of the two is a word for machines."""
    if fields.name.folded or fields.local.folded.count(".") != 1:
        return ()
    first, last = fields.local.folded.lower().split(".")
    if not (first.isalpha() and last.isalpha() and len(first) > 1 and len(last) > 2):
        return ()
    roles, words = lexicon.lists["roles"], lexicon.words
    given = first not in words or first in lexicon.lists["given_names"]
    family = last not in words or (last in lexicon.lists["surnames"] and first in lexicon.lists["common_given_names"])
    strangers = first not in words or last not in words
    if given and family and strangers and first not in roles and last not in roles | lexicon.lists["environments"]:
        return (first, last)
    return ()
