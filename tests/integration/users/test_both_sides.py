"""What is said when the two sides are not the same: while Hasura is away, after a kill, and when one is shown."""

from __future__ import annotations

from tests.integration.users.house import ANN, CONNECTION, House, serving

NOWHERE = "http://127.0.0.1:9"


def test_a_change_while_hasura_is_away_is_kept_at_auth0_and_said(house: House) -> None:
    house.changes["HASURA_URL"] = NOWHERE

    done = house.users("block", ANN)
    facts = house.users("update", ANN, "--nickname", "annie", "--json").json()

    assert done.returncode == 1
    assert "Blocked user auth0|ann" in done.stdout
    assert "It is not in Hasura" in done.stderr
    assert "frontdesk users sync" in done.stderr
    assert (facts["synced"], facts["outcome"]) == (False, "not_synced")
    assert house.profile()["blocked"] is True
    assert [line["outcome"] for line in house.audit()] == ["not_synced", "not_synced"]


def test_what_hasura_missed_is_brought_by_sync(house: House) -> None:
    house.changes["HASURA_URL"] = NOWHERE
    new = ("--connection", CONNECTION, "--email", "new@example.com", "--user-id", "new")
    house.users("create", *new, "--password-file", "-", stdin="Secret-Horse-7!")
    del house.changes["HASURA_URL"]

    shown = house.users("show", "auth0|new", "--json").json()
    synced = house.users("sync", "auth0|new", "--json").json()

    assert shown["verdict"] == "Hasura has no row"
    assert (synced["synced"], house.there("auth0|new")["email"]) == (True, "new@example.com")


def test_an_api_call_while_hasura_is_away_is_answered_with_200_and_not_synced(house: House) -> None:
    house.changes["HASURA_URL"] = NOWHERE
    with serving(house):
        answer = house.call("POST", f"/{ANN.replace('|', '%7C')}/block")

    assert (answer.status_code, answer.json()["synced"]) == (200, False)
    assert "Hasura did not take it" in answer.json()["why"]


def test_both_sides_are_shown_with_what_differs(house: House) -> None:
    house.users("sync", ANN)
    house.auth0.store.users[ANN].profile.update(nickname="annie", updated_at="2026-11-01T08:00:00.000Z")

    told = house.users("show", ANN)
    facts = house.users("show", ANN, "--json").json()
    house.users("sync", ANN)
    after = house.users("show", ANN, "--json").json()

    differences = {each["column"]: (each["auth0"], each["hasura"]) for each in facts["differences"]}
    assert differences["nickname"] == ("annie", "nick")
    assert set(differences) == {"nickname", "updatedAt"}
    assert "2 columns differ" in told.stdout
    assert facts["roles"] == ["Editor"]
    assert [each["name"] for each in facts["organizations"]] == ["globex"]
    assert (after["verdict"], after["differences"]) == ("both sides say the same", [])


def test_the_side_that_is_there_is_shown_when_the_other_is_away(house: House) -> None:
    house.users("sync", ANN)
    house.changes["HASURA_URL"] = NOWHERE
    without_hasura = house.users("show", ANN, "--json").json()
    del house.changes["HASURA_URL"]
    house.changes[f"TENANTS_{house.tenant.upper()}_MANAGEMENT_CLIENT_SECRET"] = "another-secret-of-nobody"
    without_auth0 = house.users("show", ANN, "--json").json()

    assert (without_hasura["auth0"]["email"], without_hasura["hasura"]) == ("ann@example.com", None)
    assert (without_auth0["auth0"], without_auth0["hasura"]["email"]) == (None, "ann@example.com")
    assert without_hasura["unread"]
    assert without_auth0["unread"]


def test_a_side_that_could_not_be_asked_is_not_said_to_have_nothing(house: House) -> None:
    house.users("sync", ANN)
    house.changes["HASURA_URL"] = NOWHERE

    shown = house.users("show", ANN).stdout
    listed = house.users("list").stdout

    assert "Hasura: not known" in shown
    assert ANN in listed


def test_whom_the_filter_leaves_out_is_changed_at_auth0_alone(house: House) -> None:
    house.changes["FILTER_CONNECTIONS"] = '["google-oauth2"]'

    done = house.users("block", ANN)

    assert done.returncode == 1
    assert "[filter] leaves this user out" in done.stderr
    assert (house.profile()["blocked"], house.row()) == (True, None)


def test_a_kill_between_call_and_completion_leaves_a_line_that_says_so(house: House) -> None:
    """Hasura has the write and does not answer: the change is made at Auth0, and the process is killed."""
    house.killed_at("CheckIn", "block", ANN)

    (line,) = house.audit()
    assert (line["outcome"], line["action"], house.profile()["blocked"]) == ("started", "block", True)
    house.store.execute("UPDATE frontdesk.audit SET at = now() - interval '1 hour'")
    assert "unknown: cut off" in house.users("audit", "--user", ANN).stdout
    assert house.users("audit", "--json").json()["items"][0]["outcome"] == "unknown"
