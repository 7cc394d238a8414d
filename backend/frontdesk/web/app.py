"""The application, in one screen."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from flask import Flask

from frontdesk.hasura.health import check_health
from frontdesk.settings import MAX_BODY_BYTES, Settings, secret
from frontdesk.sync import CheckInRules, IdTokenRules
from frontdesk.web.api import api_blueprint
from frontdesk.web.auth_hook import register_auth_hook
from frontdesk.web.connections import connections_blueprint
from frontdesk.web.guarded import guarded, open_keeper
from frontdesk.web.health import health_blueprint
from frontdesk.web.hooks import HookTenant, hooks_blueprint
from frontdesk.web.jobs import register_jobs
from frontdesk.web.live_secrets import EXTENSION, LiveSecrets, LiveWriter
from frontdesk.web.metrics import Metrics, metrics_blueprint
from frontdesk.web.operators import register_operator_guard
from frontdesk.web.problems import register_problems
from frontdesk.web.queue_numbers import StoreNumbers
from frontdesk.web.requests import register_requests
from frontdesk.web.resources import resources_of
from frontdesk.web.streams import register_streams
from frontdesk.web.users import register_users


def create_app(settings: Settings, secrets: LiveSecrets | None = None) -> Flask:
    """Return the service for `settings`. Call it after a fork: it opens connections and starts threads.

    Without `secrets` those of the settings stay in force.
    """
    app = Flask("frontdesk", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES + 1  # see hooks._bounded_body
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False
    # The default provider has both. Written as \uXXXX a claim would take three times the room that it was given.
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.json.ensure_ascii = False  # type: ignore[attr-defined]

    metrics = Metrics()
    live = app.extensions[EXTENSION] = secrets or LiveSecrets(settings)
    hasura_url = settings.hasura.url
    writer = LiveWriter(hasura_url, lambda: live.current().admin_secret, settings.field_rules())

    register_requests(app, metrics)
    register_problems(app)
    register_operator_guard(app, lambda: live.current().operator_tokens)
    keeper = open_keeper(settings, metrics, resources_of(app))
    hooks = hooks_blueprint(
        _hook_tenants(settings, live), guarded(writer, settings, metrics), keeper, metrics
    )
    app.register_blueprint(hooks)
    register_streams(app, settings, live, metrics, resources_of(app))
    app.register_blueprint(health_blueprint(lambda: check_health(hasura_url, live.current().admin_secret)))
    app.register_blueprint(metrics_blueprint(metrics, _of_the_store(settings, resources_of(app))))
    app.register_blueprint(api_blueprint(settings.tenants))
    app.register_blueprint(connections_blueprint(settings, live))
    register_auth_hook(app, settings, metrics)
    register_jobs(app, settings, register_users(app, settings, live, writer).database)
    return app


def _hook_tenants(settings: Settings, live: LiveSecrets) -> dict[str, HookTenant]:
    policy, user_filter = settings.claims_policy(), settings.user_filter()
    id_token = IdTokenRules(
        namespace=settings.login.id_token_namespace,
        metadata_limit_bytes=settings.login.id_token_metadata_limit_bytes,
        hasura_claims=settings.login.id_token_claims,
    )
    return {
        key: HookTenant(
            hook_secrets=partial(_hook_secrets, live, key),
            rules=CheckInRules(
                tenant=key,
                claims_namespace=tenant.claims_namespace,
                policy=policy,
                budget_s=settings.login.budget_s,
                refuse_when_not_written=settings.login.on_unavailable == "refuse",
                id_token=id_token,
                auth0_name=tenant.name,
                filter=user_filter,
            ),
        )
        for key, tenant in settings.tenants.items()
    }


def _of_the_store(settings: Settings, resources: ExitStack) -> Callable[[], bytes]:
    url = settings.database.url
    return bytes if url is None else StoreNumbers(secret(url), settings.tenants.keys(), resources)


def _hook_secrets(live: LiveSecrets, tenant: str) -> tuple[str, ...]:
    return live.current().hook_secrets.get(tenant, ())
