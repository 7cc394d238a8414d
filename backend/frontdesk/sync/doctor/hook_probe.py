"""Whether the running frontdesk takes calls signed with the secrets of the settings: a probe, which writes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from uuid import uuid4

from standardwebhooks import Webhook

from frontdesk.settings import Settings, secret
from frontdesk.sync.doctor.checks import Finding, failed, ok
from frontdesk.sync.doctor.wire import Answer, exchange

_HOOK = "post-login"


def hook_probe(settings: Settings, tenant: str, clock: Callable[[], float]) -> Finding:
    """Send one probe for each hook secret of the tenant to every place where frontdesk answers."""
    hook_secrets = [secret(each) for each in settings.tenants[tenant].hook_secrets]
    for place in _places(settings):
        for number, value in enumerate(hook_secrets, start=1):
            url = f"{place}/hooks/{tenant}/{_HOOK}"
            answer = _probed(url, value, clock)
            if answer.status == 401:
                which = f" number {number}" if len(hook_secrets) > 1 else ""
                return failed(
                    f"frontdesk at {place} refuses a call that is signed with the hook secret{which} of the settings"
                )
            if answer.status != 200 or answer.json().get("probe") is not True:
                return failed(
                    f"{url} answers a signed probe with HTTP status {answer.status}",
                    "let [action] url lead to frontdesk, with body and headers as they were sent",
                )
    many = len(hook_secrets)
    which = "the hook secret" if many == 1 else f"each of {many} hook secrets"
    return ok(f"frontdesk takes calls that are signed with {which}")


def _places(settings: Settings) -> Iterator[str]:
    yield from dict.fromkeys(filter(None, (settings.action.url, *settings.server.replicas)))


def _probed(url: str, hook_secret: str, clock: Callable[[], float]) -> Answer:
    body, call_id = json.dumps({"version": 1, "probe": True}), f"msg_{uuid4()}"
    at = datetime.fromtimestamp(int(clock()), UTC)
    headers = {
        "content-type": "application/json",
        "webhook-id": call_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(hook_secret).sign(call_id, at, body),
    }
    return exchange("POST", url, data=body.encode(), headers=headers, clock=clock)
