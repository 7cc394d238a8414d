"""The main job, told once: a login reaches Hasura and comes back with claims."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import requests

from frontdesk.demo.house import Timings
from frontdesk.demo.login import Tokens, log_in
from frontdesk.demo.places import AUDIENCE, TENANT, DemoFailed, Places
from frontdesk.demo.processes import Processes
from frontdesk.demo.tenant import ANA, ANA_EMAIL, BOB, CLIENT_ID

CLAIMS_NAMESPACE = "https://hasura.io/jwt/claims"
TIMEOUT_S = 10.0
ACTIVITY_LIMIT_S = 60.0  # a worker that has just been started on a busy machine takes most of it

OWN_ROWS = "query OwnRows { users { userId name email lastSeen roles { role source } } }"
OTHER_ROW = (
    "query OtherRow($userId: String!) { users(where: {userId: {_eq: $userId}}) { userId name email } }"
)
ROW = """
query Row($tenant: String!, $userId: String!) {
  users_by_pk(tenant: $tenant, userId: $userId) {
    tenant userId userName email emailVerified name givenName familyName nickname picture connection
    appMetadata userMetadata identities loginsCount lastLogin lastSeen lastIp blocked deletedAt
    createdAt updatedAt syncedAt roles { role source }
  }
}
"""
ACTIVITY = """
query Activity($tenant: String!, $userId: String!, $since: timestamptz!) {
  auth_activities(
    where: {tenant: {_eq: $tenant}, userId: {_eq: $userId}, activity: {_eq: "login"}, occurredAt: {_gte: $since}}
    order_by: {occurredAt: asc}
    limit: 1
  ) {
    id type activity source occurredAt userId connection clientName ip
  }
}
"""
# The mutation of Hasura's own tutorial, letter by letter: a second person's row, made without frontdesk.
TUTORIAL_MUTATION = """
mutation Auth0SyncUsersAction($userId: String!, $userName: String) {
  insert_users_one(object: {userId: $userId, userName: $userName},
                   on_conflict: {constraint: users_pkey, update_columns: userName}) {
    userId
    userName
  }
}
"""


@dataclass(frozen=True, kw_only=True)
class Story:
    """What happened, for a page, a terminal or a script. Answers of Hasura are whole JSON bodies."""

    login: Mapping[str, Any]
    row: Mapping[str, Any]
    claims: Mapping[str, Any]
    id_token: Mapping[str, Any]
    as_user: Mapping[str, Any]
    as_other: Mapping[str, Any]
    without_token: Mapping[str, Any]
    timings_ms: Mapping[str, float]


def tell_story(places: Places, processes: Processes, timings: Timings, tell: Callable[[str], None]) -> Story:
    """Log one person in and look at what came of it. Raises DemoFailed naming the step."""
    hasura = _Hasura(places)
    with timings.step("a second person's row", tell):
        hasura.as_admin(TUTORIAL_MUTATION, {"userId": BOB, "userName": "bob"})
    with timings.step("login", tell):
        seen, since = _size(processes.log_file("frontdesk")), datetime.now(UTC)
        tokens = log_in(places, username=ANA_EMAIL, password=places.secrets.password)
        logged_in = time.perf_counter()
        call = _action_call(processes.log_file("frontdesk"), seen)
    with timings.step("claims", tell):
        claims = _verified(places, tokens.access_token, AUDIENCE)
        id_token = _verified(places, tokens.id_token, CLIENT_ID)
        _expect(CLAIMS_NAMESPACE in claims, "the access token carries no Hasura claims")
    with timings.step("row", tell):
        row = hasura.as_admin(ROW, {"tenant": TENANT, "userId": ANA})["data"]["users_by_pk"]
        _expect(row is not None, "the login left no row in users")
    with timings.step("queries", tell):
        as_user = hasura.as_bearer(tokens, OWN_ROWS, {})
        rows = [found["userId"] for found in as_user.get("data", {}).get("users", [])]
        _expect(rows == [ANA], f"the token sees {rows}, not its own row alone")
        as_other = hasura.as_bearer(tokens, OTHER_ROW, {"userId": BOB})
        _expect(as_other.get("data") == {"users": []}, "the token sees another user's row")
        without_token = hasura.query(OWN_ROWS, {}, {})
        _expect("errors" in without_token, "Hasura answers without a token")
    with timings.step("activity", tell):
        activity = _activity(hasura, processes, since)
        after_s = round(time.perf_counter() - logged_in, 1)
    login = {
        "user_id": ANA,
        "email": ANA_EMAIL,
        "client_id": CLIENT_ID,
        "action_call": call,
        "activity": {**activity, "seconds_after_login": after_s},
    }
    return Story(
        login=login,
        row=row,
        claims=claims,
        id_token=id_token,
        as_user=as_user,
        as_other=as_other,
        without_token=without_token,
        timings_ms=timings.steps,
    )


class _Hasura:
    """The engine's GraphQL endpoint, as three kinds of caller."""

    def __init__(self, places: Places) -> None:
        self._url = f"{places.hasura_url}/v1/graphql"
        self._admin_secret = places.secrets.hasura_admin_secret
        self._session = requests.Session()
        self._session.trust_env = False

    def as_admin(self, query: str, variables: Mapping[str, object]) -> dict[str, Any]:
        answer = self.query(query, variables, {"x-hasura-admin-secret": self._admin_secret})
        _expect("errors" not in answer, f"Hasura refused the demo's own query: {answer.get('errors')}")
        return answer

    def as_bearer(self, tokens: Tokens, query: str, variables: Mapping[str, object]) -> dict[str, Any]:
        return self.query(query, variables, {"Authorization": f"Bearer {tokens.access_token}"})

    def query(
        self, query: str, variables: Mapping[str, object], headers: Mapping[str, str]
    ) -> dict[str, Any]:
        answer = self._session.post(
            self._url,
            json={"query": query, "variables": dict(variables)},
            headers=dict(headers),
            timeout=TIMEOUT_S,
        )
        body: dict[str, Any] = answer.json()
        return body


def _verified(places: Places, token: str, audience: str) -> dict[str, Any]:
    keys = jwt.PyJWKClient(f"{places.auth0_url}/.well-known/jwks.json", timeout=TIMEOUT_S)
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            keys.get_signing_key_from_jwt(token).key,
            algorithms=["RS256"],
            audience=audience,
            issuer=f"{places.auth0_url}/",
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
    except jwt.PyJWTError as error:
        raise DemoFailed(f"the tenant's token does not verify: {error}") from error
    return claims


def _activity(hasura: _Hasura, processes: Processes, since: datetime) -> dict[str, Any]:
    """Return the row that the login's log record became: Auth0's log stream brought it, and the worker wrote it."""
    variables = {"tenant": TENANT, "userId": ANA, "since": since.isoformat()}
    deadline = time.monotonic() + ACTIVITY_LIMIT_S
    while time.monotonic() < deadline:
        found: list[dict[str, Any]] = hasura.as_admin(ACTIVITY, variables)["data"]["auth_activities"]
        if found:
            return found[0]
        processes.ensure_alive()
        time.sleep(0.05)  # the record goes its own way, beside the login
    raise DemoFailed(
        f"the login's log record is not in auth_activities after {ACTIVITY_LIMIT_S:.0f} s; "
        f"the worker's log is {processes.log_file('worker')}"
    )


def _size(path: Path) -> int:
    return path.stat().st_size


def _action_call(log: Path, start: int) -> dict[str, Any]:
    """Return frontdesk's own log line of the Action's call, the first after `start` bytes of its log."""
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        with log.open() as file:
            file.seek(start)
            for line in file:
                entry = _parsed(line)
                if str(entry.get("path", "")).endswith("/post-login"):
                    return entry
        time.sleep(0.02)  # the line is written after the answer
    raise DemoFailed("frontdesk's log shows no call of the Action; is it bound to the login flow?")


def _parsed(line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _expect(condition: bool, otherwise: str) -> None:
    if not condition:
        raise DemoFailed(otherwise)
