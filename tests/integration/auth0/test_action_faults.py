"""A deploy of Actions against a server that answers as tenants do when somebody or something interferes."""

from __future__ import annotations

import json
import traceback
from typing import Any

import pytest
from tests.integration.auth0.action_tenant import CREDENTIALS, our_actions
from tests.integration.auth0.scripted_server import Answer, ScriptedServer

from frontdesk.auth0.action_deploy import BuildFailed, DeployUnfinished, FlowChanged, Patience, carry_out
from frontdesk.auth0.action_plan import plan_actions
from frontdesk.auth0.action_state import code_to_send
from frontdesk.auth0.management import ManagementApi
from frontdesk.auth0.plan import PlanBlocked
from frontdesk.errors import Auth0Rejected, Auth0Unavailable

ACTIONS = "/api/v2/actions/actions"
ACTION = f"{ACTIONS}/a1"
BINDINGS = "/api/v2/actions/triggers/post-login/bindings"
OURS = "frontdesk-post-login"
CODE = code_to_send(our_actions()[0])


def an_action(**changes: Any) -> dict[str, Any]:
    """Our Action as it is once it is deployed."""
    return {
        "id": "a1",
        "name": OURS,
        "supported_triggers": [{"id": "post-login", "version": "v3"}],
        "code": CODE,
        "runtime": "node22",
        "dependencies": [],
        "secrets": [{"name": "FRONTDESK_HOOK_SECRET"}],
        "status": "built",
        "all_changes_deployed": True,
        "deployed_version": {"id": "v1", "number": 1, "code": CODE},
        **changes,
    }


def actions(*found: dict[str, Any]) -> Answer:
    return Answer(body={"actions": list(found), "total": len(found), "page": 0, "per_page": 50})


def flow(*names: str) -> Answer:
    bindings = [
        {"id": f"b-{name}", "display_name": name, "action": {"id": f"a-{name}", "name": name}}
        for name in names
    ]
    return Answer(body={"bindings": bindings, "total": len(bindings), "page": 0, "per_page": 50})


def refused(message: str) -> Answer:
    return Answer(status=400, body={"statusCode": 400, "error": "Bad Request", "message": message})


def script(**changes: list[Answer]) -> dict[str, list[Answer]]:
    """A tenant that holds our deployed Action, bound; `changes` are answers by the names of `paths`."""
    paths = {
        "actions": ACTIONS,
        "action": ACTION,
        "deploy": f"{ACTION}/deploy",
        "versions": f"{ACTION}/versions",
        "bindings": BINDINGS,
    }
    answers = {
        "actions": [actions(an_action())],
        "action": [Answer(body=an_action())],
        "deploy": [Answer(status=202, body={"id": "v1", "number": 1})],
        "bindings": [flow(OURS)],
        **changes,
    }
    return {paths[name]: each for name, each in answers.items()}


def deploy(server: ScriptedServer) -> tuple[str, ...]:
    with ManagementApi(server.url, CREDENTIALS) as api:
        return carry_out(api, plan_actions(api, our_actions()), patience=Patience(build_s=1.0, deploy_s=0.5))


def written_flows(server: ScriptedServer) -> list[list[dict[str, Any]]]:
    return [json.loads(call.body)["bindings"] for call in server.calls if call.path == BINDINGS and call.body]


def test_a_deployed_and_bound_action_is_only_read() -> None:
    with ScriptedServer(script()) as server:
        assert deploy(server) == ()
        assert {call.method for call in server.calls if call.path != "/oauth/token"} == {"GET"}


def test_other_peoples_bindings_are_sent_again_by_their_ids() -> None:
    theirs = [flow("one", "two"), flow("one", "two"), flow(), flow("one", "two", OURS)]
    with ScriptedServer(script(bindings=theirs)) as server:
        assert deploy(server) == (f"Bound post-login: one → two → {OURS}.",)
        assert written_flows(server) == [
            [
                {"ref": {"type": "binding_id", "value": "b-one"}, "display_name": "one"},
                {"ref": {"type": "binding_id", "value": "b-two"}, "display_name": "two"},
                {"ref": {"type": "action_name", "value": OURS}, "display_name": OURS},
            ]
        ]


def test_all_pages_of_a_flow_are_read() -> None:
    pages = [
        Answer(body={"bindings": [binding], "total": 2, "page": page, "per_page": 1})
        for page, binding in enumerate(flow("one", OURS).body["bindings"])
    ]
    with ScriptedServer(script(bindings=pages)) as server:
        assert deploy(server) == ()


def test_a_binding_that_somebody_adds_while_we_write_is_kept_by_writing_once_more() -> None:
    """The read after our write shows another flow than ours: it is arranged anew on what is there."""
    answers = [
        flow("one"),
        flow("one"),
        flow(),
        flow("one", "new"),
        flow("one", "new"),
        flow(),
        flow("one", "new", OURS),
    ]
    with ScriptedServer(script(bindings=answers)) as server:
        assert deploy(server) == (f"Bound post-login: one → new → {OURS}.",)
        assert [len(each) for each in written_flows(server)] == [2, 3]


def test_a_flow_that_never_stays_as_written_is_an_error_that_says_what_to_do() -> None:
    with (
        ScriptedServer(script(bindings=[flow("one")])) as server,
        pytest.raises(FlowChanged, match="changed by somebody else"),
    ):
        deploy(server)

    assert len(written_flows(server)) == 2


def test_a_binding_that_is_gone_when_we_send_it_again_is_left_out() -> None:
    gone = [
        flow("one", "two"),
        flow("one", "two"),
        refused("That binding does not exist."),
        flow("two"),
        flow("two"),
        flow(),
        flow("two", OURS),
    ]
    with ScriptedServer(script(bindings=gone)) as server:
        assert deploy(server) == (f"Bound post-login: two → {OURS}.",)


def test_an_action_that_auth0_does_not_know_as_deployed_yet_is_bound_a_moment_later() -> None:
    early = [flow(), flow(), refused("must be deployed"), flow(), flow(), flow(OURS)]
    with ScriptedServer(script(bindings=early)) as server:
        assert deploy(server) == (f"Bound post-login: {OURS}.",)


def test_a_build_that_fails_gives_the_reasons_of_the_version() -> None:
    failed = an_action(status="failed")
    versions = Answer(
        body={"versions": [{"id": "v2", "errors": [{"id": "npm", "msg": "no package left-padd"}]}]}
    )
    broken = script(actions=[actions(failed)], action=[Answer(body=failed)], versions=[versions])
    with (
        ScriptedServer(broken) as server,
        pytest.raises(BuildFailed, match=f"Auth0 could not build {OURS}: no package left-padd"),
    ):
        deploy(server)


def test_a_build_that_does_not_end_is_given_up_with_logins_as_before() -> None:
    building = an_action(status="building", all_changes_deployed=False)
    slow = script(actions=[actions(building)], action=[Answer(body=building)])
    with (
        ScriptedServer(slow) as server,
        pytest.raises(DeployUnfinished, match=r"has not built .* in time, its state is 'building'"),
    ):
        deploy(server)

    assert f"{ACTION}/deploy" not in server.paths()


def test_a_deploy_that_somebodys_edit_interrupts_waits_for_the_new_build() -> None:
    unfinished = an_action(all_changes_deployed=False)
    states = [unfinished, an_action(status="building"), an_action(status="building"), unfinished, an_action()]
    interrupted = script(
        actions=[actions(unfinished)],
        action=[Answer(body=each) for each in states],
        deploy=[refused("The action must be in the 'built' state."), Answer(body={"id": "v1", "number": 1})],
    )
    with ScriptedServer(interrupted) as server:
        assert deploy(server) == (f"Finished and deployed {OURS}, version 1.",)


def test_a_deploy_that_auth0_refuses_is_passed_on() -> None:
    unfinished = an_action(all_changes_deployed=False)
    never = script(
        actions=[actions(unfinished)], action=[Answer(body=unfinished)], deploy=[refused("Not now.")]
    )
    with ScriptedServer(never) as server, pytest.raises(Auth0Rejected, match="Not now"):
        deploy(server)


@pytest.mark.parametrize(
    ("deployed", "said"),
    [
        ({"id": "v0", "number": 1, "code": CODE}, "does not show it as deployed"),
        ({"id": "v1", "number": 1, "code": "exports.x = 1;"}, "its code is not what was sent"),
    ],
    ids=["another version", "another code"],
)
def test_a_deployed_version_that_is_not_ours_is_not_taken_for_it(deployed: dict[str, Any], said: str) -> None:
    unfinished = an_action(all_changes_deployed=False, deployed_version=deployed)
    other = script(actions=[actions(unfinished)], action=[Answer(body=unfinished)])
    with ScriptedServer(other) as server, pytest.raises(DeployUnfinished, match=said):
        deploy(server)


def test_two_actions_of_our_name_and_a_full_library_are_obstacles() -> None:
    full = [an_action(id=f"x{number}", name=f"other-{number}") for number in range(100)]
    for found, said in [([an_action(), an_action(id="a2")], "2 Actions of this name"), (full, "100 Actions")]:
        with (
            ScriptedServer(script(actions=[actions(*found)])) as server,
            pytest.raises(PlanBlocked, match=said),
        ):
            deploy(server)


@pytest.mark.parametrize(
    "answers",
    [
        {"actions": [actions({"id": 7, "code": "the code of others"})]},
        {"bindings": [Answer(body={"bindings": "the code of others"})]},
        {
            "actions": [actions(an_action(all_changes_deployed=False))],
            "deploy": [Answer(body={"id": 7, "code": "the code of others"})],
        },
    ],
    ids=["list", "flow", "deploy"],
)
def test_an_answer_that_cannot_be_read_is_not_repeated(answers: dict[str, list[Answer]]) -> None:
    with ScriptedServer(script(**answers)) as server, pytest.raises(Auth0Unavailable) as raised:
        deploy(server)

    told = "".join(traceback.format_exception(raised.value))
    assert "cannot read" in told
    assert "the code of others" not in told
