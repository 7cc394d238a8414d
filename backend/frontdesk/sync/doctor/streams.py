"""Whether Auth0's streams deliver to frontdesk: there, running, and to the right place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from frontdesk.auth0 import setup_streams
from frontdesk.auth0.event_deliveries import failed_deliveries
from frontdesk.auth0.listing import PAGE_SIZE, plain, records_of_page
from frontdesk.auth0.management import ManagementApi
from frontdesk.auth0.stream_probe import why_refused
from frontdesk.errors import Auth0Rejected, Auth0ScopeMissing
from frontdesk.sync.doctor.checks import Finding, Verdict, failed, ok, skipped, warning

MOST_COUNTED = 100  # failed events: one page
_PAUSE = "set that right, or pause the stream in the Dashboard (Monitoring, Streams)"


def log_stream(api: ManagementApi, hooks: str, tokens: Sequence[str]) -> Finding:
    """Look at the log stream; `hooks` is the URL below which frontdesk has the tenant's hooks. Raises Auth0Error."""
    url = f"{hooks}/log-stream"
    try:
        known = _named(setup_streams.LOG_STREAM, map(plain, api.sdk.log_streams.list()))
    except Auth0Rejected as error:
        return _not_in_the_plan(error, "log streams")
    sink = (known or {}).get("sink", {})
    found = _finding(known, sink.get("httpEndpoint"), url, tokens, running="active")
    shown = sink.get("httpAuthorization")
    if found.verdict is Verdict.OK and shown and shown.removeprefix("Bearer ") not in tokens:
        return failed(f"the stream {setup_streams.LOG_STREAM} shows a token that is none of the settings")
    return found


def event_stream(api: ManagementApi, hooks: str, tokens: Sequence[str]) -> Finding:
    """Look at the event stream, as `log_stream` does; its token cannot be read back."""
    url = f"{hooks}/event-stream"
    try:
        listed = records_of_page(lambda: api.sdk.event_streams.list(take=PAGE_SIZE), "eventStreams")
    except Auth0Rejected as error:
        return _not_in_the_plan(error, "event streams")
    known = _named(setup_streams.EVENT_STREAM, listed)
    target = (known or {}).get("destination", {}).get("configuration", {}).get("webhook_endpoint")
    found = _finding(known, target, url, tokens, running="enabled")
    subscribed = {each.get("event_type") for each in (known or {}).get("subscriptions", [])}
    missing = [name for name in setup_streams.EVENT_TYPES if name not in subscribed]
    if found.verdict is Verdict.OK and missing:
        return warning(f"the stream {setup_streams.EVENT_STREAM} has no subscription to {', '.join(missing)}")
    return _with_failed_events(api, found) if found.verdict is Verdict.OK else found


def _with_failed_events(api: ManagementApi, found: Finding) -> Finding:
    """Say how many events Auth0 could not deliver; whoever may not look at them is told so elsewhere."""
    try:
        number = sum(1 for _ in islice(failed_deliveries(api), MOST_COUNTED))
    except Auth0Rejected:
        return found
    if not number:
        return found
    told = f"{number}{' or more' if number == MOST_COUNTED else ''}"
    return warning(
        f"{found.sentence}; {told} events could not be delivered",
        "`frontdesk worker` has Auth0 send them again every five minutes",
    )


def _finding(
    known: Mapping[str, Any] | None, target: object, url: str, tokens: Sequence[str], *, running: str
) -> Finding:
    refused = why_refused(url, tokens[0])
    if refused:
        if known is not None and known.get("status") == running and target == url:
            return failed(
                f"the stream {known['name']} runs, and {refused}: Auth0 will disable it",
                _PAUSE,
            )
        return skipped(f"{refused}, so no stream has to run")
    if known is None:
        return failed("the tenant has no such stream of frontdesk")
    if target != url:
        return failed(
            f"the stream {known['name']} delivers to {target or 'something else'}, and not to {url}"
        )
    if known.get("status") != running:
        return failed(f"the stream {known['name']} is {known.get('status')}, so nothing is delivered")
    return ok(f"the stream {known['name']} is {running} and delivers to {url}")


def _not_in_the_plan(error: Auth0Rejected, what: str) -> Finding:
    if error.status_code != 403 or isinstance(error, Auth0ScopeMissing):
        raise error
    return warning(
        f"the tenant's plan has no {what}; logins work without", "ask Auth0 for a plan that has them"
    )


def _named(name: str, streams: Iterable[dict[str, Any]]) -> dict[str, Any] | None:
    return next((each for each in streams if each.get("name") == name), None)
