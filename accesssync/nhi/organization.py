"""What is usual in an organization: its own domains, and whether a missing second factor tells anything."""

from collections.abc import Mapping

from accesssync.nhi.lexicon import Lexicon

_SHARE = 0.1
_FEWEST = 2
_MOST_WITHOUT_MFA = 0.8


def own_domains(people: Mapping[str, int], lexicon: Lexicon) -> tuple[str, ...]:
    """The domains that at least a tenth of the people have, by how many people each has. Free mail is nobody's own."""
    enough = max(_FEWEST, _SHARE * sum(people.values()))
    free = lexicon.lists["free_mail"]
    return tuple(sorted(one for one, count in people.items() if one and count >= enough and one not in free))


def mfa_tells(without: int, known: int) -> bool:
    """Whether so many have a second factor that lacking one says something: many organizations report none at all."""
    return known > 0 and without <= _MOST_WITHOUT_MFA * known
