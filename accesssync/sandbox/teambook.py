"""Mutations of teams, memberships and SAML mappings."""

from datetime import datetime

from accesssync.sandbox.casting import ascii_letters
from accesssync.sandbox.directory import Directory, UnknownRecordError, random_uuid
from accesssync.sandbox.groups import Mapping, Membership, Team, TeamRole
from accesssync.sandbox.keyring import by_id_or_name


class TeamBook(Directory):
    """A directory whose teams and SAML mappings can be changed."""

    _members_so_far = 0
    _attributes_so_far = 0

    def team(self, team: str) -> Team:
        """The team with this id or name."""
        return by_id_or_name(self.teams, team, "team")

    def next_member_number(self) -> int:
        """A number that no membership has had so far."""
        self._members_so_far += 1
        return self._members_so_far

    def add_team(
        self, name: str, *, handle: str | None = None, summary: str | None = None, at: datetime | None = None
    ) -> Team:
        """A new team with nobody in it."""
        with self.lock:
            spelled = handle or "-".join(filter(None, map(ascii_letters, name.split())))
            now = at or self.clock()
            team = Team(random_uuid(self.rng), name, spelled, summary, now, now)
            self._tell("created", "team", team, "created the team", at=now)
            return self.place_team(team)

    def place_team(self, team: Team) -> Team:
        """Put a complete record in."""
        with self.lock:
            self.teams[team.id] = team
            self._selections.clear()
        return team

    def delete_team(self, team: str) -> None:
        """The team vanishes, its memberships and mappings too."""
        with self.lock:
            gone = self.team(team)
            self._tell("deleted", "team", gone, "deleted the team")
            for mapping in [each for each in self.mappings.values() if each.team_id == gone.id]:
                del self.mappings[mapping.id]
            del self.teams[gone.id]
            self._changed(gone.id)

    def add_membership(self, team: str, user: str, role: TeamRole | None = None) -> Membership:
        """The user joins the team, or changes role if already there."""
        with self.lock:
            found, member = self.team(team), self.user(user).id
            joined = found.members.get(member)
            if joined is None:
                joined = found.members[member] = Membership(self.next_member_number(), member)
            joined.role = role
            self._changed(found.id)
        return joined

    def remove_membership(self, team: str, user: str) -> None:
        """The user leaves the team."""
        with self.lock:
            found = self.team(team)
            del found.members[self._member(found, user).user_id]
            self._changed(found.id)

    def set_membership_role(self, team: str, user: str, role: TeamRole | None) -> None:
        """Make a member an administrator of the team, or an ordinary member again."""
        with self.lock:
            found = self.team(team)
            self._member(found, user).role = role
            self._changed(found.id)

    def _member(self, team: Team, user: str) -> Membership:
        found = team.members.get(self.user(user).id)
        if found is None:
            raise UnknownRecordError(f"{user} is not in team {team.name}")
        return found

    def _leave_teams(self, user_id: str) -> None:
        for team in self.teams.values():
            if team.members.pop(user_id, None) is not None:
                self._changed(team.id)

    def add_mapping(
        self,
        attribute_key: str,
        attribute_value: str,
        *,
        role: str | None = None,
        team: str | None = None,
        at: datetime | None = None,
    ) -> Mapping:
        """Whoever logs in with this attribute gets this role, or joins this team."""
        if (role is None) == (team is None):
            raise ValueError("a mapping leads to a role or to a team")
        with self.lock:
            self._attributes_so_far += 1
            now = at or self.clock()
            mapping = Mapping(
                random_uuid(self.rng),
                str(self._attributes_so_far),
                attribute_key,
                attribute_value,
                None if role is None else self.role(role).id,
                None if team is None else self.team(team).id,
                now,
                now,
            )
            self.mappings[mapping.id] = mapping
        return mapping

    def delete_mapping(self, mapping: str) -> None:
        """The mapping with this id vanishes."""
        with self.lock:
            if self.mappings.pop(mapping, None) is None:
                raise UnknownRecordError(f"no mapping {mapping}")
            self._changed(mapping)
