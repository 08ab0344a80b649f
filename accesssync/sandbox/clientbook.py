"""Mutations of OAuth clients and of what users let them do."""

from collections.abc import Iterable
from datetime import datetime

from accesssync.sandbox.credentials import Authorization, OAuthClient
from accesssync.sandbox.directory import Directory, UnknownRecordError, random_uuid
from accesssync.sandbox.keyring import by_id_or_name


class ClientBook(Directory):
    """A directory whose OAuth clients can be changed."""

    def oauth_client(self, client: str) -> OAuthClient:
        """The client with this id or name."""
        return by_id_or_name(self.oauth_clients, client, "OAuth client")

    def add_oauth_client(self, name: str, *, disabled: bool = False) -> OAuthClient:
        """A new client that nobody uses yet."""
        with self.lock:
            known_as, client_id, app_id = (random_uuid(self.rng) for _ in range(3))
            return self.place_oauth_client(OAuthClient(known_as, name, client_id, app_id, disabled))

    def place_oauth_client(self, client: OAuthClient) -> OAuthClient:
        """Put a complete record in."""
        with self.lock:
            self.oauth_clients[client.id] = client
            self._selections.clear()
        return client

    def remove_oauth_client(self, client: str) -> None:
        """The client vanishes with everything that users allowed it."""
        with self.lock:
            gone = self.oauth_client(client)
            del self.oauth_clients[gone.id]
            self._changed(gone.id)

    def disable_oauth_client(self, client: str, disabled: bool = True) -> None:
        """Shut the client out, or let it in again."""
        with self.lock:
            found = self.oauth_client(client)
            found.disabled = disabled
            self._changed(found.id)

    def authorize(
        self,
        client: str,
        user: str,
        scopes: Iterable[str] = (),
        *,
        last_exercised: datetime | None = None,
        at: datetime | None = None,
    ) -> Authorization:
        """The user lets the client act for them."""
        with self.lock:
            found, user_id, now = self.oauth_client(client), self.user(user).id, at or self.clock()
            allowed = Authorization(random_uuid(self.rng), user_id, tuple(scopes), now, now, last_exercised)
            found.authorizations[user_id] = allowed
            self._changed(found.id)
        return allowed

    def end_authorization(self, client: str, user: str, *, at: datetime | None = None) -> None:
        """The client may no longer act for the user; what was allowed stays listed as disabled."""
        with self.lock:
            found = self.oauth_client(client)
            ended = found.authorizations.get(self.user(user).id)
            if ended is None:
                raise UnknownRecordError(f"{user} did not authorize {found.name}")
            ended.disabled, ended.modified_at = True, at or self.clock()
            self._changed(found.id)

    def withdraw(self, client: str, user: str) -> None:
        """The user no longer lets the client act for them."""
        with self.lock:
            found = self.oauth_client(client)
            if found.authorizations.pop(self.user(user).id, None) is None:
                raise UnknownRecordError(f"{user} did not authorize {found.name}")
            self._changed(found.id)

    def _withdraw_everywhere(self, user_id: str) -> None:
        for client in self.oauth_clients.values():
            if client.authorizations.pop(user_id, None) is not None:
                self._changed(client.id)
