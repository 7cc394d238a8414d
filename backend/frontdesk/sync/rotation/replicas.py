"""What every running frontdesk says of a secret: asked over HTTP, by calls that write nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import uuid4

import httpx
from standardwebhooks import Webhook

from frontdesk.answers import json_object
from frontdesk.errors import FrontdeskError, StoreMissing

ASK_LIMIT_S = 5.0
PAUSE_S = 0.2
# The processes of one replica share its files and look at them at most a second after a change. So when one of them has
# seen it and all answers are right for longer than that, no process is left that has not.
SETTLED_S = 2.0


class ReplicasBehind(FrontdeskError):
    """Not every replica takes the secrets as the file has them."""

    type = "urn:frontdesk:problem:replicas-behind"
    status = 503
    retryable = True


class Verdict(StrEnum):
    """What a replica says of a secret. `ABSENT`: it has nothing that the secret opens."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The verdict of one replica, with what it answered in words."""

    verdict: Verdict
    detail: str


Ask = Callable[[str, str], Answer]
"""Ask a replica (its base URL) about a secret."""


def ask_hook(tenant: str) -> Ask:
    """Return how to ask about a hook secret: by a signed probe, checked like a login, which writes nothing."""

    def ask(replica: str, secret: str) -> Answer:
        body = json.dumps({"version": 1, "probe": True})
        id_, at = f"probe_{uuid4().hex}", datetime.now(UTC)
        headers = {
            "content-type": "application/json",
            "webhook-id": id_,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(secret).sign(id_, at, body),
        }
        return _asked(
            "POST", f"{replica}/hooks/{tenant}/post-login", body, headers, is_right=_is_probe(tenant)
        )

    return ask


def ask_stream(tenant: str) -> Ask:
    """Return how to ask about a stream token: by a batch of no records."""

    def ask(replica: str, secret: str) -> Answer:
        headers = {"content-type": "application/json", "authorization": f"Bearer {secret}"}
        answer = _asked("POST", f"{replica}/hooks/{tenant}/log-stream", "[]", headers)
        if (
            answer.detail == "HTTP status 404"
            and _asked("GET", f"{replica}/healthz").verdict is Verdict.ACCEPTED
        ):
            return Answer(verdict=Verdict.ABSENT, detail="it serves no streams")
        return answer

    return ask


def ask_operator(replica: str, secret: str) -> Answer:
    """Ask about an operator token: by reading the metrics."""
    return _asked("GET", f"{replica}/metrics", headers={"authorization": f"Bearer {secret}"})


def wait_for(
    verdict: Verdict,
    replicas: Sequence[str],
    secret: str,
    ask: Ask,
    *,
    limit_s: float,
    settled_s: float = SETTLED_S,
) -> None:
    """Return when every replica has given this verdict, each time that it was asked, for `settled_s`.

    Raises ReplicasBehind with what each of the others says, after `limit_s`.
    """
    give_up_at = time.monotonic() + limit_s
    right_since: dict[str, float] = {}
    while True:
        behind = {}
        for replica in replicas:
            asked_at = time.monotonic()
            answer = ask(replica, secret)
            if answer.verdict in (verdict, Verdict.ABSENT):
                if asked_at - right_since.setdefault(replica, asked_at) < settled_s:
                    behind[replica] = "it has said so for too short a time"
            else:
                right_since.pop(replica, None)
                behind[replica] = answer.detail
        if not behind:
            return
        if time.monotonic() >= give_up_at:
            said = "; ".join(f"{replica}: {detail}" for replica, detail in behind.items())
            raise ReplicasBehind(f"not every replica has {verdict} it within {limit_s:g} s: {said}")
        time.sleep(PAUSE_S)


def _asked(
    method: str,
    url: str,
    body: str | None = None,
    headers: dict[str, str] | None = None,
    *,
    is_right: Callable[[httpx.Response], bool] = lambda _: True,
) -> Answer:
    """Ask over a connection of its own, so that it may come to another process each time."""
    try:
        with httpx.Client(timeout=ASK_LIMIT_S, trust_env=False, follow_redirects=False) as client:
            response = client.request(method, url, content=body, headers=headers)
    except httpx.HTTPError as error:
        return Answer(verdict=Verdict.UNKNOWN, detail=f"no answer ({type(error).__name__})")
    detail = f"HTTP status {response.status_code}"
    if response.status_code == 401:
        return Answer(verdict=Verdict.REFUSED, detail="it refuses it")
    if json_object(response.content).get("type") == StoreMissing.type:
        # The token is looked at first: it is right, and only what it opens lacks its database.
        return Answer(verdict=Verdict.ACCEPTED, detail="it accepts it")
    if not response.is_success:
        return Answer(verdict=Verdict.UNKNOWN, detail=detail)
    if not is_right(response):
        return Answer(verdict=Verdict.UNKNOWN, detail="the answer is not one of frontdesk's")
    return Answer(verdict=Verdict.ACCEPTED, detail="it accepts it")


def _is_probe(tenant: str) -> Callable[[httpx.Response], bool]:
    def is_right(response: httpx.Response) -> bool:
        try:
            facts = response.json()
        except ValueError:
            return False
        return isinstance(facts, dict) and facts.get("probe") is True and facts.get("tenant") == tenant

    return is_right
