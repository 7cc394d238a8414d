"""Bring frontdesk's own schema to the revision of this frontdesk: `frontdesk db apply`."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy
from alembic import command
from alembic.config import Config
from sqlalchemy.engine import make_url

from frontdesk.errors import StoreUnavailable
from frontdesk.store.database import CONNECT_BUDGET_S, SCHEMA

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x66726F6E74646573  # two runs at once wait for each other


def apply(url: str) -> None:
    """Apply what is missing, each revision in the same transaction. Raises StoreUnavailable."""
    engine = sqlalchemy.create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        connect_args={"connect_timeout": int(CONNECT_BUDGET_S)},
        poolclass=sqlalchemy.NullPool,
    )
    try:
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            connection.execute(sqlalchemy.text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
            config = Config()
            config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except sqlalchemy.exc.OperationalError as error:
        raise StoreUnavailable(
            f"frontdesk's database gives no answer ({type(error.orig).__name__}); check FRONTDESK_DATABASE_URL"
        ) from None
