"""JavaScript clients made for Hasura drive the engine from Node; their reports are compared with the rows."""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg
import pytest
from jose import jwt
from psycopg.rows import dict_row
from tests.conftest import new_database
from tests.foreign_clients import FOLDER, INSTALL_COMMAND, is_installed, run_script
from tests.integration.localhasura.client import ADMIN_SECRET, Client

from localhasura import LocalHasura

pytestmark = pytest.mark.skipif(
    not is_installed(), reason=f"the JavaScript clients are not installed; `{INSTALL_COMMAND}` fetches them"
)
JWT_KEY = "a-key-that-is-long-enough-for-hs256-tokens"
SHOP = """
CREATE TABLE makers (id serial PRIMARY KEY, name text NOT NULL UNIQUE, country text);
CREATE TABLE products (
  id serial PRIMARY KEY,
  name text NOT NULL,
  price numeric NOT NULL,
  stock bigint NOT NULL DEFAULT 0,
  details jsonb NOT NULL DEFAULT '{}',
  tags text[] NOT NULL DEFAULT '{}',
  on_sale boolean NOT NULL DEFAULT false,
  made_on date,
  maker_id integer REFERENCES makers (id),
  owner text NOT NULL DEFAULT 'shop'
);
INSERT INTO makers (name, country) VALUES ('Anvil', 'DE'), ('Bolt', NULL);
INSERT INTO products (name, price, stock, details, on_sale, made_on, maker_id)
SELECT 'Product ' || lpad(n::text, 2, '0'), n * 1.25, n * 10,
       jsonb_build_object('colour', (ARRAY['red','blue'])[1 + n % 2]),
       n % 3 = 0, date '2024-01-01' + n, CASE WHEN n % 5 = 0 THEN NULL ELSE 1 + n % 2 END
  FROM generate_series(1, 23) AS n;
INSERT INTO products (name, price, owner) VALUES ('Hidden', 1, 'somebody else');
"""
_numbers = itertools.count()


class Engine:
    """A running engine, its administrator, and a connection that looks past it."""

    def __init__(self, url: str, admin: Client, database: psycopg.Connection[dict[str, Any]]) -> None:
        self.url, self.admin, self._database = url, admin, database

    def rows(self, statement: LiteralString) -> list[dict[str, Any]]:
        """Return the rows that PostgreSQL gives for it."""
        return self._database.execute(statement).fetchall()

    def track(self, *names: str) -> None:
        """Track tables of the schema public."""
        tables = [{"table": {"schema": "public", "name": name}} for name in names]
        self.admin.metadata("pg_track_tables", {"tables": tables})

    def relate(self, table: str, name: str, using: Any, *, kind: str) -> None:
        """Make a relationship."""
        self.admin.metadata(f"pg_create_{kind}_relationship", {"table": table, "name": name, "using": using})


@pytest.fixture
def secured(postgres_url: str, worker_id: str) -> Iterator[Engine]:
    """An engine with an admin secret and a JWT secret, over an empty database."""
    secret = json.dumps({"type": "HS256", "key": JWT_KEY})
    name = f"clients_{worker_id}_{os.getpid()}_{next(_numbers)}"
    with (
        new_database(postgres_url, name) as url,
        LocalHasura(database_url=url, admin_secret=ADMIN_SECRET, jwt_secret=secret) as running,
        psycopg.connect(url, autocommit=True, row_factory=dict_row) as database,
    ):
        admin = Client(running)
        yield Engine(running.url, admin, database)
        admin.close()


@pytest.fixture
def shop(secured: Engine) -> Engine:
    """The shop: a clerk sees and changes the shop's own products, and may not touch the stock."""
    secured.admin.sql(SHOP)
    secured.track("makers", "products")
    secured.relate("products", "maker", {"foreign_key_constraint_on": "maker_id"}, kind="object")
    secured.relate(
        "makers",
        "products",
        {"foreign_key_constraint_on": {"table": "products", "column": "maker_id"}},
        kind="array",
    )
    own = {"owner": {"_eq": "X-Hasura-Shop"}}
    columns = ["id", "name", "price", "details", "tags", "on_sale", "made_on", "maker_id"]
    written = columns[1:]
    permissions: list[tuple[str, str, Any]] = [
        (
            "select",
            "makers",
            {"columns": ["id", "name", "country"], "filter": {}, "allow_aggregations": True},
        ),
        ("select", "products", {"columns": [*columns, "stock"], "filter": own, "allow_aggregations": True}),
        ("insert", "products", {"columns": written, "check": own, "set": {"owner": "x-hasura-shop"}}),
        ("update", "products", {"columns": written, "filter": own, "check": {"price": {"_gte": 0}}}),
        ("delete", "products", {"filter": own}),
    ]
    for kind, table, permission in permissions:
        secured.admin.metadata(
            f"pg_create_{kind}_permission", {"table": table, "role": "clerk", "permission": permission}
        )
    return secured


def clerk_token() -> str:
    claims = {"x-hasura-allowed-roles": ["clerk"], "x-hasura-default-role": "clerk", "x-hasura-shop": "shop"}
    return jwt.encode(
        {"https://hasura.io/jwt/claims": claims, "exp": int(time.time()) + 300}, JWT_KEY, algorithm="HS256"
    )


def react_admin(shop: Engine, *calls: tuple[str, str, Any]) -> list[Any]:
    """Return what react-admin's data provider gives for each call, made with the clerk's token."""
    order = {"url": shop.url, "token": clerk_token(), "calls": calls}
    results: list[Any] = run_script("react_admin.mjs", order)
    return results


def a_list(filter: Any = None, *, sort: str = "id", order: str = "ASC", page: int = 1, size: int = 5) -> Any:
    """The parameters of a react-admin list."""
    return {
        "filter": filter or {},
        "sort": {"field": sort, "order": order},
        "pagination": {"page": page, "perPage": size},
    }


LISTS: dict[str, tuple[Any, LiteralString, LiteralString]] = {
    "first page": (a_list(), "true", "id LIMIT 5"),
    "last page": (a_list(page=5), "true", "id LIMIT 5 OFFSET 20"),
    "page beyond the end": (a_list(page=9), "true", "id LIMIT 5 OFFSET 40"),
    "sorted downwards": (a_list(sort="price", order="DESC"), "true", "price DESC LIMIT 5"),
    "sorted with nulls last": (
        a_list(sort="maker_id@nulls_last,id", order="DESC,ASC", size=50),
        "true",
        "maker_id DESC NULLS LAST, id",
    ),
    "sorted by a related row": (
        a_list(sort="maker.name,id", order="DESC,ASC", size=50),
        "true",
        "(SELECT m.name FROM makers m WHERE m.id = maker_id) DESC, id",
    ),
    "text as typed by a person": (a_list({"name": "PRODUCT 1"}, size=50), "name ILIKE '%product 1%'", "id"),
    "number": (a_list({"maker_id": 2}, size=50), "maker_id = 2", "id"),
    "boolean": (a_list({"on_sale": True}, size=50), "on_sale", "id"),
    "operators": (
        a_list({"price@_gte": 10, "made_on@_lt": "2024-01-20"}, size=50),
        "price >= 10 AND made_on < '2024-01-20'",
        "id",
    ),
    "list of values": (a_list({"maker_id@_in": [1]}, size=50), "maker_id IN (1)", "id"),
    "null": (a_list({"maker_id@_is_null": True}, size=50), "maker_id IS NULL", "id"),
    "json": (
        a_list({"details": '{"colour": "red"}'}, size=50),
        """details @> '{"colour": "red"}'""",
        "id",
    ),
    "related row": (
        a_list({"maker#name@_eq": "Bolt"}, size=50),
        "EXISTS (SELECT FROM makers m WHERE m.id = maker_id AND m.name = 'Bolt')",
        "id",
    ),
    "either of two columns": (
        a_list({"name@_ilike,maker#name@_ilike": "bolt"}, size=50),
        "(name ILIKE '%bolt%' OR EXISTS (SELECT FROM makers m WHERE m.id = maker_id AND m.name ILIKE '%bolt%'))",
        "id",
    ),
}


def test_react_admin_lists_what_postgresql_holds(shop: Engine) -> None:
    """One Node process asks them all: filters, sorting and pages, each with the count of all matching rows."""
    calls = [("getList", "products", parameters) for parameters, _, _ in LISTS.values()]

    results = react_admin(shop, *calls)

    for (name, (_, condition, tail)), result in zip(LISTS.items(), results, strict=True):
        visible = f"FROM products WHERE owner = 'shop' AND {condition}"
        rows = shop.rows(f"SELECT id {visible} ORDER BY {tail}")
        (count,) = shop.rows(f"SELECT count(*) AS n {visible}")
        assert "error" not in result, (name, result)
        assert [each["id"] for each in result["data"]] == [row["id"] for row in rows], name
        assert result["total"] == count["n"], name
    assert sum(bool(result["data"]) for result in results) == len(LISTS) - 1


def test_react_admin_reads_rows_and_references(shop: Engine) -> None:
    one, many, of_maker, nobody, hidden = react_admin(
        shop,
        ("getOne", "products", {"id": 7}),
        ("getMany", "products", {"ids": [3, 1, 24]}),
        ("getManyReference", "products", {**a_list({"on_sale": True}), "target": "maker_id", "id": 1}),
        ("getOne", "products", {"id": 24}),
        ("getList", "orders", a_list()),
    )

    (row,) = shop.rows(
        "SELECT price::float8, stock, details, tags, made_on::text, maker_id FROM products WHERE id = 7"
    )
    assert {name: one["data"][name] for name in row} == row
    assert sorted(each["id"] for each in many["data"]) == [1, 3]
    expected = shop.rows("SELECT id FROM products WHERE on_sale AND maker_id = 1 ORDER BY id")
    assert [each["id"] for each in of_maker["data"]] == [each["id"] for each in expected]
    assert of_maker["total"] == len(expected) > 0
    assert "data" not in nobody or nobody["data"] is None
    assert "orders" in hidden["error"]


def test_react_admin_writes_rows(shop: Engine) -> None:
    made, changed, several, gone, gone_too = react_admin(
        shop,
        (
            "create",
            "products",
            {"data": {"name": "New", "price": 9.5, "details": {"a": [1, None]}, "maker_id": 1}},
        ),
        (
            "update",
            "products",
            {"id": 1, "data": {"name": "One", "price": 2}, "previousData": {"id": 1, "name": "x"}},
        ),
        ("updateMany", "products", {"ids": [2, 3, 24], "data": {"on_sale": True}}),
        ("delete", "products", {"id": 4}),
        ("deleteMany", "products", {"ids": [5, 6, 24]}),
    )

    (row,) = shop.rows("SELECT * FROM products WHERE name = 'New'")
    assert made["data"]["id"] == row["id"]
    assert (float(row["price"]), row["details"], row["owner"]) == (9.5, {"a": [1, None]}, "shop")
    (row,) = shop.rows("SELECT name, price::float8 FROM products WHERE id = 1")
    assert row == {"name": "One", "price": 2.0}
    assert changed["data"]["name"] == "One"
    assert sorted(several["data"]) == [2, 3]
    assert shop.rows("SELECT id FROM products WHERE id IN (2, 3, 24) AND on_sale ORDER BY id") == [
        {"id": 2},
        {"id": 3},
    ]
    assert gone["data"]["id"] == 4
    assert sorted(gone_too["data"]) == [5, 6]
    assert shop.rows("SELECT id FROM products WHERE id IN (4, 5, 6, 24)") == [{"id": 24}]


def test_react_admin_gets_the_engines_own_words_for_a_refusal(shop: Engine) -> None:
    before = shop.rows("SELECT * FROM products ORDER BY id")

    results = react_admin(
        shop,
        ("update", "products", {"id": 1, "data": {"price": -1}, "previousData": {"id": 1, "price": 1}}),
        ("create", "products", {"data": {"name": "Lost", "price": 1, "maker_id": 99}}),
        ("getList", "products", a_list({"price@_nonsense": 1})),
    )

    refused, dangling, unknown = [result["error"] for result in results]
    assert refused == "check constraint of an insert/update permission has failed"
    assert dangling.startswith("Foreign key violation.")
    assert unknown == "field '_nonsense' not found in type: 'numeric_comparison_exp'"
    assert shop.rows("SELECT * FROM products ORDER BY id") == before


def test_auth_js_keeps_its_people_accounts_and_sessions(secured: Engine) -> None:
    secured.admin.sql((FOLDER / "auth_js.sql").read_text())
    secured.track("users", "accounts", "sessions", "verification_tokens")
    for table in ("accounts", "sessions"):
        secured.relate(table, "user", {"foreign_key_constraint_on": "userId"}, kind="object")
        many = {"foreign_key_constraint_on": {"table": table, "column": "userId"}}
        secured.relate("users", table, many, kind="array")

    person = {
        "name": "Ann Ö'Hara",
        "email": "ann@example.com",
        "emailVerified": {"at": "2024-05-06T07:08:09.123Z"},
    }
    account = {
        "type": "oidc",
        "provider": "auth0",
        "providerAccountId": "auth0|1",
        "expires_at": 9007199254740991,
    }
    later = {"at": "2031-01-02T03:04:05.678Z"}
    answers = run_script(
        "auth_js.mjs",
        {
            "url": secured.url,
            "adminSecret": ADMIN_SECRET,
            "steps": [
                ("user", "createUser", person),
                ("twice", "createUser", person),
                ("by_id", "getUser", "$user.id"),
                ("by_email", "getUserByEmail", "ann@example.com"),
                ("account", "linkAccount", {**account, "userId": "$user.id"}),
                ("by_account", "getUserByAccount", account),
                ("by_other", "getUserByAccount", {**account, "provider": "other"}),
                ("session", "createSession", {"sessionToken": "t'1", "userId": "$user.id", "expires": later}),
                (
                    "renewed",
                    "updateSession",
                    {"sessionToken": "t'1", "expires": {"at": "2032-01-01T00:00:00Z"}},
                ),
                ("both", "getSessionAndUser", "t'1"),
                ("nobody", "getSessionAndUser", "t'2"),
                (
                    "updated",
                    "updateUser",
                    {"id": "$user.id", "name": None, "image": "https://example.com/ann.png"},
                ),
                (
                    "token",
                    "createVerificationToken",
                    {"token": "v", "identifier": "ann@example.com", "expires": later},
                ),
                ("used", "useVerificationToken", {"token": "v", "identifier": "ann@example.com"}),
                ("used_again", "useVerificationToken", {"token": "v", "identifier": "ann@example.com"}),
                ("ended", "deleteSession", "t'1"),
                ("bad_id", "getUser", "not-a-uuid"),
            ],
        },
    )

    (row,) = secured.rows("SELECT * FROM users")
    assert answers["user"]["id"] == str(row["id"])
    assert answers["user"]["emailVerified"] == "2024-05-06T07:08:09.123Z"
    assert answers["by_id"] == answers["by_email"] == answers["by_account"] == answers["user"]
    assert (row["name"], row["image"]) == (None, "https://example.com/ann.png")
    assert answers["updated"]["name"] is None
    assert answers["twice"]["error"].startswith("Uniqueness violation.")
    assert answers["account"]["expires_at"] == 9007199254740991
    assert answers["session"]["expires"] == later["at"]
    assert (
        answers["renewed"]["expires"] == answers["both"]["session"]["expires"] == "2032-01-01T00:00:00.000Z"
    )
    assert answers["both"]["user"] == answers["user"]
    assert answers["used"]["identifier"] == "ann@example.com"
    assert answers["ended"]["sessionToken"] == "t'1"
    assert (answers["by_other"], answers["nobody"], answers["used_again"]) == (None, None, None)
    assert "invalid input syntax for type uuid" in answers["bad_id"]["error"]
    (kept,) = secured.rows('SELECT "userId", expires_at FROM accounts')
    assert kept == {"userId": row["id"], "expires_at": 9007199254740991}
    assert secured.rows("SELECT FROM sessions") == secured.rows("SELECT FROM verification_tokens") == []
