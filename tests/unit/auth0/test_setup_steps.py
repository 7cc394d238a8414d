"""How a plan of set-up is carried out when Auth0 refuses a step, or stops answering."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from frontdesk.auth0.action_deploy import BuildFailed
from frontdesk.auth0.plan import StepKind
from frontdesk.auth0.setup import scopes_in_token
from frontdesk.auth0.setup_steps import Made, Part, SetupStep, carry_out, steps_of
from frontdesk.errors import (
    Auth0CredentialsRefused,
    Auth0Error,
    Auth0Rejected,
    Auth0ScopeMissing,
    Auth0Unavailable,
)


def a_step(part: Part = Part.API, *, act: Callable[[Made], None] | None = None) -> SetupStep:
    return SetupStep(
        what=f"the {part}",
        kind=StepKind.CREATE,
        detail="Create it.",
        part=part,
        by_hand="Dashboard.",
        act=act,
    )


def failing(error: Auth0Error) -> Callable[[Made], None]:
    def act(_: Made) -> None:
        raise error

    return act


def making(made: Made) -> None:
    made.login_client_id = "new"


PLAN = Auth0Rejected("Auth0 refused POST /x with 403: no", status_code=403)
FULL = Auth0Rejected("Auth0 refused POST /x with 409: full", status_code=409)
SCOPE = Auth0ScopeMissing("Auth0 refused POST /x with 403: scope", scopes=("create:x", "create:y"))
WRONG = Auth0Rejected("Auth0 refused POST /x with 400: wrong body", status_code=400)


@pytest.mark.parametrize(
    ("part", "error", "said", "lacking"),
    [
        (Part.STREAMS, PLAN, "The tenant's plan does not include it", False),
        (Part.STREAMS, FULL, "as many as its plan allows", False),
        (Part.STREAMS, SCOPE, "The token lacks the scope create:x or create:y.", True),
        (Part.STREAMS, WRONG, "400: wrong body.", True),
        (Part.API, PLAN, "The tenant's plan does not include it", True),
        (Part.ACTIONS, BuildFailed("frontdesk-post-login could not be built"), "could not be built.", True),
    ],
)
def test_a_refused_step_is_told_and_the_next_one_done(
    part: Part, error: Auth0Error, said: str, lacking: bool
) -> None:
    made = Made()

    refused, done = carry_out([a_step(part, act=failing(error)), a_step(act=making)], made)

    assert said in (refused.problem or "")
    assert (refused.is_lacking, done.problem) == (lacking, None)
    assert made.login_client_id == "new"


@pytest.mark.parametrize(
    "error",
    [Auth0Unavailable("no answer"), Auth0Rejected("Invalid token", status_code=401)],
    ids=["no answer", "the token ended"],
)
def test_without_an_answer_the_rest_is_not_tried_and_what_was_made_is_kept(error: Auth0Error) -> None:
    made = Made()

    outcomes = carry_out([a_step(act=making), a_step(act=failing(error)), a_step(act=making)], made)

    assert [outcome.problem is None for outcome in outcomes] == [True, False, False]
    assert (outcomes[2].problem or "").startswith("Not tried after that: ")
    assert made.login_client_id == "new"


def test_a_refused_token_stops_the_plan() -> None:
    def plan() -> list[SetupStep]:
        raise Auth0Rejected("Invalid token", status_code=401)

    with pytest.raises(Auth0CredentialsRefused, match="Make a new token"):
        steps_of(Part.API, "API", "", plan)


@pytest.mark.parametrize(
    ("token", "scopes"),
    [
        ("e30.eyJzY29wZSI6ICJyZWFkOmEgcmVhZDpiIn0.x", frozenset({"read:a", "read:b"})),
        ("e30.e30.x", None),
        ("opaque", None),
        ("a.ÿ.c", None),
        ("e30.W10.x", None),
    ],
    ids=["scopes", "none said", "no JWT", "not base64", "no object"],
)
def test_the_scopes_of_a_token_are_what_it_says(token: str, scopes: frozenset[str] | None) -> None:
    assert scopes_in_token(token) == scopes
