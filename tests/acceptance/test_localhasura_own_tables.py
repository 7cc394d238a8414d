"""A developer points localhasura at tables of their own: a blog, from an empty database to three roles at work."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import requests
from jose import jwt

from tests.acceptance.conftest import START_LIMIT_S, STOP_LIMIT_S, wait_for

ADMIN_SECRET = "the-blog-admin-secret"
JWT_KEY = "the-blog-signs-its-tokens-with-these-bytes"
SCHEMA = """
CREATE TABLE status (value text PRIMARY KEY, comment text);
INSERT INTO status VALUES ('draft', 'nobody but its author sees it'), ('published', 'everybody sees it');
CREATE TABLE authors (id text PRIMARY KEY, name text NOT NULL, email text NOT NULL UNIQUE);
CREATE TABLE articles (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  author_id text NOT NULL REFERENCES authors (id),
  title text NOT NULL CHECK (title <> ''),
  body text NOT NULL DEFAULT '',
  words integer GENERATED ALWAYS AS (cardinality(regexp_split_to_array(body, '\\s+'))) STORED,
  status text NOT NULL DEFAULT 'draft' REFERENCES status (value),
  published_at timestamptz
);
CREATE TABLE tags (name text PRIMARY KEY);
CREATE TABLE article_tags (
  article_id integer REFERENCES articles (id) ON DELETE CASCADE,
  tag text REFERENCES tags (name),
  PRIMARY KEY (article_id, tag)
);
CREATE VIEW author_stats AS
  SELECT author_id, count(*) AS articles, sum(words) AS words
  FROM articles WHERE status = 'published' GROUP BY author_id;
INSERT INTO authors VALUES ('ann', 'Ann', 'ann@example.com'), ('bob', 'Bob', 'bob@example.com');
"""
OWN = {"author_id": {"_eq": "X-Hasura-User-Id"}}
PUBLISHED = {"status": {"_eq": "published"}}


def table(name: str, **more: Any) -> dict[str, Any]:
    return {"table": {"schema": "public", "name": name}, **more}


def relationship(kind: str, of: str, name: str, using: Any) -> dict[str, Any]:
    return {"type": f"pg_create_{kind}_relationship", "args": {"table": of, "name": name, "using": using}}


def permission(kind: str, role: str, of: str, **rule: Any) -> dict[str, Any]:
    return {"type": f"pg_create_{kind}_permission", "args": {"table": of, "role": role, "permission": rule}}


def many(of: str, column: str) -> dict[str, Any]:
    return {"foreign_key_constraint_on": {"table": of, "column": column}}


METADATA: list[dict[str, Any]] = [
    {"type": "pg_track_table", "args": table("status")},
    {"type": "pg_set_table_is_enum", "args": table("status", is_enum=True)},
    *(
        {"type": "pg_track_table", "args": table(name)}
        for name in ("authors", "articles", "tags", "article_tags", "author_stats")
    ),
    relationship("object", "articles", "author", {"foreign_key_constraint_on": "author_id"}),
    relationship("array", "authors", "articles", many("articles", "author_id")),
    relationship("array", "articles", "article_tags", many("article_tags", "article_id")),
    relationship("array", "tags", "article_tags", many("article_tags", "tag")),
    relationship("object", "article_tags", "article", {"foreign_key_constraint_on": "article_id"}),
    relationship(
        "object",
        "authors",
        "stats",
        {"manual_configuration": {"remote_table": "author_stats", "column_mapping": {"id": "author_id"}}},
    ),
    permission(
        "select", "anonymous", "articles", columns=["id", "title", "body"], filter=PUBLISHED, limit=10
    ),
    permission(
        "select", "writer", "articles", columns="*", filter={"_or": [OWN, PUBLISHED]}, allow_aggregations=True
    ),
    permission("select", "writer", "authors", columns=["id", "name"], filter={}),
    permission(
        "select", "writer", "article_tags", columns="*", filter={"article": {"_or": [OWN, PUBLISHED]}}
    ),
    permission("select", "writer", "author_stats", columns="*", filter={}),
    permission(
        "insert",
        "writer",
        "articles",
        columns=["title", "body"],
        check=OWN,
        set={"author_id": "x-hasura-user-id"},
    ),
    permission("insert", "writer", "article_tags", columns="*", check={"article": OWN}),
    permission(
        "update", "writer", "articles", columns=["title", "body"], filter={**OWN, "status": {"_eq": "draft"}}
    ),
    permission("delete", "writer", "articles", filter=OWN),
    permission("select", "editor", "articles", columns="*", filter={}),
    permission("update", "editor", "articles", columns=["status", "published_at"], filter={}, check={}),
]


@dataclass
class Blog:
    """A running localhasura, reached as its developer reaches it."""

    process: subprocess.Popen[bytes]
    url: str
    database_url: str
    ready_after_s: float

    def admin(self, path: str, body: Any) -> Any:
        """Return the answer to an administrator's command that succeeds."""
        headers = {"X-Hasura-Admin-Secret": ADMIN_SECRET}
        response = requests.post(self.url + path, json=body, headers=headers, timeout=30)
        assert response.status_code == 200, response.text
        return response.json()

    def ask(self, query: str, *, role: str | None = None, user: str = "ann", **variables: Any) -> Any:
        """Return the whole answer to GraphQL; a role comes with a signed token, nobody without one."""
        headers = {} if role is None else {"Authorization": f"Bearer {token(role, user)}"}
        body = {"query": query, "variables": variables}
        return requests.post(f"{self.url}/v1/graphql", json=body, headers=headers, timeout=30).json()

    def data(self, query: str, **more: Any) -> Any:
        """Return the `data` of an answer without errors."""
        answer = self.ask(query, **more)
        assert "errors" not in answer, answer
        return answer["data"]


def token(role: str, user: str, *, key: str = JWT_KEY, lifetime_s: int = 300) -> str:
    """Return a token as the blog's own login service would sign it."""
    claims = {"x-hasura-allowed-roles": [role], "x-hasura-default-role": role, "x-hasura-user-id": user}
    return jwt.encode(
        {"sub": user, "exp": int(time.time()) + lifetime_s, "https://hasura.io/jwt/claims": claims},
        key,
        "HS256",
    )


@pytest.fixture
def process(database_url: str, tmp_path: Path) -> Iterator[Blog]:
    """`python -m localhasura` on an empty database."""
    output, started_at = tmp_path / "localhasura.out", time.monotonic()
    options = ["--port", "0", "--database-url", database_url, "--admin-secret", ADMIN_SECRET]
    options += [
        "--jwt-secret",
        json.dumps({"type": "HS256", "key": JWT_KEY}),
        "--unauthorized-role",
        "anonymous",
    ]
    with output.open("wb") as file:
        running = subprocess.Popen(
            [sys.executable, "-m", "localhasura", *options],
            stdout=file,
            stderr=subprocess.STDOUT,
            env={name: value for name, value in os.environ.items() if not name.startswith("HASURA_")},
        )
    try:
        wait_for(lambda: "is ready on" in output.read_text() or running.poll() is not None, START_LIMIT_S)
        ready_after_s = time.monotonic() - started_at
        announced = re.search(r"is ready on (\S+)", output.read_text())
        assert announced is not None, output.read_text()
        print(f"localhasura was ready after {ready_after_s:.2f} s")
        yield Blog(running, announced[1], database_url, ready_after_s)
    finally:
        with contextlib.suppress(ProcessLookupError):
            running.kill()
        running.wait(STOP_LIMIT_S)


@pytest.fixture
def blog(process: Blog) -> Blog:
    """The same, with the blog's tables, relationships and permissions."""
    process.admin("/v2/query", {"type": "run_sql", "args": {"sql": SCHEMA}})
    assert process.admin("/v1/metadata", {"type": "bulk", "args": METADATA}) == [
        {"message": "success"}
    ] * len(METADATA)
    return process


WRITE = """mutation ($title: String!, $body: String! = "", $tags: [article_tags_insert_input!]! = []) {
  insert_articles_one(object: {title: $title, body: $body, article_tags: {data: $tags}}) {
    id author_id status words article_tags(order_by: {tag: asc}) {tag}}}"""
PUBLISH = """mutation ($id: Int!, $at: timestamptz!) {
  update_articles_by_pk(pk_columns: {id: $id}, _set: {status: published, published_at: $at}) {
    id status published_at}}"""
READ = "{articles(order_by: {id: asc}) {title}}"


def test_a_blog_works_from_the_first_draft_to_the_reader(blog: Blog) -> None:
    blog.admin(
        "/v1/graphql",
        {"query": 'mutation {insert_tags(objects: [{name: "sql"}, {name: "web"}]) {affected_rows}}'},
    )

    written = blog.data(
        WRITE, role="writer", title="First", body="three short words", tags=[{"tag": "web"}, {"tag": "sql"}]
    )
    article = written["insert_articles_one"]
    assert article == {
        "id": 1,
        "author_id": "ann",
        "status": "draft",
        "words": 3,
        "article_tags": [{"tag": "sql"}, {"tag": "web"}],
    }
    blog.data(WRITE, role="writer", user="bob", title="Bob's", body="draft")
    assert blog.data(READ) == {"articles": []}
    assert blog.data(READ, role="writer") == {"articles": [{"title": "First"}]}
    assert blog.data(READ, role="editor") == {"articles": [{"title": "First"}, {"title": "Bob's"}]}

    published = blog.data(PUBLISH, role="editor", user="eve", id=1, at="2024-05-06T07:08:09Z")
    assert published["update_articles_by_pk"] == {
        "id": 1,
        "status": "published",
        "published_at": "2024-05-06T07:08:09+00:00",
    }

    assert blog.data(READ) == {"articles": [{"title": "First"}]}
    assert blog.data(
        """query ($tag: String!) {
             articles(where: {article_tags: {tag: {_eq: $tag}}, status: {_eq: published}}) {
               title author {name stats {articles words}}}
             articles_aggregate {aggregate {count max {words}}}}""",
        role="writer",
        user="bob",
        tag="sql",
    ) == {
        "articles": [{"title": "First", "author": {"name": "Ann", "stats": {"articles": 1, "words": 3}}}],
        "articles_aggregate": {"aggregate": {"count": 2, "max": {"words": 3}}},
    }


def test_a_role_changes_its_own_rows_only(blog: Blog) -> None:
    for user in ("ann", "bob"):
        blog.data(WRITE, role="writer", user=user, title=f"By {user}", body="x")
    change = (
        'mutation {update_articles(where: {}, _set: {body: "changed"}) {affected_rows returning {author_id}}}'
    )
    remove = "mutation ($id: Int!) {delete_articles_by_pk(id: $id) {id}}"

    changed = blog.data(change, role="writer")
    foreign = blog.data(remove, role="writer", user="bob", id=1)

    assert changed["update_articles"] == {"affected_rows": 1, "returning": [{"author_id": "ann"}]}
    assert foreign == {"delete_articles_by_pk": None}
    with psycopg.connect(blog.database_url) as database:
        rows = database.execute("SELECT author_id, body FROM articles ORDER BY id").fetchall()
    assert rows == [("ann", "changed"), ("bob", "x")]


MISTAKES: dict[str, tuple[str, str | None, str, str, str]] = {
    "a field misspelt": (
        "{articles {titel}}",
        "writer",
        "validation-failed",
        "$.selectionSet.articles.selectionSet.titel",
        "field 'titel' not found in type: 'articles'",
    ),
    "a table that the role may not read": (
        "{authors {name}}",
        None,
        "validation-failed",
        "$.selectionSet.authors",
        "field 'authors' not found in type: 'query_root'",
    ),
    "a column that the role may not write": (
        'mutation {insert_articles_one(object: {title: "x", status: published}) {id}}',
        "writer",
        "validation-failed",
        "$.selectionSet.insert_articles_one.args.object.status",
        "field 'status' not found in type: 'articles_insert_input'",
    ),
    "a value that a constraint refuses": (
        'mutation {insert_articles_one(object: {title: ""}) {id}}',
        "writer",
        "permission-error",
        "$.selectionSet.insert_articles_one.args.object",
        (
            'Check constraint violation. new row for relation "articles" violates check constraint '
            '"articles_title_check"'
        ),
    ),
    "a tag that does not exist": (
        'mutation {insert_article_tags_one(object: {article_id: 1, tag: "none"}) {tag}}',
        "writer",
        "constraint-violation",
        "$.selectionSet.insert_article_tags_one.args.object",
        (
            'Foreign key violation. insert or update on table "article_tags" violates foreign key constraint '
            '"article_tags_tag_fkey"'
        ),
    ),
    "somebody else's article": (
        'mutation {insert_article_tags_one(object: {article_id: 2, tag: "sql"}) {tag}}',
        "writer",
        "permission-error",
        "$.selectionSet.insert_article_tags_one.args.object",
        "check constraint of an insert/update permission has failed",
    ),
    "a status that is not in the enum": (
        "mutation {update_articles_by_pk(pk_columns: {id: 1}, _set: {status: gone}) {id}}",
        "editor",
        "validation-failed",
        "$.selectionSet.update_articles_by_pk.args._set.status",
        "expected one of the values ['draft', 'published'] for type 'status_enum', but found 'gone'",
    ),
    "a brace forgotten": (
        "{articles",
        "writer",
        "validation-failed",
        "$.query",
        "not a valid graphql query",
    ),
}


def test_the_usual_mistakes_are_told_in_hasuras_words(blog: Blog) -> None:
    blog.admin("/v1/graphql", {"query": 'mutation {insert_tags(objects: [{name: "sql"}]) {affected_rows}}'})
    for user in ("ann", "bob"):
        blog.data(WRITE, role="writer", user=user, title="One")

    told = {}
    for name, (query, role, *_) in MISTAKES.items():
        (error,) = blog.ask(query, role=role)["errors"]
        told[name] = (error["extensions"]["code"], error["extensions"]["path"], error["message"])

    assert told == {name: tuple(expected) for name, (_, _, *expected) in MISTAKES.items()}


def test_a_wrong_token_opens_nothing(blog: Blog) -> None:
    answers = {}
    for name, sent in (
        ("forged", token("editor", "eve", key="somebody-else-signs-with-these-bytes-here")),
        ("expired", token("editor", "eve", lifetime_s=-1)),
        ("torn", token("editor", "eve")[:-8]),
    ):
        headers = {"Authorization": f"Bearer {sent}"}
        response = requests.post(f"{blog.url}/v1/graphql", json={"query": READ}, headers=headers, timeout=30)
        (error,) = response.json()["errors"]
        answers[name] = (error["extensions"]["code"], error["message"])

    assert answers["forged"] == ("invalid-jwt", "Could not verify JWT: JWSError JWSInvalidSignature")
    assert answers["expired"] == ("invalid-jwt", "Could not verify JWT: JWTExpired")
    assert answers["torn"][0] == "invalid-jwt"


def test_a_wrong_command_says_what_is_missing(blog: Blog) -> None:
    headers = {"X-Hasura-Admin-Secret": ADMIN_SECRET}
    refusals = [
        requests.post(f"{blog.url}/v1/metadata", json=command, headers=headers, timeout=30).json()
        for command in (
            {"type": "pg_track_table", "args": table("comments")},
            {"type": "pg_track_table", "args": table("articles")},
            permission("select", "writer", "tags", columns=["colour"], filter={}),
        )
    ]

    assert [refusal["code"] for refusal in refusals[:2]] == ["not-exists", "already-tracked"]
    assert [refusal["error"] for refusal in refusals[:2]] == [
        'no such table/view exists in source: "comments"',
        'view/table already tracked: "articles"',
    ]
    assert "colour" in json.dumps(refusals[2])


def test_sigterm_ends_it_with_nothing_left(blog: Blog) -> None:
    running = psutil.Process(blog.process.pid)
    children = running.children(recursive=True)
    blog.data(READ)

    blog.process.send_signal(signal.SIGTERM)

    assert blog.process.wait(STOP_LIMIT_S) == 0
    assert not [child for child in children if child.is_running()]
    with psycopg.connect(blog.database_url) as database:
        count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        wait_for(
            lambda: database.execute(count + " AND backend_type = 'client backend'").fetchone() == (0,),
            STOP_LIMIT_S,
        )
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{blog.url}/healthz", timeout=5)
