"""Whether a deployed Action reaches frontdesk with the right secret: Auth0 runs it with a mark that no login has.

Source: Auth0 docs, "Management API v2": test an Action. The shape of its answer is documented as an object and no more,
so the Action's own line is looked for anywhere in it, and an answer without it says nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from frontdesk.auth0.action_plan import ActionChange
from frontdesk.auth0.listing import unreadable_is_told
from frontdesk.auth0.management import ManagementApi
from frontdesk.sync.doctor.checks import Finding, failed, ok, warning

_LINE = re.compile(r"frontdesk: probe: ([^\"\\\n]+)")
_REACHED = "HTTP 200"
_REFUSED = "HTTP 401"


def action_probe(api: ManagementApi, actions: Sequence[ActionChange], *, tenant: str) -> Finding:
    """Let Auth0 run each of these Actions, which the tenant holds, with a probe. Raises Auth0Error."""
    silent = []
    for action in actions:
        title, said = action.wanted.title, _said(api, action, tenant)
        if said is None:
            silent.append(title)
        elif said != _REACHED:
            return _fault(title, said)
    if silent:
        return warning(
            f"Auth0 ran {', '.join(silent)} and did not show what came of the call",
            "look for `frontdesk: probe` in the Action's output: Dashboard, Actions, Library, Test",
        )
    return ok(f"{', '.join(each.wanted.title for each in actions)} reached frontdesk with the right secret")


def _said(api: ManagementApi, action: ActionChange, tenant: str) -> str | None:
    event: dict[str, Any] = {
        "frontdesk_probe": True,
        "tenant": {"id": tenant},
        "request": {"ip": "192.0.2.1"},
        "user": {},
    }
    held = action.held.action_id if action.held else ""
    with unreadable_is_told():
        answer = api.sdk.actions.test(held, payload={"event": event})
    found = _LINE.search(json.dumps(answer.model_dump(mode="json"), default=str))
    return found[1].strip() if found else None


def _fault(title: str, said: str) -> Finding:
    if said == _REFUSED:
        return failed(f"{title} signs with a secret that frontdesk does not take (it answers 401)")
    if "secret" in said:
        return failed(f"{title} cannot sign: {said}")
    return failed(
        f"{title} does not reach frontdesk from Auth0: {said}",
        "let [action] url be one that Auth0 reaches from the internet, and look at firewalls and certificates",
    )
