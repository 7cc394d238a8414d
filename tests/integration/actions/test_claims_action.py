"""The Action `claims`: the claims that frontdesk itself gives for the same login, without asking it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.builders import AT, a_hook_body, a_stored_user
from tests.integration.actions.conftest import RunAction, RunActions
from tests.integration.actions.events import KINDS, Event, a_login, documented, the_least_event

from frontdesk.auth0.post_login import login_context_from_post_login, parse_post_login, user_from_post_login
from frontdesk.identity import Claims, ClaimsPolicy, ExtraClaim, RoleSource, decide

NAMESPACE = "https://hasura.io/jwt/claims"
EXTRA = [
    ExtraClaim.parse(name, path)
    for name, path in {
        "x-hasura-plan": "app_metadata.plan",
        "x-hasura-deep": "app_metadata.a.b",
        "x-hasura-email": "user.email",
        "x-hasura-verified": "user.email_verified",
        "x-hasura-login-name": "user.username",
        "x-hasura-connection": "user.connection",
        "x-hasura-org-name": "organization.name",
        "x-hasura-region": "organization.metadata.region",
    }.items()
]
ASKS_NODE = "process.stdout.write(JSON.stringify(JSON.parse(require('fs').readFileSync(0, 'utf8'))))"

TRICKY = [
    "admin",
    "Admin",
    " admin",
    "frontdesk",
    "FRONTDESK",
    "user",
    "editor",
    "",
    "ａdmin",
    "ad\u00admin",
    "﻿ops",
    "Ops ",
]
# Characters without a name yet differ between the Unicode tables of Python and Node; PostgreSQL takes no NUL.
names = st.sampled_from(TRICKY) | st.text(
    st.characters(exclude_categories=["Cs", "Cn"], exclude_characters="\0"), max_size=8
)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | names,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=8,
)
organizations = st.none() | st.fixed_dictionaries(
    {"id": st.just("org_1"), "name": names, "metadata": st.fixed_dictionaries({}, optional={"region": names})}
)
policies = st.builds(
    ClaimsPolicy,
    default_role=st.sampled_from(["user", "member"]),
    role_sources=st.frozensets(st.sampled_from(RoleSource)),
    app_metadata_path=st.sampled_from([("roles",), ("a", "b"), ("constructor",)]),
    role_map=st.dictionaries(names, names, max_size=3),
    pass_unmapped=st.booleans(),
    extra=st.just(EXTRA),
)
events = st.builds(
    lambda roles, metadata, organization, user: {
        "user": {"user_id": "auth0|1", "app_metadata": metadata, **user},
        "authorization": {"roles": roles},
        "organization": organization,
    },
    st.lists(names, max_size=5),
    st.fixed_dictionaries({}, optional={"roles": json_values, "plan": json_values, "a": json_values}),
    organizations,
    st.fixed_dictionaries({}, optional={"email": names, "email_verified": st.booleans(), "username": names}),
)


def as_node_writes(node: Path, value: Any) -> Any:
    """What a value is once JavaScript has read and written it, as in the body of a call."""
    done = subprocess.run(
        [node, "-e", ASKS_NODE],
        input=json.dumps(value),
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return json.loads(done.stdout)


def frontdesks_claims(body: Event, policy: ClaimsPolicy) -> dict[str, Any]:
    call = parse_post_login(json.dumps(body).encode())
    user = user_from_post_login(call, tenant="default", at=AT)
    decided = decide(user, login_context_from_post_login(call), a_stored_user(), policy)
    assert isinstance(decided, Claims)
    return decided.as_session_variables()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "policy",
    [
        ClaimsPolicy(),
        ClaimsPolicy(default_role="member", pass_unmapped=True, extra=EXTRA),
        ClaimsPolicy(
            role_map={"Editor": "editor", "support": "admin"}, role_sources=frozenset({RoleSource.AUTH0})
        ),
    ],
    ids=["default", "pass unmapped", "mapped"],
)
def test_a_documented_login_gets_the_claims_that_frontdesk_gives(
    run_action: RunAction, kind: str, policy: ClaimsPolicy
) -> None:
    run = run_action(documented(kind), name="claims", policy=policy, default_role=policy.default_role)

    assert run.calls == [
        ["accessToken.setCustomClaim", NAMESPACE, frontdesks_claims(a_hook_body(kind), policy)]
    ]
    assert (run.thrown, run.logs, run.fetches) == (None, [], 0)


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(policy=policies, drawn=st.lists(events, min_size=10, max_size=30))
def test_any_login_gets_the_claims_that_frontdesk_gives(
    run_actions: RunActions, node: Path, policy: ClaimsPolicy, drawn: list[Event]
) -> None:
    runs = run_actions(drawn, name="claims", policy=policy, default_role=policy.default_role)

    claims = [run.calls[0][2] for run in runs]
    assert claims == [frontdesks_claims(body, policy) for body in as_node_writes(node, drawn)]
    for given_claims in claims:
        assert not {"admin", "frontdesk"} & set(given_claims["x-hasura-allowed-roles"])


def test_what_is_too_large_for_a_token_is_left_out_as_frontdesk_does(run_action: RunAction) -> None:
    policy = ClaimsPolicy(pass_unmapped=True, extra=EXTRA)
    event = a_login(
        app_metadata={"plan": "p" * 5000, "roles": [f"role-{number:04}" * 8 for number in range(400)]}
    )

    run = run_action(event, name="claims", policy=policy)

    assert run.calls[0][2] == frontdesks_claims(
        {name: event[name] for name in ("user", "authorization", "connection")}, policy
    )
    assert "frontdesk: too large for a token and left out: x-hasura-plan" in run.logs
    assert "frontdesk: too large for a token and left out: x-hasura-allowed-roles" in run.logs


def test_the_id_token_gets_the_claims_only_when_asked(run_action: RunAction) -> None:
    run = run_action(the_least_event(), name="claims", id_token_claims=True)

    assert [call[:2] for call in run.calls] == [
        ["accessToken.setCustomClaim", NAMESPACE],
        ["idToken.setCustomClaim", NAMESPACE],
    ]
    assert run.calls[0][2] == run.calls[1][2]


def test_an_event_of_nobody_gets_no_claims_and_one_line(run_action: RunAction) -> None:
    run = run_action({}, name="claims")

    assert (run.calls, run.thrown) == ([], None)
    assert run.logs == ["frontdesk: no claims (TypeError): this is no event of a login"]
