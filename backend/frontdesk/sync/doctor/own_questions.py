"""Questions about frontdesk itself: its settings, and whether it answers where Auth0 calls it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from frontdesk.settings import Settings
from frontdesk.settings_start import placeholders_of
from frontdesk.sync.doctor.checks import Finding, Question, failed, ok, warning
from frontdesk.sync.doctor.wire import exchange

SETTINGS, FRONTDESK, OPERATOR_TOKEN = "settings", "frontdesk", "operator token"


def own_questions(settings: Settings, clock: Callable[[], float]) -> Iterator[Question]:
    """Give the questions about settings that could be read."""
    yield Question(
        name=SETTINGS,
        ask=lambda: _settings(settings),
        fix="write what is meant into frontdesk.toml",
    )
    yield Question(
        name=OPERATOR_TOKEN,
        ask=lambda: _operator_token(settings),
        fix="to use them, put FRONTDESK_OPERATOR_TOKEN with at least 32 random characters into .env",
    )
    yield Question(
        name=FRONTDESK,
        ask=lambda: _frontdesk(settings),
        fix="start it with `frontdesk serve`, and let [action] url lead to it",
    )


def _settings(settings: Settings) -> Finding:
    left = placeholders_of(settings)
    if left:
        return failed(f"frontdesk.toml still holds a placeholder in {', '.join(left)}")
    return ok(f"every setting can be used; tenants: {', '.join(settings.tenants)}")


def _operator_token(settings: Settings) -> Finding:
    if settings.operator_token is None:
        return warning("no operator token is set, so /api and /metrics answer 404 to everybody")
    return ok("an operator token is set, and /api and /metrics ask for it")


def _frontdesk(settings: Settings) -> Finding:
    url = settings.action.url
    if url is None:
        return failed(
            "[action] url is not set, so no Action can call frontdesk", "set it to frontdesk's public URL"
        )
    places = dict.fromkeys((url, *settings.server.replicas))
    for each in places:
        answer = exchange("GET", f"{each}/healthz")
        if answer.status != 200 or answer.json().get("status") != "alive":
            return failed(
                f"{each}/healthz is answered with HTTP status {answer.status}, and not by frontdesk"
            )
    return ok(f"it answers at {' and '.join(places)}")
