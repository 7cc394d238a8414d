"""The log stream and the event stream through which Auth0 tells frontdesk what happened outside of logins.

A stream runs only while frontdesk takes its token where it points: one that fails for long is disabled by Auth0, so one
whose endpoint is not there yet is made paused, and the plan says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from auth0.management.types import CreateEventStreamWebHookRequestContent, CreateLogStreamHttpRequestBody

from frontdesk.auth0.listing import PAGE_SIZE, plain, records_of_page
from frontdesk.auth0.management import ManagementApi
from frontdesk.auth0.plan import StepKind
from frontdesk.auth0.setup_steps import Part, SetupStep, cannot, keep, steps_of
from frontdesk.auth0.stream_probe import why_refused

LOG_STREAM = "frontdesk-log-stream"
EVENT_STREAM = "frontdesk-event-stream"
EVENT_TYPES = (
    "user.created",
    "user.updated",
    "user.deleted",
    "organization.created",
    "organization.updated",
    "organization.deleted",
    "organization.member.added",
    "organization.member.deleted",
    "organization.member.role.assigned",
    "organization.member.role.deleted",
)
_LOG_BY_HAND = "Dashboard > Monitoring > Streams > Create Log Stream > Custom Webhook, format JSON Array."
_EVENT_BY_HAND = (
    "Dashboard > Event Streams > Create Event Stream > Webhook, events user.*, "
    "organization.created, updated and deleted, organization.member.*; bearer token."
)


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where a stream of the tenant delivers, and the bearer token that it shows there."""

    url: str
    token: str = field(repr=False)


def plan_streams(
    api: ManagementApi, *, public_url: str | None, tenant: str, token: str | None, force: bool
) -> tuple[SetupStep, ...]:
    """Plan both streams. With `force` the event stream's token is sent again, which nobody can read back."""
    if public_url is None or token is None:
        key, fix = (
            ("[action] url is not set", "set it to frontdesk's public https URL.")
            if public_url is None
            else (
                f"FRONTDESK_TENANTS_{tenant.upper()}_STREAM_TOKENS is not set",
                "put a line with a new value of at least 32 characters into .env.",
            )
        )
        return (cannot(Part.STREAMS, "streams", f"{key}, so no stream can be set up.", fix),)
    hooks = f"{public_url}/hooks/{tenant}"
    log, event = (Target(url=f"{hooks}/{name}", token=token) for name in ("log-stream", "event-stream"))
    return (
        *steps_of(Part.STREAMS, f"log stream {LOG_STREAM}", _LOG_BY_HAND, lambda: _log_stream(api, log)),
        *steps_of(
            Part.STREAMS,
            f"event stream {EVENT_STREAM}",
            _EVENT_BY_HAND,
            lambda: _event_stream(api, event, force=force),
        ),
    )


def _log_stream(api: ManagementApi, target: Target) -> Iterator[SetupStep]:
    what = f"log stream {LOG_STREAM}"
    sink = {
        "httpEndpoint": target.url,
        "httpAuthorization": f"Bearer {target.token}",
        "httpContentFormat": "JSONARRAY",
        "httpContentType": "application/json",
    }
    refused = why_refused(target.url, target.token)
    known = _named(LOG_STREAM, map(plain, api.sdk.log_streams.list()))
    if known is None:
        yield _creation(
            what, target, "log", lambda: _create_log_stream(api, sink, serves=refused is None), refused
        )
        return
    if known.get("type") != "http":
        yield _foreign(what, known.get("type"), _LOG_BY_HAND)
        return
    has = known.get("sink", {})
    changes: dict[str, Any] = {}
    differing = [name for name, value in sink.items() if has.get(name) != value]
    if differing:
        changes["sink"] = {**has, **sink}
    runs = known.get("status") == "active"
    if not (refused or runs):
        changes["status"] = "active"
    yield _comparison(
        what,
        target,
        [*differing, *(["status"] if "status" in changes else [])],
        lambda: api.sdk.log_streams.update(str(known["id"]), **changes),
        idle=_idle(refused, runs=runs),
        scope="update:log_streams",
    )


def _create_log_stream(api: ManagementApi, sink: dict[str, Any], *, serves: bool) -> None:
    request = {"name": LOG_STREAM, "type": "http", "sink": sink}
    created = api.sdk.log_streams.create(request=CreateLogStreamHttpRequestBody.model_validate(request))
    if not serves:  # a log stream cannot be created paused
        api.sdk.log_streams.update(str(plain(created)["id"]), status="paused")


def _event_stream(api: ManagementApi, target: Target, *, force: bool) -> Iterator[SetupStep]:
    what = f"event stream {EVENT_STREAM}"
    authorization = {"method": "bearer", "token": target.token}
    destination = {
        "type": "webhook",
        "configuration": {"webhook_endpoint": target.url, "webhook_authorization": authorization},
    }
    subscriptions = [{"event_type": name} for name in EVENT_TYPES]
    refused = why_refused(target.url, target.token)
    known = _named(
        EVENT_STREAM,
        # Some clients of Auth0 read a bare list here.
        records_of_page(lambda: api.sdk.event_streams.list(take=PAGE_SIZE), "eventStreams"),
    )
    if known is None:
        request = {
            "name": EVENT_STREAM,
            "subscriptions": subscriptions,
            "destination": destination,
            "status": "disabled" if refused else "enabled",
        }
        body = CreateEventStreamWebHookRequestContent.model_validate(request)
        yield _creation(what, target, "event", lambda: api.sdk.event_streams.create(request=body), refused)
        return
    if known.get("destination", {}).get("type") != "webhook":
        yield _foreign(what, known.get("destination", {}).get("type"), _EVENT_BY_HAND)
        return
    runs = known.get("status") == "enabled"
    changes: dict[str, Any] = {}
    if {each.get("event_type") for each in known.get("subscriptions", [])} != set(EVENT_TYPES):
        changes["subscriptions"] = subscriptions
    if force or not _delivers_to(known, target):
        changes["destination"] = destination
    if not (refused or runs):
        changes["status"] = "enabled"
    yield _comparison(
        what,
        target,
        list(changes),
        lambda: api.sdk.event_streams.update(str(known["id"]), **changes),
        idle=_idle(refused, runs=runs),
        scope="update:event_streams",
    )


def _delivers_to(known: dict[str, Any], target: Target) -> bool:
    configuration = known.get("destination", {}).get("configuration", {})
    method = configuration.get("webhook_authorization", {}).get("method")
    return bool(configuration.get("webhook_endpoint") == target.url and method == "bearer")


def _named(name: str, streams: Iterable[dict[str, Any]]) -> dict[str, Any] | None:
    return next((each for each in streams if each.get("name") == name), None)


def _creation(
    what: str, target: Target, kind: str, create: Callable[[], object], refused: str | None
) -> SetupStep:
    state = f" paused, because {refused}" if refused else ""
    return SetupStep(
        part=Part.STREAMS,
        what=what,
        kind=StepKind.CREATE,
        detail=f"Create it to {target.url}{state}.",
        scope=f"create:{kind}_streams",
        by_hand=_LOG_BY_HAND if kind == "log" else _EVENT_BY_HAND,
        act=lambda _: _drop(create()),
    )


def _comparison(
    what: str, target: Target, differing: list[str], update: Callable[[], object], *, idle: str, scope: str
) -> SetupStep:
    if not differing:
        return keep(Part.STREAMS, what, idle or "As it should be.")
    return SetupStep(
        part=Part.STREAMS,
        what=what,
        kind=StepKind.UPDATE,
        detail=" ".join(filter(None, [f"Set {', '.join(differing)} for {target.url}.", idle])),
        scope=scope,
        act=lambda _: _drop(update()),
    )


def _idle(refused: str | None, *, runs: bool) -> str:
    if refused is None:
        return ""
    told = f"{refused[0].upper()}{refused[1:]}"
    return (
        f"{told}, and yet it runs; pause it, or Auth0 disables it." if runs else f"Paused, because {refused}."
    )


def _foreign(what: str, kind: object, by_hand: str) -> SetupStep:
    problem = f"There is one of that name that delivers to {kind or 'something else'}, and it stays as it is."
    return cannot(Part.STREAMS, what, problem, f"rename it, and run this again; or {by_hand}")


def _drop(_: object) -> None:
    """Forget an answer that nothing needs."""
