"""Jobs: the tables of procrastinate, in our schema."""

from __future__ import annotations

from alembic import op
from procrastinate.schema import SchemaManager

from frontdesk.store.scripts import run_script

revision = "0002"
down_revision: str | None = "0001"


def upgrade() -> None:
    """Make the tables as this version of procrastinate has them."""
    run_script(op.get_bind(), "SET LOCAL search_path = frontdesk;\n" + SchemaManager.get_schema())
