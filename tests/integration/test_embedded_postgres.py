"""The cluster that the demo and all tests stand on."""

import psycopg
import pytest


def test_the_session_time_zone_is_utc(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        assert connection.execute("select current_setting('timezone')").fetchone() == ("UTC",)


@pytest.mark.parametrize("extension", ["citext", "ltree"])
def test_the_contrib_extensions_are_there(database_url: str, extension: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(f"create extension {extension}")


def test_a_connection_without_the_password_is_refused(postgres_url: str) -> None:
    address = postgres_url.split("@", 1)[1]

    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"postgresql://postgres@{address}")
