"""`/user-exports/…`: the files of export jobs, for whoever has the link; no token opens them.

Auth0 serves them from a content network of its own, by links that are signed and soon expire.
"""

from __future__ import annotations

from flask import Blueprint, Response, make_response, request

from localauth0.routes.http import live

blueprint = Blueprint("downloads", __name__)

_DENIED = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    "<Error><Code>AccessDenied</Code><Message>Access denied</Message></Error>"
)


@blueprint.get("/user-exports/<job_id>/<name>")
def download(job_id: str, name: str) -> Response:
    found = live().store.jobs.download(
        request.path, request.args.get("Expires", ""), request.args.get("Signature", "")
    )
    if found is None:
        denied = make_response(_DENIED, 403)
        denied.mimetype = "application/xml"
        return denied
    response = Response(found.chunks, mimetype="application/octet-stream")
    response.headers["Content-Length"] = str(found.said_bytes)
    return response
