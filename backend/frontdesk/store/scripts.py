"""SQL of several statements, for migrations."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection


def run_script(connection: Connection, script: str) -> None:
    """Run a script in the transaction of `connection`, past the driver's placeholders: % stands for itself."""
    driver: Any = connection.connection.driver_connection
    driver.execute(script)
