"""The sample application of the demo: a page with a sign-in link, and what a login brought.

It does what any application of a tenant does (authorization code with PKCE), and shows the token's claims and what
Hasura answers to it. Logins in flight are kept in memory, bounded; nothing is stored.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import Any

import jwt
import requests
from flask import Flask, redirect, render_template, request
from werkzeug.wrappers import Response

from frontdesk.demo.login import Pkce, Tokens, authorize_url, exchange_code
from frontdesk.demo.places import DemoFailed, Places
from frontdesk.demo.story import OWN_ROWS
from frontdesk.demo.tenant import ANA_EMAIL

MAX_PENDING_LOGINS = 100
TIMEOUT_S = 10.0


def create_demo_app(places: Places) -> Flask:
    """Return the application for one running demo."""
    app = Flask(__name__)
    pending: OrderedDict[str, Pkce] = OrderedDict()

    @app.get("/")
    def home() -> str:
        return render_template("demo/home.html", places=places, username=ANA_EMAIL)

    @app.get("/login")
    def login() -> Response:
        pkce = Pkce.fresh()
        pending[pkce.state] = pkce
        while len(pending) > MAX_PENDING_LOGINS:
            pending.popitem(last=False)
        return redirect(authorize_url(places, pkce), code=303)

    @app.get("/callback")
    def callback() -> str | tuple[str, int]:
        pkce = pending.pop(request.args.get("state", ""), None)
        if pkce is None:
            return _problem("This login was not started here, or was finished already. Start again."), 400
        if "code" not in request.args:
            return _problem(request.args.get("error_description", "The login was refused.")), 403
        try:
            tokens = exchange_code(places, request.args["code"], pkce)
        except DemoFailed as error:
            return _problem(str(error)), 502
        return render_template("demo/signed_in.html", **_view(places, tokens))

    return app


def _problem(sentence: str) -> str:
    return render_template("demo/problem.html", sentence=sentence)


def _view(places: Places, tokens: Tokens) -> dict[str, object]:
    return {
        "places": places,
        "access_claims": _pretty(_payload(tokens.access_token)),
        "id_claims": _pretty(_payload(tokens.id_token)),
        "own_rows": _pretty(_own_rows(places, tokens.access_token)),
        "refused": _pretty(_own_rows(places, None)),
        "token": tokens.access_token,
        "query": OWN_ROWS,
    }


def _payload(token: str) -> dict[str, Any]:
    # Shown, not trusted: the token came over this application's own call to the token endpoint.
    payload: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return payload


def _own_rows(places: Places, token: str | None) -> object:
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(
            f"{places.hasura_url}/v1/graphql",
            json={"query": OWN_ROWS},
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=TIMEOUT_S,
        )
    return answer.json()


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
