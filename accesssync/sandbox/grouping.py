"""Invent teams, SAML mappings and OAuth clients for the accounts of an organization.

What is wrong with a record is written into `planted`: for teams empty_team, no_admin, disabled_member and
disabled_admin; for mappings leads_to_admin; for OAuth clients unused_client, disabled_client and
allowed_by_leaver.
"""

from datetime import datetime, timedelta
from random import Random

from accesssync.sandbox.casting import ascii_letters
from accesssync.sandbox.credentials import Authorization, OAuthClient
from accesssync.sandbox.datafiles import credentials, groups, machines
from accesssync.sandbox.directory import random_uuid
from accesssync.sandbox.groups import Membership, Team
from accesssync.sandbox.organization import Organization
from accesssync.sandbox.records import User

_PEOPLE_PER_TEAM = 15
_TEAM_MAPPINGS = 5
_MOST_USERS_OF_A_CLIENT = 200


def form_teams(organization: Organization, rng: Random, now: datetime) -> None:
    """A team for fifteen users, of very different sizes; some users are in none, some in two."""
    users = list(organization.users.values())
    teams = [_team(organization, rng, now, number) for number in range(len(users) // _PEOPLE_PER_TEAM)]
    if not teams:
        return
    for user in users:
        if not _joins(user, rng):
            continue
        for _ in range(2 if rng.random() < 0.12 else 1):
            team = teams[int(rng.random() ** 1.3 * len(teams))]
            if user.id not in team.members:
                team.members[user.id] = Membership(organization.next_member_number(), user.id)
    for team in teams:
        _appoint(organization, team, rng)


def _joins(user: User, rng: Random) -> bool:
    drawn = rng.random()
    if user.status == "Disabled":
        return drawn < 0.3
    return user.status == "Active" and drawn < (0.85 if user.truth.nature == "human" else 0.1)


def _team(organization: Organization, rng: Random, now: datetime, number: int) -> Team:
    source, places = groups(), machines()["teams"]
    pattern = source["names"][number // len(places) % len(source["names"])]
    name = pattern.format(team=places[number % len(places)].title())
    again = number // (len(places) * len(source["names"]))
    name = f"{name} {again + 1}" if again else name
    handle = "-".join(ascii_letters(each) for each in name.replace("-", " ").split())
    created = now - timedelta(days=rng.uniform(5, 1800))
    changed = created + (now - created) * rng.random()
    summary = rng.choice(source["summaries"]) if rng.random() < 0.6 else None
    return organization.place_team(Team(random_uuid(rng), name, handle, summary, created, changed))


def _appoint(organization: Organization, team: Team, rng: Random) -> None:
    members = list(team.members.values())
    wanted = 0 if rng.random() < 0.06 else min(len(members), 1 if rng.random() < 0.7 else 2)
    for member in rng.sample(members, wanted):
        member.role = "admin"
    disabled = [each for each in members if organization.users[each.user_id].disabled]
    team.planted = tuple(
        word
        for word, true in (
            ("empty_team", not members),
            ("no_admin", bool(members) and not wanted),
            ("disabled_member", bool(disabled)),
            ("disabled_admin", any(each.role for each in disabled)),
        )
        if true
    )


def map_groups(organization: Organization, rng: Random, now: datetime, admin_role: str) -> None:
    """One mapping for each of the usual roles, and some to teams."""
    source = groups()
    for value, role in source["roles"].items():
        made = now - timedelta(days=rng.uniform(10, 1500))
        mapping = organization.add_mapping(rng.choice(source["attributes"]), value, role=role, at=made)
        if mapping.role_id == admin_role:
            mapping.planted = ("leads_to_admin",)
    for team in list(organization.teams.values())[:_TEAM_MAPPINGS]:
        made = now - timedelta(days=rng.uniform(1, 5))
        organization.add_mapping(rng.choice(source["attributes"]), f"team-{team.handle}", team=team.id, at=made)


def connect_clients(organization: Organization, rng: Random, now: datetime) -> None:
    """Eight to twenty clients of well-known makers; one of them shut out, one that nobody uses any more."""
    people = [each for each in organization.users.values() if each.status != "Pending" and not each.service_account]
    wanted = min(20, 8 + len(organization.users) // 500)
    for number, source in enumerate(credentials()["clients"][:wanted]):
        ids = [random_uuid(rng) for _ in range(3)]
        client = OAuthClient(ids[0], source["name"], ids[1], ids[2], disabled=number == 5)
        share = rng.uniform(0.002, 0.03)
        users = min(_MOST_USERS_OF_A_CLIENT, len(people), 1 + int(share * len(people)))
        for user in rng.sample(people, users):
            allowed = _authorization(user, tuple(source["scopes"]), rng, now, unused=number == 6)
            client.authorizations[user.id] = allowed
        leavers = any(organization.users[each].disabled for each in client.authorizations)
        words = (("disabled_client", client.disabled), ("unused_client", number == 6), ("allowed_by_leaver", leavers))
        client.planted = tuple(word for word, true in words if true)
        organization.place_oauth_client(client)


def _authorization(user: User, scopes: tuple[str, ...], rng: Random, now: datetime, *, unused: bool) -> Authorization:
    created = now - (now - user.created_at) * rng.random()
    ago = rng.uniform(200, 600) if unused else rng.expovariate(1 / 20)
    used = None if rng.random() < 0.1 else max(now - timedelta(days=ago), created)
    if user.disabled and user.last_login_at:
        used = max(created, user.last_login_at)
    return Authorization(random_uuid(rng), user.id, scopes, created, created, used, rng.random() < 0.03)
