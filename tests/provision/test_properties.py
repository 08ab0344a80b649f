"""What holds of every plan, whatever the organization and the file are."""

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from accesssync.model.identity import Identity
from accesssync.model.operation import Operation
from accesssync.provision.assemble import assemble
from accesssync.provision.decide import PRIVILEGED, decide
from accesssync.provision.desired import Desired, Mode, Unwanted, Wanted
from accesssync.provision.guards import Limits, changed, outcome
from accesssync.provision.organization import Organization
from accesssync.provision.plan import Action, digest_of
from tests.builders import NOW
from tests.provision.builders import ADMIN, READ, STANDARD, organization, person, terms

NAMES = [f"p{number}x" for number in range(8)]
ROLE_SETS = st.sets(st.sampled_from([ADMIN, READ, STANDARD])).map(lambda found: tuple(sorted(found)))


@st.composite
def organizations(draw: st.DrawFn) -> Organization:
    """A few people of every kind."""
    users = []
    for name in draw(st.sets(st.sampled_from(NAMES))):
        state = draw(st.sampled_from(["Active", "Pending", "Disabled"]))
        users.append(
            person(name, *draw(ROLE_SETS), status=state, disabled=state == "Disabled", verified=state == "Active")
        )
    uninvited = frozenset(one.id for one in users if one.status == "Pending" and draw(st.booleans()))
    return organization(*users, uninvited=uninvited)


@st.composite
def wishes(draw: st.DrawFn) -> Desired:
    """A file about some of them and some who are new."""
    names = draw(st.lists(st.sampled_from(NAMES), unique=True))
    cut = draw(st.integers(0, len(names)))
    users = tuple(
        Wanted(
            email=f"{name}@example.com",
            name=draw(st.sampled_from([None, "Somebody"])),
            role_ids=draw(ROLE_SETS),
            expires=draw(st.sampled_from([None, NOW.date().replace(year=2020), NOW.date().replace(year=2040)])),
            where=name,
        )
        for name in names[:cut]
    )
    absent = tuple(Unwanted(email=f"{name}@example.com", where=name) for name in names[cut:])
    mode = draw(st.sampled_from(Mode))
    return Desired(org="acme", mode=mode, users=users, absent=absent)


def applied(actions: tuple[Action, ...], org: Organization) -> Organization:
    """The organization after every action of a plan, whom it makes included."""
    users: dict[str, Identity] = dict(org.users)
    for one in actions:
        if one.operation is Operation.CREATE_USER:
            made = person(one.chain, *one.role_ids, email=one.email, handle=one.email, name=one.name, title=one.title)
            users[one.chain] = replace(made, status="Pending")
        elif one.subject_id in users:
            users[one.subject_id] = changed(users[one.subject_id], one)
    return organization(*users.values())


@settings(max_examples=200)
@given(organizations(), wishes())
def test_after_a_plan_there_is_nothing_to_do(org: Organization, wanted: Desired) -> None:
    first = decide(wanted, org, NOW)
    assert decide(wanted, applied(first.actions, org), NOW).actions == ()


@given(organizations(), wishes())
def test_the_order_never_leaves_anybody_without_what_they_keep(org: Organization, wanted: Desired) -> None:
    actions = decide(wanted, org, NOW).actions
    assert [one.number for one in actions] == list(range(1, len(actions) + 1))
    assert [one.phase for one in actions] == sorted(one.phase for one in actions)
    for chain in {one.chain for one in actions}:
        kinds = [one.operation for one in actions if one.chain == chain]
        for before, after in (
            (Operation.CREATE_USER, Operation.SEND_INVITATION),
            (Operation.ENABLE_USER, Operation.GRANT_ROLE),
            (Operation.GRANT_ROLE, Operation.SEND_INVITATION),
            (Operation.GRANT_ROLE, Operation.REVOKE_ROLE),
        ):
            if before in kinds and after in kinds:
                assert max(n for n, one in enumerate(kinds) if one is before) < kinds.index(after)
        if Operation.DISABLE_USER in kinds:
            assert kinds == [Operation.DISABLE_USER]
    privileged = [one.phase == PRIVILEGED for one in actions if one.removal and one.privileged]
    assert all(privileged)
    last = [one.removal and one.privileged for one in actions]
    assert last == sorted(last)


@given(organizations(), wishes())
def test_each_action_expects_what_the_one_before_left(org: Organization, wanted: Desired) -> None:
    users = dict(org.users)
    for one in decide(wanted, org, NOW).actions:
        if one.subject_id is not None:
            assert one.expected is not None
            found = users[one.subject_id]
            assert set(one.expected.role_ids) == set(found.role_ids)
            users[one.subject_id] = changed(found, one)


@given(organizations(), wishes(), st.integers(1, 3))
def test_no_plan_that_may_be_applied_goes_below_the_least_admins(
    org: Organization, wanted: Desired, least: int
) -> None:
    made = assemble(
        decide(wanted, org, NOW),
        org,
        terms(limits=Limits(min_admins=least, removal_share=100, removals=1000, privileged=1000)),
        desired=wanted,
        author="ada",
        now=NOW,
    )
    left = outcome(made.actions, org).admins
    if any(one.guard for one in made.refusals):
        return
    assert len(left) >= least or left >= org.admins


@given(organizations(), wishes())
def test_the_same_things_give_the_same_digest_in_any_order(org: Organization, wanted: Desired) -> None:
    def made(users: list[Identity], wish: Desired) -> str:
        other = organization(*users, uninvited=org.uninvited)
        decided = decide(wish, other, NOW)
        return digest_of(assemble(decided, other, terms(), desired=wish, author="ada", now=NOW))

    users = list(org.users.values())
    shuffled = replace(wanted, users=wanted.users[::-1], absent=wanted.absent[::-1])
    one, two = made(users, wanted), made(users[::-1], wanted)
    assert one == two
    assert [(a.operation, a.subject) for a in decide(wanted, org, NOW).actions] == [
        (a.operation, a.subject) for a in decide(shuffled, org, NOW).actions
    ]


@given(organizations(), wishes())
def test_additive_takes_only_what_absent_and_expires_name(org: Organization, wanted: Desired) -> None:
    additive = replace(wanted, mode=Mode.ADDITIVE)
    named = {one.email for one in additive.absent} | {one.email for one in additive.users if one.expired(NOW)}
    for one in decide(additive, org, NOW).actions:
        if one.removal:
            assert one.email in named
            assert one.operation is Operation.DISABLE_USER
