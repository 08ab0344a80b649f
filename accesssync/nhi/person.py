"""What speaks for a person: a personal name, an address that spells it, a job."""

from accesssync.nhi.fields import Fields
from accesssync.nhi.lexicon import Lexicon
from accesssync.nhi.names import quoted
from accesssync.nhi.tokens import fold, words_of
from accesssync.nhi.verdict import Signal


def person_signals(fields: Fields, title: str | None, lexicon: Lexicon) -> list[Signal]:
    """Negative points, each with what it rests on."""
    points, found = lexicon.points, []
    name, local = fields.name, fields.local
    if fields.person and name.folded:
        found.append(Signal("P1", points["personal_name"], "name", f"{quoted(name.folded)} reads as a personal name"))
        if not fields.latin:
            found.append(Signal("P3", points["other_script"], "name", "a personal name that is not in Latin letters"))
        if _spells(local.compact, fields.person):
            text = f"{quoted(local.folded)} spells the name"
            found.append(Signal("P2", points["spelled"], "email", text))
    elif fields.person:
        found.append(Signal("P6", points["first_last"], "email", f"{quoted(local.folded)} has the form first.last"))
    elif len(name.words) == 1 and name.folded.isalpha() and _opaque(name.words[0], lexicon):
        found.append(Signal("P5", points["single_name"], "name", f"{quoted(name.folded)} may be somebody's only name"))
    if fields.domain in lexicon.lists["free_mail"]:
        found.append(Signal("P4", points["free_mail"], "email", f"{quoted(fields.domain)} gives addresses to anybody"))
    if title:
        jobs = lexicon.lists["job_titles"]
        job = next((word for word in words_of(fold(title), lexicon.known) if word in jobs), None)
        if job:
            found.append(Signal("B8", points["job_title"], "title", f"{quoted(job)} is a person's job"))
    return found


def _opaque(word: str, lexicon: Lexicon) -> bool:
    return (
        word not in lexicon.words
        and word not in lexicon.lists["roles"]
        and not word.endswith(tuple([ending for ending, _ in lexicon.endings]))
    )


def _spells(local: str, person: tuple[str, ...]) -> bool:
    """ada.lovelace, alovelace, adal, lovelace: a whole word of the name stands in the address."""
    return any(len(part) > 2 and part in local for part in (word.replace("-", "").replace("'", "") for word in person))
