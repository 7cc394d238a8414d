"""Settings that are wrong in one place, each with what the doctor says of it."""

from __future__ import annotations

from dataclasses import dataclass

from tests.builders import OTHER_HOOK_SECRET
from tests.integration.sync.doctor_house import NARROW, House

NOBODY = "http://127.0.0.1:9"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A wrong setting, and what the doctor says: in which check, in which words, and what to do."""

    changes: dict[str, str | None]
    check: str
    says: str
    fix: str
    skips: str | None = None
    ahead_s: float = 0.0

    def changes_at(self, house: House) -> dict[str, str | None]:
        """The changes with the addresses of what runs in this house."""
        addresses = {
            "{auth0}": house.auth0.url,
            "{hasura}": house.hasura.url,
            "{auth0 as localhost}": house.auth0.url.replace("127.0.0.1", "localhost"),
        }
        changes = dict(self.changes)
        for word, address in addresses.items():
            changes = {key: value and value.replace(word, address) for key, value in changes.items()}
        return changes


FAULTS = {
    "Hasura's port": Fault(
        changes={"HASURA_URL": NOBODY},
        check="Hasura",
        says="the connection is refused",
        fix="check `[hasura] url`",
        skips="permissions",
    ),
    "not Hasura": Fault(
        changes={"HASURA_URL": "{auth0}"},
        check="Hasura",
        says="and no version: that is no Hasura v2",
        fix="frontdesk needs a Hasura v2",
        skips="Hasura's admin secret",
    ),
    "admin secret": Fault(
        changes={"HASURA_ADMIN_SECRET": "another-secret"},
        check="Hasura's admin secret",
        says="does not take the admin secret of the settings",
        fix="into FRONTDESK_HASURA_ADMIN_SECRET",
        skips="JWT configuration",
    ),
    "schema": Fault(
        changes={"HASURA_SCHEMA": "elsewhere"},
        check="migrations",
        says="schema elsewhere: migrations are on record as applied, but none of their tables is here",
        fix="`frontdesk hasura apply`",
        skips="permissions",
    ),
    "namespace": Fault(
        changes={"TENANTS_ACME_CLAIMS_NAMESPACE": "https://app.example.com/claims"},
        check="JWT configuration",
        says="claims under https://hasura.io/jwt/claims, and logins put them under https://app.example.com/claims",
        fix="`frontdesk jwt-secret --format env`",
        skips="forged tokens",
    ),
    "typo in the domain": Fault(
        changes={"TENANTS_ACME_ISSUER": "https://acme.invalid/"},
        check="Auth0 domain",
        says="the host acme.invalid is not known",
        fix="look for a typo in [tenants.acme] domain",
        skips="Management API",
    ),
    "no tenant": Fault(
        changes={"TENANTS_ACME_ISSUER": "{hasura}/"},
        check="Auth0 domain",
        says="no discovery document: there is no Auth0 tenant",
        fix="look for a typo",
        skips="Auth0's keys",
    ),
    "issuer": Fault(
        changes={"TENANTS_ACME_ISSUER": "{auth0 as localhost}/"},
        check="issuer",
        says="tokens say `iss` http://127.0.0.1:",
        fix="set [tenants.acme] issuer to what Auth0 says",
    ),
    "no application": Fault(
        changes={"TENANTS_ACME_MANAGEMENT_CLIENT_ID": None},
        check="management application",
        says="[tenants.acme] management_client_id is not set",
        fix="`frontdesk auth0 setup`",
        skips="Actions",
    ),
    "no secret of it": Fault(
        changes={"TENANTS_ACME_MANAGEMENT_CLIENT_SECRET": None},
        check="management application",
        says="FRONTDESK_TENANTS_ACME_MANAGEMENT_CLIENT_SECRET is not set",
        fix="Client Secret",
        skips="scopes",
    ),
    "wrong secret of it": Fault(
        changes={"TENANTS_ACME_MANAGEMENT_CLIENT_SECRET": "not-the-secret"},
        check="Management API",
        says="gives no token for the Management API",
        fix="compare [tenants.acme] management_client_id",
        skips="API",
    ),
    "scopes": Fault(
        changes={
            "TENANTS_ACME_MANAGEMENT_CLIENT_ID": NARROW.client_id,
            "TENANTS_ACME_MANAGEMENT_CLIENT_SECRET": NARROW.client_secret,
        },
        check="scopes",
        says="lacks the scopes read:actions, update:log_streams",
        fix="`frontdesk auth0 setup --only machine",
        skips="Actions",
    ),
    "audience": Fault(
        changes={"TENANTS_ACME_AUDIENCE": "https://other.example.com"},
        check="API",
        says="no API with the identifier https://other.example.com",
        fix="`frontdesk auth0 setup --only api`",
    ),
    "public URL": Fault(
        changes={"ACTION_URL": NOBODY},
        check="frontdesk",
        says="http://127.0.0.1:9/healthz gives no answer: the connection is refused",
        fix="start it with `frontdesk serve`",
        skips="hook secrets",
    ),
    "somebody else at the public URL": Fault(
        changes={"ACTION_URL": "{hasura}"},
        check="frontdesk",
        says="HTTP status 200, and not by frontdesk",
        fix="let [action] url lead to it",
        skips="hook secrets",
    ),
    "no public URL": Fault(
        changes={"ACTION_URL": None},
        check="Actions",
        says="FRONTDESK_ACTION_URL",
        fix="`frontdesk actions deploy`",
        skips="calls of the Action",
    ),
    "hook secret": Fault(
        changes={"TENANTS_ACME_HOOK_SECRETS": OTHER_HOOK_SECRET},
        check="hook secrets",
        says="refuses a call that is signed with the hook secret of the settings",
        fix="start frontdesk again with these settings",
        skips="calls of the Action",
    ),
    "drift of the Action": Fault(
        changes={"ACTION_DEADLINE_MS": "4000"},
        check="Actions",
        says="frontdesk-post-login: its code changes",
        fix="`frontdesk actions diff`",
        skips="flow",
    ),
    "an Action that is not there": Fault(
        changes={"ACTION_NAMES": "claims"},
        check="Actions",
        says="the tenant lacks the Action frontdesk-claims",
        fix="`frontdesk actions deploy`",
        skips="flow",
    ),
    "placeholder": Fault(
        changes={"TENANTS_ACME_AUDIENCE": "https://api.change-me.invalid"},
        check="settings",
        says="still holds a placeholder in tenants.acme.audience",
        fix="write what is meant into frontdesk.toml",
        skips="Auth0 domain",
    ),
    "our clock": Fault(
        changes={},
        ahead_s=600,
        check="Hasura's clock",
        says="Hasura's clock is 10 min behind ours; signed calls and tokens are refused",
        fix="time server",
    ),
}
