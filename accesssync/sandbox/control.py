"""Change and inspect a running sandbox over HTTP, for use from another process."""

import hmac
import json
from collections import deque
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict
from datetime import datetime
from typing import Any

from accesssync.sandbox.faults.schedule import Faults
from accesssync.sandbox.organization import Organization, UnknownRecordError
from accesssync.sandbox.problems import Census
from accesssync.sandbox.render import timestamp, to_json
from accesssync.sandbox.replies import Reply, error
from accesssync.sandbox.requests import Request, Write

HEADER = "x-sandbox-control"
MUTATIONS = frozenset(
    {
        "add_user",
        "remove_user",
        "rename",
        "set_title",
        "change_email",
        "disable",
        "enable",
        "touch_login",
        "grant_role",
        "revoke_role",
        "add_role",
        "delete_role",
        "rename_role",
        "grant_permission",
        "revoke_permission",
        "add_permission",
        "add_api_key",
        "delete_api_key",
        "add_application_key",
        "rescope_key",
        "touch_key",
        "leak_key",
        "delete_application_key",
        "add_token",
        "delete_token",
        "add_team",
        "delete_team",
        "add_membership",
        "remove_membership",
        "set_membership_role",
        "add_mapping",
        "delete_mapping",
        "add_oauth_client",
        "remove_oauth_client",
        "disable_oauth_client",
        "authorize",
        "withdraw",
        "accept_invitation",
        "withdraw_invitations",
        "rename_key",
    }
)
_TIMES = {"at", "last_login_at", "last_used_at", "expires_at", "last_exercised"}


class Control:
    """Answers `/_sandbox/...` to those who send the token in the control header.

    POST mutate `{"do": NAME, "arguments": {...}, "by": USER}`, where `by` may be missing; POST, GET, DELETE faults;
    GET, DELETE requests; GET, DELETE writes, those requests that might have changed something; GET invitations, with
    those that were accepted or taken back; GET, DELETE arrived, counts of logs, events and points of metrics; GET logs,
    events and points, what arrived itself, in order, as much of it as is kept; GET installed, dashboards, pipelines,
    monitors and rules; GET trail, the audit events; GET truth about accounts; GET planted, the problems in keys,
    tokens, clients, teams and mappings.
    """

    def __init__(
        self, organization: Organization, faults: Faults, log: deque[Request], writes: deque[Write], token: str
    ) -> None:
        self._organization = organization
        self._faults = faults
        self._log = log
        self._writes = writes
        self._token = token

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """One control request."""
        if not hmac.compare_digest(headers.get(HEADER, "").encode("latin-1"), self._token.encode("latin-1")):
            return error(403, "control token required")
        found = {
            ("POST", "mutate"): self._mutate,
            ("POST", "faults"): self._add_fault,
            ("GET", "faults"): self._list_faults,
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "requests"): self._requests,
            ("DELETE", "requests"): self._clear_requests,
            ("GET", "writes"): self._list_writes,
            ("DELETE", "writes"): self._clear_writes,
            ("GET", "invitations"): self._invitations,
            ("GET", "arrived"): self._arrived,
            ("DELETE", "arrived"): self._forget_arrived,
            ("GET", "logs"): self._logs,
            ("GET", "events"): self._events,
            ("GET", "points"): self._points,
            ("GET", "installed"): self._installed,
            ("GET", "trail"): self._trail,
            ("GET", "truth"): self._truth,
            ("GET", "planted"): self._planted,
            ("GET", "problems"): self._problems,
        }.get((method, path.removeprefix("/_sandbox/")))
        if found is None:
            return error(404, "Not found")
        try:
            return Reply(body=to_json(found(json.loads(body) if body else {})))
        except (UnknownRecordError, KeyError, TypeError, ValueError) as problem:
            return error(400, f"{type(problem).__name__}: {problem}")

    def _mutate(self, wanted: Mapping[str, Any]) -> object:
        if wanted["do"] not in MUTATIONS:
            raise ValueError(f"unknown mutation {wanted['do']}")
        arguments = {
            name: datetime.fromisoformat(value) if name in _TIMES and value is not None else value
            for name, value in wanted.get("arguments", {}).items()
        }
        by = wanted.get("by")
        with self._organization.acting(by) if by else nullcontext():
            made = getattr(self._organization, wanted["do"])(**arguments)
        return {"id": getattr(made, "id", None), "secret": getattr(made, "secret", None)}

    def _add_fault(self, wanted: Mapping[str, Any]) -> object:
        self._faults.add_json(wanted)
        return {"faults": len(self._faults.all())}

    def _list_faults(self, _wanted: Mapping[str, Any]) -> object:
        return [
            {"effect": type(each.effect).__name__, "path": each.path, "matched": each.matched, "fired": each.fired}
            for each in self._faults.all()
        ]

    def _clear_faults(self, _wanted: Mapping[str, Any]) -> object:
        self._faults.clear()
        return {"faults": 0}

    def _requests(self, _wanted: Mapping[str, Any]) -> object:
        return [asdict(each) for each in list(self._log)]

    def _clear_requests(self, _wanted: Mapping[str, Any]) -> object:
        self._log.clear()
        return {"requests": 0}

    def _list_writes(self, _wanted: Mapping[str, Any]) -> object:
        return [{**asdict(each), "done": each.done} for each in list(self._writes)]

    def _clear_writes(self, _wanted: Mapping[str, Any]) -> object:
        self._writes.clear()
        return {"writes": 0}

    def _invitations(self, _wanted: Mapping[str, Any]) -> object:
        with self._organization.lock:
            return [
                {**asdict(each), "created_at": timestamp(each.created_at), "expires_at": timestamp(each.expires_at)}
                for each in self._organization.invitations.values()
            ]

    def _arrived(self, _wanted: Mapping[str, Any]) -> object:
        with self._organization.lock:
            return {kind: asdict(count) for kind, count in self._organization.published.received.items()}

    def _forget_arrived(self, _wanted: Mapping[str, Any]) -> object:
        with self._organization.lock:
            self._organization.published.forget()
        return {"arrived": 0}

    def _logs(self, _wanted: Mapping[str, Any]) -> object:
        with self._organization.lock:
            return list(self._organization.published.logs())

    def _events(self, _wanted: Mapping[str, Any]) -> object:
        with self._organization.lock:
            return list(self._organization.published.events)

    def _points(self, _wanted: Mapping[str, Any]) -> object:
        with self._organization.lock:
            return list(self._organization.published.points)

    def _installed(self, _wanted: Mapping[str, Any]) -> object:
        with self._organization.lock:
            return self._organization.published.installed()

    def _trail(self, _wanted: Mapping[str, Any]) -> object:
        with self._organization.lock:
            return [
                {"id": each.id, "at": timestamp(each.at), "message": each.message, "attributes": each.attributes}
                for each in self._organization.trail
            ]

    def _truth(self, _wanted: Mapping[str, Any]) -> object:
        with self._organization.lock:
            return {each.id: {"email": each.email, **asdict(each.truth)} for each in self._organization.users.values()}

    def _planted(self, _wanted: Mapping[str, Any]) -> object:
        organization = self._organization
        with organization.lock:
            kinds: dict[str, Mapping[str, Any]] = {
                "application_keys": organization.app_keys,
                "api_keys": organization.api_keys,
                "access_tokens": organization.tokens,
                "org_authorized_clients": organization.oauth_clients,
                "team": organization.teams,
                "authn_mappings": organization.mappings,
            }
            return {
                each.id: {"type": kind, "name": getattr(each, "name", None), "planted": each.planted}
                for kind, records in kinds.items()
                for each in records.values()
                if each.planted
            }

    def _problems(self, _wanted: Mapping[str, Any]) -> object:
        with self._organization.lock:
            found = Census(self._organization, self._organization.clock()).problems()
        return [{"problem": word, "id": subject} for word, subject in sorted(found)]
