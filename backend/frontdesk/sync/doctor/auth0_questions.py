"""Questions about one tenant at Auth0: its domain and keys, what frontdesk may do there, and what is there of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from frontdesk.auth0.action_plan import ActionsPlan, plan_actions
from frontdesk.auth0.actions import rendered_actions
from frontdesk.auth0.management import Credentials, ManagementApi
from frontdesk.auth0.scopes import MACHINE_SCOPES, SCOPES, Feature
from frontdesk.auth0.setup_api import plan_api
from frontdesk.errors import Auth0CredentialsRefused
from frontdesk.hasura.jwt_keys import KeyUnusable, signing_jwks
from frontdesk.plans import StepKind
from frontdesk.settings import Settings, TenantSettings, secret
from frontdesk.sync.doctor.action_probe import action_probe
from frontdesk.sync.doctor.checks import Finding, Once, Question, failed, ok, skipped, warning
from frontdesk.sync.doctor.clock import clock_finding
from frontdesk.sync.doctor.hook_probe import hook_probe
from frontdesk.sync.doctor.own_questions import FRONTDESK, SETTINGS
from frontdesk.sync.doctor.streams import event_stream, log_stream
from frontdesk.sync.doctor.wire import Answer, exchange

DOMAIN, ISSUER, KEYS, CLOCK = "Auth0 domain", "issuer", "Auth0's keys", "Auth0's clock"
MANAGEMENT, CREDENTIALS, GRANTED, API = "management application", "Management API", "scopes", "API"
ACTIONS, FLOW, PROBE, HOOK = "Actions", "flow", "calls of the Action", "hook secrets"
LOG_STREAM, EVENT_STREAM = "log stream", "event stream"
_SET_UP = "`frontdesk auth0 setup` makes one; the first time with --token-file and a token of the Dashboard"
_DEPLOY = "`frontdesk actions diff` shows every difference, `frontdesk actions deploy` takes them away"
_STREAMS = "`frontdesk auth0 setup --only streams`"
_SLOW_S = 6.0  # the test call of an Action starts a sandbox, and several Actions come one after the other


@dataclass(frozen=True, kw_only=True)
class _Tenant:
    """A tenant of the settings, with what several questions need of it."""

    key: str
    settings: Settings
    api: ManagementApi | None
    discovery: Once[Answer]
    plan: Once[ActionsPlan]

    @property
    def own(self) -> TenantSettings:
        return self.settings.tenants[self.key]

    def management(self) -> ManagementApi:
        if self.api is None:
            raise Auth0CredentialsRefused("there is no management application in the settings")
        return self.api

    def may(self, feature: Feature) -> bool:
        """Whether the token has all scopes for it; one that nobody can see is taken to have them."""
        granted = self.management().scopes()
        return granted is None or SCOPES[feature] <= granted


def auth0_questions(
    settings: Settings, key: str, clock: Callable[[], float], opened: ExitStack
) -> Iterator[Question]:
    """Give the questions about one tenant; connections are closed with `opened`."""
    own = settings.tenants[key]
    tenant = _Tenant(
        key=key,
        settings=settings,
        api=_management_api(own, opened),
        discovery=Once(lambda: exchange("GET", f"{own.issuer}.well-known/openid-configuration", clock=clock)),
        plan=Once(lambda: _actions_plan(tenant)),
    )
    asked = partial(Question, tenant=key)
    yield asked(
        name=DOMAIN,
        ask=lambda: _domain(tenant),
        fix=f"look for a typo in [tenants.{key}] domain: {own.domain}",
        grounds=(SETTINGS,),
    )
    yield asked(
        name=ISSUER,
        ask=lambda: _issuer(tenant),
        fix=f"set [tenants.{key}] issuer to what Auth0 says, and give Hasura the output of `frontdesk jwt-secret`",
        grounds=(DOMAIN,),
    )
    yield asked(
        name=KEYS,
        ask=lambda: _keys(tenant),
        fix="look at the tenant's signing keys: Dashboard, Settings, Signing Keys",
        grounds=(DOMAIN,),
    )
    yield asked(
        name=CLOCK,
        ask=lambda: clock_finding(tenant.discovery(), "Auth0"),
        fix="let this machine take its time from a time server (NTP)",
        grounds=(DOMAIN,),
    )
    yield asked(
        name=HOOK,
        ask=lambda: hook_probe(settings, key, clock),
        fix="start frontdesk again with these settings, or `frontdesk secrets rotate`",
        grounds=(FRONTDESK,),
    )
    yield from _managed_questions(tenant)


def _managed_questions(tenant: _Tenant) -> Iterator[Question]:
    asked = partial(Question, tenant=tenant.key)
    yield asked(name=MANAGEMENT, ask=lambda: _application(tenant), fix=_SET_UP, grounds=(SETTINGS,))
    yield asked(
        name=CREDENTIALS,
        ask=lambda: _credentials(tenant),
        fix=f"compare [tenants.{tenant.key}] management_client_id and FRONTDESK_TENANTS_{tenant.key.upper()}_"
        f"MANAGEMENT_CLIENT_SECRET with the application `frontdesk` in the Dashboard",
        grounds=(DOMAIN, MANAGEMENT),
    )
    yield asked(
        name=GRANTED,
        ask=lambda: _scopes(tenant),
        fix="`frontdesk auth0 setup --only machine --token-file -` with a token of the Dashboard",
        grounds=(CREDENTIALS,),
    )
    looks: tuple[tuple[str, Feature, Callable[[], Finding], str, tuple[str, ...]], ...] = (
        (API, Feature.CHECK, lambda: _api(tenant), "`frontdesk auth0 setup --only api`", ()),
        (ACTIONS, Feature.ACTIONS, lambda: _actions(tenant), _DEPLOY, ()),
        (FLOW, Feature.ACTIONS, lambda: _flow(tenant), _DEPLOY, (ACTIONS,)),
        (
            PROBE,
            Feature.ACTIONS,
            lambda: _probe(tenant),
            "`frontdesk actions deploy --secrets`",
            (ACTIONS, HOOK),
        ),
        (LOG_STREAM, Feature.LOG_STREAM, lambda: _stream(tenant, log_stream), _STREAMS, (FRONTDESK,)),
        (EVENT_STREAM, Feature.EVENT_STREAM, lambda: _stream(tenant, event_stream), _STREAMS, (FRONTDESK,)),
    )
    for name, feature, ask, fix, grounds in looks:
        yield asked(
            name=name,
            ask=partial(_if_allowed, tenant, feature, ask),
            fix=fix,
            grounds=(CREDENTIALS, *grounds),
            limit_s=_SLOW_S if name == PROBE else 5.0,
        )


def _if_allowed(tenant: _Tenant, feature: Feature, ask: Callable[[], Finding]) -> Finding:
    if not tenant.may(feature):
        return skipped(f"not looked at, because {GRANTED} is not well")
    return ask()


def _domain(tenant: _Tenant) -> Finding:
    answer = tenant.discovery()
    if answer.status != 200 or not isinstance(answer.json().get("issuer"), str):
        return failed(
            f"{tenant.own.issuer}.well-known/openid-configuration is answered with HTTP status {answer.status} and no "
            f"discovery document: there is no Auth0 tenant"
        )
    return ok(f"{tenant.own.domain} is an Auth0 tenant")


def _issuer(tenant: _Tenant) -> Finding:
    said, wanted = tenant.discovery().json()["issuer"], tenant.own.issuer
    if said != wanted:
        return failed(f"tokens say `iss` {said}, and the settings say {wanted}")
    return ok(f"tokens say `iss` {said}, as the settings do")


def _keys(tenant: _Tenant) -> Finding:
    url = f"{tenant.own.issuer}.well-known/jwks.json"
    answer = exchange("GET", url)
    try:
        found = signing_jwks(answer.json())
    except KeyUnusable:
        found = ()
    if answer.status != 200 or not found:
        return failed(f"{url} is answered with HTTP status {answer.status} and no key that verifies a token")
    return ok(f"{len(found)} {'key verifies' if len(found) == 1 else 'keys verify'} tokens, at {url}")


def _application(tenant: _Tenant) -> Finding:
    own, variable = tenant.own, f"FRONTDESK_TENANTS_{tenant.key.upper()}_MANAGEMENT_CLIENT_SECRET"
    if own.management_client_id is None:
        return failed(
            f"[tenants.{tenant.key}] management_client_id is not set, so nothing at Auth0 can be looked at"
        )
    if own.management_client_secret is None:
        return failed(
            f"{variable} is not set, so nothing at Auth0 can be looked at",
            f"put it into .env: Dashboard, Applications, {own.management_client_id}, Settings, Client Secret",
        )
    return ok(f"the settings have application {own.management_client_id} and its secret")


def _credentials(tenant: _Tenant) -> Finding:
    api = tenant.management()
    api.scopes()
    return ok(f"Auth0 gives the application a token for {api.audience}")


def _scopes(tenant: _Tenant) -> Finding:
    granted = tenant.management().scopes() or frozenset()
    if missing := sorted(MACHINE_SCOPES - granted):
        return failed(
            f"the management application lacks the {'scope' if len(missing) == 1 else 'scopes'} {', '.join(missing)}"
        )
    if wider := sorted(granted - MACHINE_SCOPES):
        return warning(
            f"the management application has more scopes than frontdesk needs: {', '.join(wider)}",
            "`frontdesk auth0 setup --only machine --force --token-file -` takes them off",
        )
    return ok(
        f"the management application has the {len(MACHINE_SCOPES)} scopes that frontdesk needs, and no more"
    )


def _api(tenant: _Tenant) -> Finding:
    audience = tenant.own.audience
    for step in plan_api(tenant.management(), audience, None, force=False):
        if step.kind is StepKind.CREATE:
            return failed(f"the tenant has no API with the identifier {audience}")
        if step.kind is not StepKind.KEEP:
            return failed(f"{step.what}: {step.detail}")
    return ok(f"the tenant has the API {audience}, with RS256")


def _actions_plan(tenant: _Tenant) -> ActionsPlan:
    settings = tenant.settings
    return plan_actions(tenant.management(), rendered_actions(settings, tenant.key, settings.action.names))


def _actions(tenant: _Tenant) -> Finding:
    plan = tenant.plan()
    if plan.obstacles:
        return failed("; ".join(f"{step.what}: {step.detail}" for step in plan.obstacles))
    missing = [each.wanted.title for each in plan.actions if each.held is None]
    if missing:
        return failed(
            f"the tenant lacks the {'Action' if len(missing) == 1 else 'Actions'} {', '.join(missing)}"
        )
    differing = [each.step for each in plan.actions if each.step.changes]
    if differing:
        return failed("; ".join(f"{step.what}: {step.detail}" for step in differing))
    return ok("; ".join(f"{each.wanted.title}: {each.step.detail}" for each in plan.actions))


def _flow(tenant: _Tenant) -> Finding:
    plan = tenant.plan()
    unbound = [
        f"{title} is not bound to {flow.trigger_id}, so it never runs"
        for flow in plan.flows
        for title in flow.ours
        if all(title != bound.title for bound in flow.before)
    ]
    if unbound:
        return failed("; ".join(unbound))
    reordered = [flow.trigger_id for flow in plan.flows if flow.step.changes]
    if reordered:
        return failed(f"the order in {', '.join(reordered)} is not that of action.names")
    if plan.notes:
        told = "; ".join(f"{step.what}: {step.detail}" for step in plan.notes)
        return warning(told, "`frontdesk actions deploy --prune`")
    return ok("; ".join(f"{flow.trigger_id}: {flow.step.detail}" for flow in plan.flows))


def _probe(tenant: _Tenant) -> Finding:
    calling = [each for each in tenant.plan().actions if each.wanted.secrets]
    if not calling:
        return skipped("no Action of action.names calls frontdesk")
    return action_probe(tenant.management(), calling, tenant=tenant.own.name or tenant.key)


def _stream(tenant: _Tenant, look: Callable[[ManagementApi, str, Sequence[str]], Finding]) -> Finding:
    url = tenant.settings.action.url
    if not tenant.own.stream_tokens:
        return skipped(
            f"FRONTDESK_TENANTS_{tenant.key.upper()}_STREAM_TOKENS is not set, so no stream is wanted"
        )
    tokens = tuple(map(secret, tenant.own.stream_tokens))
    return look(tenant.management(), f"{url}/hooks/{tenant.key}", tokens)


def _management_api(own: TenantSettings, opened: ExitStack) -> ManagementApi | None:
    client_id, client_secret = own.management_client_id, own.management_client_secret
    if client_id is None or client_secret is None:
        return None
    access = Credentials(client_id=client_id, client_secret=secret(client_secret))
    return opened.enter_context(ManagementApi(own.management_url, access, call_budget_s=4.0))
