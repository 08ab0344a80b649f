"""Invent names and addresses."""

import re
import unicodedata
from dataclasses import dataclass
from random import Random

from accesssync.sandbox.datafiles import Culture, machines, people

_LETTERS = str.maketrans({"ø": "o", "æ": "ae", "ß": "ss", "ł": "l", "đ": "d", "þ": "th", "ð": "d", "\u0131": "i"})
_PUNCTUATION = re.compile(r"[^a-z0-9]+")
_VENDOR_SHARE = 0.15


def ascii_letters(text: str) -> str:
    """A name as it stands in an e-mail address."""
    plain = unicodedata.normalize("NFKD", text.lower().translate(_LETTERS))
    return _PUNCTUATION.sub("", plain.encode("ascii", "ignore").decode())


@dataclass(frozen=True, slots=True)
class _Part:
    shown: str
    plain: str


def _part(text: str) -> _Part:
    shown, _, plain = text.partition("|")
    return _Part(shown, plain or ascii_letters(shown))


class _Tradition:
    def __init__(self, culture: Culture) -> None:
        self.order = culture["order"]
        self.joiner = culture.get("joiner", " ")
        self.given = [_part(each) for each in culture["given"]]
        self.family = [_part(each) for each in culture["family"]]

    def invent(self, rng: Random) -> tuple[str, str, str]:
        """Display name, then given and family name in ASCII."""
        given = self.given[int(rng.random() * len(self.given))]
        if self.order == "single":
            return given.shown, given.plain, ""
        family = self.family[int(rng.random() * len(self.family))]
        if self.order == "spanish":
            second = self.family[int(rng.random() * len(self.family))]
            return f"{given.shown} {family.shown} {second.shown}", given.plain, family.plain
        if self.order == "eastern":
            return f"{family.shown}{self.joiner}{given.shown}", given.plain, family.plain
        return f"{given.shown} {family.shown}", given.plain, family.plain


class Cast:
    """Names and unused addresses for one organization."""

    def __init__(self, rng: Random) -> None:
        source = people()
        self._rng = rng
        self._traditions = [
            tradition for culture in source["cultures"] for tradition in [_Tradition(culture)] * culture["weight"]
        ]
        self._hard_cases = source["hard_cases"]
        self._disguises = [each for each in machines()["disguised"] for _ in range(each["weight"])]
        self._taken: dict[str, int] = {}
        self.company = rng.choice(source["companies"])
        self._titles = source["titles"]
        self._contractors = source["contractors"]

    def title(self) -> str:
        """A job title."""
        return self._titles[int(self._rng.random() * len(self._titles))]

    def contractor_domain(self) -> str:
        """The domain of another firm."""
        return self._contractors[int(self._rng.random() * len(self._contractors))]

    def person(self, domain: str, *, hard: bool) -> tuple[str, str]:
        """Display name and address of a person; a hard case is easily mistaken for a machine."""
        if hard:
            name = self._rng.choice(self._hard_cases)
            words = [ascii_letters(each) for each in name.split(" (")[0].split(" | ")[0].split()]
            given, family = words[0], "".join(words[1:])
        else:
            name, given, family = self._traditions[int(self._rng.random() * len(self._traditions))].invent(self._rng)
        style = self._rng.random()
        if not family:
            local = given
        elif style < 0.7:
            local = f"{given}.{family}"
        elif style < 0.85:
            local = f"{given[0]}{family}"
        else:
            local = f"{given}{family[0]}"
        return name, self._unused(local, domain)

    def machine(self) -> tuple[str, str | None, str]:
        """Kind, display name and address of a machine among ordinary users."""
        disguise = self._rng.choice(self._disguises)
        name, local = self._rng.choice(disguise["pairs"])
        words = self._words()
        domain = f"bots.{self.company}" if self._rng.random() < _VENDOR_SHARE else self.company
        shown = None if name is None else name.format_map(words)
        return disguise["kind"], shown, self._unused(local.format_map(words), domain)

    def service_account(self) -> tuple[str, str]:
        """Display name and address of a service account."""
        name = self._rng.choice(machines()["service_accounts"]).format_map(self._words())
        return name, self._unused(_PUNCTUATION.sub("-", name.lower()).strip("-"), self.company)

    def _words(self) -> dict[str, str]:
        source = machines()
        return {"team": self._rng.choice(source["teams"]), "env": self._rng.choice(source["environments"])}

    def _unused(self, local: str, domain: str) -> str:
        address = f"{local}@{domain}"
        seen = self._taken.get(address, 0)
        self._taken[address] = seen + 1
        if not seen:
            return address
        return self._unused(f"{local}{seen + 1}", domain)
