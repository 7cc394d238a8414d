"""Jobs: exports of users, imports, and how far they are.

Source: the Management OpenAPI, `/jobs`; Auth0 docs, "Bulk User Exports"; recorded answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from flask import Response, jsonify, request
from pydantic import Field, StringConstraints

from localauth0.errors import ManagementError
from localauth0.export_rows import (
    MAX_CSV_FIELDS,
    METADATA,
    ExportField,
    heading,
    predefined_fields,
    row_writer,
)
from localauth0.jobs import Job, Progress
from localauth0.live import LiveTenant
from localauth0.management.http import (
    Body,
    Document,
    body_of,
    invalid_body,
    management_blueprint,
    not_found,
    scoped,
)
from localauth0.management.users import api_doer
from localauth0.routes.http import live
from localauth0.store import Store, iso_ms
from localauth0.tenant import Connection
from localauth0.user_imports import import_users

blueprint = management_blueprint("jobs")

_DEFAULT_FORMAT = "csv"
_MAX_IMPORT_BYTES = 500 * 1024

_Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class FieldBody(Body):
    name: _Name
    export_as: _Name | None = None

    def column(self) -> ExportField:
        return ExportField(self.name, self.export_as or self.name)


class ExportBody(Body):
    connection_id: Annotated[str, StringConstraints(pattern=r"^con_[A-Za-z0-9]{16}$")] | None = None
    format: Literal["json", "csv"] | None = None
    limit: Annotated[int, Field(ge=1)] | None = None
    fields: list[FieldBody] | None = None


@blueprint.post("/jobs/users-exports")
@scoped("read:users")
def export_users() -> Response:
    body, tenant = body_of(ExportBody), live()
    connection = _connection(tenant, body.connection_id)
    file_format = body.format or _DEFAULT_FORMAT
    columns = [one.column() for one in body.fields or []] or predefined_fields(file_format)
    if file_format == "csv":
        _refuse_for_csv(columns)
    told = body.set_values()
    if connection is not None:
        told["connection"] = connection.name
    lines = _lines(tenant.store, file_format, columns, connection, body.limit)
    job = tenant.store.jobs.begin_export(told, lines)
    return jsonify({"type": job.type, "status": "pending", **told, **_named(job)})


@blueprint.post("/jobs/users-imports")
@scoped("create:users")
def begin_import() -> tuple[Response, int]:
    """Take users in. It is done at once; the job tells of it later."""
    tenant, form = live(), request.form
    connection = _connection(tenant, form.get("connection_id"))
    if connection is None or not connection.is_database:
        raise ManagementError(400, "The connection must be a database connection.", "invalid_body")
    is_upsert = form.get("upsert") == "true"
    outcome = import_users(tenant.store, connection, _sent_users(), upsert=is_upsert, by=api_doer())
    told = {"connection_id": connection.id, "connection": connection.name}
    if form.get("external_id"):
        told["external_id"] = form["external_id"]
    job = tenant.store.jobs.record_import(told, outcome.errors, outcome.summary())
    details = {"connection": connection.name, "tenant": tenant.store.config.tenant}
    tenant.store.log.write("sui", connection=connection.name, connection_id=connection.id, details=details)
    return jsonify({"type": job.type, "status": "pending", **told, **_named(job)}), 202


def _sent_users() -> list[Any]:
    file = request.files.get("users")
    if file is None:
        raise invalid_body("Payload validation error: 'Missing required property: users'.")
    content = file.read()
    if len(content) > _MAX_IMPORT_BYTES:
        raise ManagementError(413, "Payload content length greater than maximum allowed: 512000")
    try:
        rows = json.loads(content)
    except ValueError as err:
        raise invalid_body("The users file is not valid JSON.") from err
    if not isinstance(rows, list):
        raise invalid_body("The users file must hold an array of users.")
    return rows


@blueprint.get("/jobs/<job_id>")
@scoped("create:users", "read:users")
def get_job(job_id: str) -> Response:
    tenant = live()
    job = _job(tenant, job_id)
    progress = tenant.store.jobs.look_at(job)
    told = {"type": job.type, "status": progress.status, **job.told, **_named(job)}
    return jsonify({**told, **_progress(tenant, job, progress)})


@blueprint.get("/jobs/<job_id>/errors")
@scoped("create:users", "read:users")
def get_job_errors(job_id: str) -> Response:
    errors = _job(live(), job_id).errors
    return jsonify(errors) if errors else Response(status=204)


def _job(tenant: LiveTenant, job_id: str) -> Job:
    job = tenant.store.jobs.job(job_id)
    if job is None:
        raise not_found("The job does not exist", "inexistent_job")
    return job


def _named(job: Job) -> Document:
    return {"created_at": iso_ms(job.created_at), "id": job.id}


def _progress(tenant: LiveTenant, job: Job, progress: Progress) -> Document:
    if progress.status == "failed":
        return {"status_details": progress.fault}
    if progress.status != "completed":
        return {
            "percentage_done": int(progress.done * 100),
            "time_left_seconds": progress.seconds_left,
        }
    if job.file is None:
        return {"percentage_done": 100, "time_left_seconds": 0, "summary": dict(job.summary or {})}
    ending = "json" if job.told.get("format", _DEFAULT_FORMAT) == "json" else "csv"
    link = tenant.store.jobs.link(job, f"{tenant.store.config.tenant}.{ending}.gz")
    return {"percentage_done": 100, "time_left_seconds": 0, "location": f"{tenant.url}{link}"}


def _connection(tenant: LiveTenant, connection_id: str | None) -> Connection | None:
    if connection_id is None:
        return None
    found = next((one for one in tenant.store.config.connections if one.id == connection_id), None)
    if found is None:
        raise ManagementError(400, "The connection does not exist.", "inexistent_connection")
    return found


def _refuse_for_csv(columns: list[ExportField]) -> None:
    if len(columns) > MAX_CSV_FIELDS:
        raise invalid_body(f"Payload validation error: 'A CSV export has at most {MAX_CSV_FIELDS} fields'.")
    whole = next((column.name for column in columns if column.name in METADATA), None)
    if whole is not None:
        raise invalid_body(f"Payload validation error: 'A CSV export cannot have all of {whole}'.")


def _lines(
    store: Store,
    file_format: str,
    columns: list[ExportField],
    connection: Connection | None,
    limit: int | None,
) -> Iterator[bytes]:
    """The lines of the file. It is made in the background, so users come and go meanwhile."""
    yield heading(file_format, columns)
    write, count = row_writer(file_format, columns), 0
    for profile in store.users.profiles():
        if connection is not None and not _is_of(profile, connection):
            continue
        yield write(profile)
        count += 1
        if count == limit:
            return


def _is_of(profile: Mapping[str, Any], connection: Connection) -> bool:
    return any(identity.get("connection") == connection.name for identity in profile["identities"])
