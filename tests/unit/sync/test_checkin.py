"""The check-in: what is written, and what the answer holds, with a writer that does no I/O."""

import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from tests.builders import ABSENT, AT, a_hook_body, a_policy, a_stored_user

from frontdesk.auth0.signatures import SignedCall
from frontdesk.errors import HasuraError, HasuraRejected, HasuraUnavailable, PayloadInvalid
from frontdesk.identity import BlockedUsers, StoredUser, User, UserFilter
from frontdesk.sync import CheckInRules, IdTokenRules, WriteOutcome, check_in

# What the Action reads of an answer at most (actions/post-login/action.js).
MAX_ANSWER_BYTES = 100_000
RULES = CheckInRules(
    tenant="default", claims_namespace="https://hasura.io/jwt/claims", policy=a_policy(), budget_s=1.2
)


@dataclass
class MemoryWriter:
    """Keeps what it is given; answers, or raises, what it was made with."""

    answer: StoredUser | HasuraError = field(default_factory=a_stored_user)
    written: list[tuple[User, float]] = field(default_factory=list)

    def write(self, user: User, *, budget_s: float) -> StoredUser:
        self.written.append((user, budget_s))
        if isinstance(self.answer, HasuraError):
            raise self.answer
        return self.answer


def a_call(changes: dict[str, Any] | None = None) -> SignedCall:
    return SignedCall(id="msg_1", at=AT, body=json.dumps(a_hook_body(changes=changes)).encode())


def test_a_login_is_written_once_within_the_budget() -> None:
    writer = MemoryWriter()

    answer = check_in(a_call(), RULES, writer)

    ((user, budget_s),) = writer.written
    assert (user.tenant, user.user_id, budget_s) == ("default", "auth0|64b0f1e2d3c4b5a697887766", 1.2)
    assert (answer.synced, answer.denied) == (True, None)


def test_a_payload_with_wrong_fields_writes_nothing() -> None:
    writer = MemoryWriter()

    with pytest.raises(PayloadInvalid):
        check_in(a_call({"user.user_id": ABSENT}), RULES, writer)
    assert writer.written == []


def test_grants_of_the_database_count_at_login() -> None:
    answer = check_in(a_call(), RULES, MemoryWriter(a_stored_user("auditor")))

    claims = answer.access_token[RULES.claims_namespace]
    assert isinstance(claims, dict)
    assert claims["x-hasura-allowed-roles"] == ["user", "Editor", "auditor", "beta"]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (HasuraUnavailable("no answer"), WriteOutcome.UNAVAILABLE),
        (HasuraRejected("refused", code="permission-error"), WriteOutcome.REJECTED),
    ],
    ids=["unavailable", "rejected"],
)
def test_a_write_that_did_not_come_through_gives_least_privilege_or_its_error(
    error: HasuraError, outcome: WriteOutcome
) -> None:
    answer = check_in(a_call(), RULES, MemoryWriter(error))

    assert (answer.outcome, answer.synced, answer.denied) == (outcome, False, None)
    claims = answer.access_token[RULES.claims_namespace]
    assert isinstance(claims, dict)
    assert claims["x-hasura-allowed-roles"] == ["user"]
    with pytest.raises(type(error)):
        check_in(a_call(), replace(RULES, refuse_when_not_written=True), MemoryWriter(error))


def test_a_denial_carries_no_claims_at_all() -> None:
    rules = replace(RULES, id_token=IdTokenRules(namespace="https://app.example.com", hasura_claims=True))

    answer = check_in(a_call(), rules, MemoryWriter(a_stored_user(blocked=True)))

    assert answer.as_json() == {
        "decision": "deny",
        "reason": "This account is blocked.",
        "synced": True,
        "queued": False,
        "access_token": {},
        "id_token": {},
    }


def test_a_blocked_user_may_be_let_in_with_least_privilege() -> None:
    rules = replace(RULES, policy=a_policy(blocked_users=BlockedUsers.LEAST_PRIVILEGE))

    answer = check_in(a_call(), rules, MemoryWriter(a_stored_user("auditor", blocked=True)))

    claims = answer.access_token[RULES.claims_namespace]
    assert isinstance(claims, dict)
    assert claims["x-hasura-allowed-roles"] == ["user"]


@pytest.mark.parametrize(("size", "there"), [(100, True), (101, False)])
def test_metadata_goes_on_the_id_token_up_to_its_limit_in_bytes(size: int, there: bool) -> None:
    name = "https://app.example.com/user_metadata"
    rules = replace(
        RULES, id_token=IdTokenRules(namespace="https://app.example.com/", metadata_limit_bytes=100)
    )
    metadata = {"é": "x" * (size - len('{"é":""}'.encode()))}

    answer = check_in(a_call({"user.user_metadata": metadata}), rules, MemoryWriter())

    assert (name in answer.id_token) is there
    assert answer.left_out == (() if there else ("user_metadata",))


def test_metadata_gives_way_before_an_answer_is_larger_than_auth0_takes() -> None:
    rules = replace(
        RULES,
        policy=a_policy(pass_unmapped=True),
        id_token=IdTokenRules(
            namespace="https://app.example.com", metadata_limit_bytes=32768, hasura_claims=True
        ),
    )
    metadata = {"notes": "x" * 32000}
    roles = [f"role-{number:04}" for number in range(2000)]

    answer = check_in(
        a_call(
            {
                "user.app_metadata": metadata,
                "user.user_metadata": metadata,
                "authorization": {"roles": roles},
            }
        ),
        rules,
        MemoryWriter(),
    )

    assert set(answer.id_token) == {"https://app.example.com/app_metadata", RULES.claims_namespace}
    assert "user_metadata" in answer.left_out
    assert len(json.dumps(answer.as_json())) < MAX_ANSWER_BYTES


def test_metadata_that_auth0_does_not_have_is_an_empty_object_on_the_id_token() -> None:
    rules = replace(RULES, id_token=IdTokenRules(namespace="https://app.example.com"))

    answer = check_in(a_call({"user.app_metadata": ABSENT}), rules, MemoryWriter())

    assert answer.id_token["https://app.example.com/app_metadata"] == {}


@pytest.mark.parametrize("refuse", [False, True], ids=["allow", "refuse"])
def test_somebody_whom_the_filter_leaves_out_is_not_written_and_gets_the_least(refuse: bool) -> None:
    writer = MemoryWriter()
    rules = replace(RULES, filter=UserFilter.of(connections=["another"]), refuse_when_not_written=refuse)

    answer = check_in(a_call({"authorization": {"roles": ["editor"]}}), rules, writer)

    assert writer.written == []
    assert (answer.outcome, answer.synced, answer.denied) == (WriteOutcome.FILTERED, False, None)
    claims = answer.access_token["https://hasura.io/jwt/claims"]
    assert isinstance(claims, dict)
    assert claims["x-hasura-allowed-roles"] == ["user"]


def test_somebody_who_passes_the_filter_is_written() -> None:
    writer = MemoryWriter()
    rules = replace(RULES, filter=UserFilter.of(verified_only=True))

    answer = check_in(a_call({"user.email_verified": True}), rules, writer)

    assert (answer.synced, len(writer.written)) == (True, 1)
