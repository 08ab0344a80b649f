"""What logins and keys say: who is only ever active through a key is no person at a keyboard."""

from datetime import datetime, timedelta

from msgspec import UNSET

from accesssync.nhi.lexicon import Lexicon
from accesssync.nhi.tokens import fold, words_of
from accesssync.nhi.verdict import Evidence, OwnedKey, Signal

MONTH = timedelta(days=30)
ASLEEP = timedelta(days=180)
_AUTOMATION = ("N1", "N2", "N5", "N7")
_BORROWED = 35
"""Points of behaviour from which a personal name counts for little."""


def behaviour_signals(evidence: Evidence, now: datetime, lexicon: Lexicon, *, mfa_tells: bool) -> list[Signal]:
    """Signals of behaviour at `now`. None of them alone makes a non-human identity; what is unknown adds nothing."""
    found = _login_and_keys(evidence, now, lexicon)
    named = _automation_keys(evidence, lexicon)
    if named:
        points = lexicon.points["automation_keys" if len(named) >= 3 else "automation_key"]
        text = (
            f"{len(named)} keys named after automation, such as" if len(named) > 1 else "a key named after automation:"
        )
        found.append(Signal("B3", points, "keys", f"{text} {named[0]!r}"))
    login = evidence.last_login_at
    recent = isinstance(login, datetime) and now - login <= MONTH
    if recent and evidence.mfa_enabled:
        text = "logged in within 30 days, with a second factor"
        found.append(Signal("B5", lexicon.points["present"], "last_login", text))
    if mfa_tells and evidence.mfa_enabled is False and not recent:
        found.append(Signal("B4", lexicon.points["no_mfa"], "mfa", "no second factor, though they are in use here"))
    return found


def _login_and_keys(evidence: Evidence, now: datetime, lexicon: Lexicon) -> list[Signal]:
    login, keys, points = evidence.last_login_at, evidence.keys, lexicon.points
    if login is UNSET or keys is UNSET or not keys:
        return []
    active = [key for key in keys if isinstance(key.last_used_at, datetime) and now - key.last_used_at <= MONTH]
    if isinstance(login, datetime):
        if now - login > ASLEEP and active:
            # The day and not the number of days: the same evidence is to read the same tomorrow.
            text = f"no login since {login:%Y-%m-%d}, but {_used(active)}"
            return [Signal("B2", points["asleep_with_active_key"], "last_login", text)]
        return []
    old = evidence.created_at is not None and now - evidence.created_at > MONTH
    if evidence.status is None or evidence.status.casefold() != "active" or not old:
        return []
    if active:
        return [Signal("B1", points["never_with_active_key"], "last_login", f"never logged in, but {_used(active)}")]
    known = all(key.last_used_at is not UNSET for key in keys)
    worth = points["never_with_idle_key" if known else "never_with_key"]
    return [Signal("B1", worth, "last_login", f"never logged in, and owns {len(keys)} keys")]


def _used(active: list[OwnedKey]) -> str:
    return "a key of it was used within 30 days" if len(active) == 1 else f"{len(active)} keys were used within 30 days"


def _automation_keys(evidence: Evidence, lexicon: Lexicon) -> list[str]:
    if evidence.keys is UNSET:
        return []
    found = []
    for key in evidence.keys:
        name = fold(key.name)[:200]
        if any(lexicon.words.get(word, "").startswith(_AUTOMATION) for word in words_of(name, lexicon.known)):
            found.append(name[:60])
    return found


def borrowed_name(person: list[Signal], behaviour: list[Signal], lexicon: Lexicon) -> list[Signal]:
    """Give back points of a personal name where the keys act and nobody logs in: many a bot bears its maker's name."""
    acts = sum(one.points for one in behaviour if one.points > 0)
    names = sum(one.points for one in person if one.id.startswith("P"))
    back = lexicon.points["borrowed_name"] - names
    if acts < _BORROWED or back <= 0:
        return []
    return [Signal("C1", back, "name", "a personal name counts for less: only keys act here, nobody logs in")]
