"""How alembic runs our revisions: over the connection that `frontdesk.store.migrate` hands over."""

from __future__ import annotations

from alembic import context

from frontdesk.store.database import SCHEMA

context.configure(
    connection=context.config.attributes["connection"],
    version_table="schema_revision",
    version_table_schema=SCHEMA,
)
with context.begin_transaction():
    context.run_migrations()
