"""`/userinfo`: the claims behind an access token that has the scope `openid`."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from localauth0.routes.http import live
from localauth0.tokens import userinfo_claims

blueprint = Blueprint("userinfo", __name__)


@blueprint.route("/userinfo", methods=["GET", "POST"])
def userinfo() -> Response:
    """Every token that may be used here was issued here, so it is looked up and not only verified."""
    credentials = request.authorization
    given = credentials.token if credentials is not None and credentials.type == "bearer" else None
    issued = live().store.access_tokens.get(given)
    user = live().store.users.get(issued.user_id) if issued is not None else None
    if issued is None or user is None or "openid" not in issued.scopes:
        return Response("Unauthorized", 401, {"WWW-Authenticate": "Bearer"}, mimetype="text/plain")
    return jsonify(userinfo_claims(live(), issued, user))
