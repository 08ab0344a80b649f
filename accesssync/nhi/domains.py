"""What the address says besides its words: role mailboxes, lists, the organization's own domains."""

from collections.abc import Collection

from accesssync.nhi.fields import Fields
from accesssync.nhi.lexicon import Lexicon
from accesssync.nhi.names import quoted
from accesssync.nhi.verdict import Signal

_SYSTEMS = ("N1", "N2", "N7", "N8")


def domain_signals(fields: Fields, org_domains: Collection[str], lexicon: Lexicon) -> list[Signal]:
    """Signals of the address. A domain's words never count, only what kind of domain it is."""
    found = _machine_domain(fields.domain, lexicon)
    role = _role(fields, org_domains, lexicon)
    found.extend(role or _list(fields, lexicon))
    systems = [word for word in fields.tag.words if lexicon.words.get(word, "").startswith(_SYSTEMS)]
    strong = systems and lexicon.words[systems[0]] != "N7"
    if systems and (strong or not fields.person):
        text = f"'+{fields.tag.folded[:40]}': the address is tagged for a system"
        found.append(Signal("N16", lexicon.points["plus_tag"], "email", text))
    return found


def _machine_domain(domain: str, lexicon: Lexicon) -> list[Signal]:
    if not domain:
        return []
    if domain in {"localhost", "localhost.localdomain"}:
        return [Signal("N11", lexicon.points["local_host"], "email", f"{quoted(domain)}: sent from a machine itself")]
    ours = any(domain == one or domain.endswith("." + one) for one in lexicon.lists["machine_domains"])
    first, _, rest = domain.partition(".")
    labelled = first in lexicon.lists["machine_labels"] and "." in rest
    if ours or labelled:
        return [Signal("N11", lexicon.points["machine_domain"], "email", f"{quoted(domain)}: only machines live there")]
    return []


def _role(fields: Fields, org_domains: Collection[str], lexicon: Lexicon) -> list[Signal]:
    """info@, ap-invoices@: worth little beside a name, as people use such addresses on domains of their own."""
    roles, points = lexicon.lists["roles"], lexicon.points
    alone = not fields.local.folded and not fields.name.folded
    text = fields.handle if alone else fields.local
    words = text.words
    if fields.person or not words or not ("".join(words) in roles or all(word in roles for word in words)):
        return []
    if fields.domain in lexicon.lists["free_mail"]:
        return []
    # Where the name is a role, too, no person is in sight.
    bare = all(word in roles for word in fields.name.words)
    counted = sum([lexicon.groups[lexicon.words[word]].points for word in set(words) if word in lexicon.words])
    worth = (points["role_only"] if bare else points["role_mailbox"]) - counted
    if worth <= 0:
        return []
    found = [Signal("N9", worth, text.field, f"{quoted(text.folded)}: {lexicon.source.lists['roles'].title}")]
    if fields.domain in org_domains:
        found.append(
            Signal("N9D", points["role_org_domain"], "email", f"{quoted(fields.domain)} is the organization's own")
        )
    return found


def _list(fields: Fields, lexicon: Lexicon) -> list[Signal]:
    words = fields.local.words
    if len(words) > 1 and words[0] in lexicon.lists["mailbox_prefixes"] and not fields.explained(words[0]):
        text = f"{quoted(fields.local.folded)}: {lexicon.source.lists['mailbox_prefixes'].title}"
        return [Signal("N18", lexicon.points["list_prefix"], "email", text)]
    return []
