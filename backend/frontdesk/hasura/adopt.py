"""Writes the migration that turns somebody's table `users` into ours, with its rows and what depends on it.

It runs before our first migration and takes that one's place; nothing is applied here. A column that means the same
is renamed; every other column stays beside ours. A foreign key onto the former key leads to a unique constraint on the
same column, since the key is (tenant, user_id) now: with it a user id can be in one tenant only, as it was before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from frontdesk.errors import HasuraBlocked, UsageError
from frontdesk.hasura.existing_users import Column, ExistingTable, ForeignKey
from frontdesk.hasura.project import Migration

# Names under which an application keeps Auth0's id, the likeliest first.
KEY_NAMES = (
    "user_id",
    "userId",
    "auth0_id",
    "auth0Id",
    "auth0_user_id",
    "auth_id",
    "sub",
    "external_id",
    "id",
)
_CREATE = re.compile(r"^CREATE TABLE \S+ \(\n(?P<body>.*?)^\);$", re.DOTALL | re.MULTILINE)
_COMMENT = re.compile(r"^COMMENT ON .*?;$", re.MULTILINE)
_COLUMN = re.compile(
    r"^(?P<name>\w+) (?P<type>[a-z][a-z ]*?)(?P<not_null> NOT NULL)?(?: DEFAULT (?P<default>.+))?$"
)
# A foreign key as PostgreSQL tells it. Names are taken whole: they are other people's, and may hold any text.
_NAME = r'(?:\w+|"(?:[^"]|"")*")'
_FOREIGN_KEY = re.compile(
    rf"FOREIGN KEY \({_NAME}(?:, {_NAME})*\) REFERENCES {_NAME}(?:\.{_NAME})?\({_NAME}(?:, {_NAME})*\)(?P<rest>.*)",
    re.DOTALL,
)
# From what to what a column is changed in place, and by which expression.
_CONVERSIONS = {
    "text": (("character varying", ""), ("character(", ""), ("citext", "::text")),
    "timestamp with time zone": (
        ("timestamp without time zone", " AT TIME ZONE 'UTC'"),
        ("timestamp(", ""),
        ("date", ""),
    ),
    "jsonb": (("json", "::jsonb"),),
    "bigint": (("integer", ""), ("smallint", "")),
}


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """A column of ours, as `create_users` declares it."""

    name: str
    type: str
    not_null: bool
    default: str | None
    line: str


@dataclass(frozen=True, kw_only=True)
class Adoption:
    """A migration that was written, and what a reviewer should know of it."""

    directory: Path
    remarks: tuple[str, ...]


def key_column(table: ExistingTable, chosen: str | None) -> str:
    """Return the column that holds Auth0's user id. Raises UsageError when it cannot be told."""
    texts = {column.name for column in table.columns if column.is_text}
    if chosen is not None:
        if chosen not in texts:
            raise UsageError(f"--adopt-key: users has no column {chosen!r} of a text type")
        return chosen
    for name in KEY_NAMES:
        if name in texts:
            return name
    raise UsageError(
        "users has no column that looks like Auth0's user id: name the text column that holds it with --adopt-key, or "
        "use another schema for frontdesk's tables ([hasura] schema)"
    )


def write_adoption(table: ExistingTable, *, creates: Migration, key: str, tenant: str) -> Adoption:
    """Write the migration beside `creates`, which makes `users` from nothing. Raises HasuraBlocked, UsageError."""
    directory = creates.directory.parent / f"{creates.version - 1}_adopt_users"
    if directory.exists():
        raise UsageError(
            f"{directory} is there already: review it and run `frontdesk hasura apply`, or remove it first"
        )
    made = _Adopted(table, creates, key, tenant)
    up, down = made.up(), made.down()
    directory.mkdir(parents=True)
    (directory / "up.sql").write_text(up, encoding="utf-8")
    (directory / "down.sql").write_text(down, encoding="utf-8")
    return Adoption(directory=directory, remarks=tuple(made.remarks()))


class _Adopted:
    """The statements for one table."""

    def __init__(self, table: ExistingTable, creates: Migration, key: str, tenant: str) -> None:
        self._table, self._creates, self._key, self._tenant = table, creates, key, tenant
        body = _CREATE.search(creates.up)
        if body is None:
            raise UsageError(
                f"{creates.directory}: up.sql does not create the table in the way that frontdesk ships it"
            )
        lines = [line.strip().rstrip(",") for line in body["body"].splitlines() if line.strip()]
        lines = [line for line in lines if not line.startswith("--")]
        self._constraints = [line for line in lines if line.startswith("CONSTRAINT")]
        self._wanted = {wanted.name: wanted for wanted in map(_wanted, lines) if wanted is not None}
        self._users = f'"{creates.schema}".users' if creates.schema != "public" else "public.users"
        self._renames = _renames(table, self._wanted, key)
        self._refuse_what_cannot_be_ours()

    def up(self) -> str:
        """Return the migration's up.sql."""
        blocks = [
            self._head(),
            "\n".join(self._lets_go_of_the_key()),
            "\n".join(self._renamed()),
            "\n".join(self._changed_columns()),
            "\n".join(self._new_columns()),
            "\n".join(self._filled()),
            "\n".join(self._new_key()),
            "\n".join(_COMMENT.findall(self._creates.up)),
        ]
        return "\n\n".join(block for block in blocks if block) + "\n"

    def down(self) -> str:
        """Return a down.sql that refuses: rows of other tenants and dropped rules cannot be guessed back."""
        return (
            "-- What the table was before cannot be told from what it is now.\n"
            "DO $adopt$ BEGIN\n"
            "    RAISE EXCEPTION 'users was adopted with its rows: to undo that, restore a backup';\n"
            "END $adopt$;\n"
        )

    def remarks(self) -> Iterator[str]:
        """Give what the reviewer should know."""
        for old, new in self._renames.items():
            yield f"column {_quoted(old)} becomes {new}; GraphQL shows it under the name that frontdesk ships"
        for column in self._loosened():
            yield f"column {_quoted(column.name)} may be null from now on, since no login brings a value for it"
        if self._loosened():
            yield "a permission that says _neq of such a column lets rows without a value through"
        for key in self._moved_keys():
            yield f"foreign key {key.name} of {key.table} leads to a unique constraint from now on"
        if self._moved_keys() and self._former_key() == ("user_id",):
            yield "with that constraint a user id can be in one tenant only"
        for name in sorted(self._kept_columns() & self._wanted.keys() - {"tenant", "user_id"}):
            yield f"column {name} is written by frontdesk from now on, as Auth0 tells it"
        for trigger in self._table.triggers:
            yield f"trigger {trigger} stays and runs at every login: look whether it may change our columns"

    def _head(self) -> str:
        # A name may hold a line break, which would end the comment.
        told = "".join(f"--   {' '.join(remark.split())}\n" for remark in self.remarks())
        return (
            f"-- Turns the table users that was here into frontdesk's; rows, further columns and foreign keys stay.\n"
            f"-- frontdesk: takes the place of {self._creates.directory.name}\n"
            f"-- `frontdesk hasura apply` runs it, and lets permissions and relationships follow the renamed columns.\n"
            + (f"-- To review:\n{told}" if told else "")
            + "-- Safe while old code runs: no, SQL and GraphQL that use a renamed column have to change with it.\n"
            "SET LOCAL lock_timeout = '5s';\nSET LOCAL statement_timeout = '60s';"
        )

    def _lets_go_of_the_key(self) -> Iterator[str]:
        for key in self._moved_keys():
            yield f"ALTER TABLE {self._owner(key)} DROP CONSTRAINT {_quoted(key.name)};"
        if self._table.key is not None:
            yield f"ALTER TABLE {self._users} DROP CONSTRAINT {_quoted(self._table.key.name)};"

    def _renamed(self) -> Iterator[str]:
        for old, new in self._renames.items():
            yield f"ALTER TABLE {self._users} RENAME COLUMN {_quoted(old)} TO {new};"

    def _changed_columns(self) -> Iterator[str]:
        for column in self._table.columns:
            wanted = self._wanted.get(self._new_name(column.name))
            if wanted is not None:
                yield from self._changed(column, wanted)
        for column in self._loosened():
            yield f"ALTER TABLE {self._users} ALTER COLUMN {_quoted(column.name)} DROP NOT NULL;"

    def _changed(self, column: Column, wanted: _Wanted) -> Iterator[str]:
        alter = f"ALTER TABLE {self._users} ALTER COLUMN {wanted.name}"
        if column.has_default:
            yield f"{alter} DROP DEFAULT;"
        if column.type != wanted.type:
            expression = _conversion(column, wanted)
            using = f" USING {wanted.name}{expression}" if expression else ""
            yield f"{alter} TYPE {wanted.type}{using};"
        if wanted.default is not None:
            yield f"{alter} SET DEFAULT {wanted.default};"
        if column.not_null and not wanted.not_null:
            yield f"{alter} DROP NOT NULL;"

    def _new_columns(self) -> Iterator[str]:
        there = self._kept_columns()
        for name, wanted in self._wanted.items():
            if name == "tenant":
                tenant = self._tenant.replace("'", "''")
                yield f"ALTER TABLE {self._users} ADD COLUMN tenant text NOT NULL DEFAULT '{tenant}';"
                if wanted.default is not None and self._tenant != "default":
                    yield f"ALTER TABLE {self._users} ALTER COLUMN tenant SET DEFAULT {wanted.default};"
            elif name == "last_seen" and name not in there:
                # Rows that are here were not seen now, whatever the default for new ones says.
                yield f"ALTER TABLE {self._users} ADD COLUMN last_seen {wanted.type};"
                yield f"ALTER TABLE {self._users} ALTER COLUMN last_seen SET DEFAULT {wanted.default};"
            elif name not in there:
                yield f"ALTER TABLE {self._users} ADD COLUMN {wanted.line};"

    def _filled(self) -> Iterator[str]:
        for column in self._table.columns:
            wanted = self._wanted.get(self._new_name(column.name))
            if wanted is None or column.not_null or not wanted.not_null:
                continue
            value = self._unlinked() if wanted.name == "user_id" else wanted.default
            yield f"UPDATE {self._users} SET {wanted.name} = {value} WHERE {wanted.name} IS NULL;"  # noqa: S608 - a file
            yield f"ALTER TABLE {self._users} ALTER COLUMN {wanted.name} SET NOT NULL;"

    def _new_key(self) -> Iterator[str]:
        for constraint in self._constraints:
            yield f"ALTER TABLE {self._users} ADD {constraint};"
        moved = self._moved_keys()
        former = self._former_key()
        if not former or not (moved or former != ("user_id",)):
            return
        columns = ", ".join(map(_quoted, former))
        name = _quoted(f"users_{'_'.join(former)}_key")
        yield f"ALTER TABLE {self._users} ADD CONSTRAINT {name} UNIQUE ({columns});"
        for each in moved:
            own = ", ".join(_quoted(self._new_name(name) if each.own else name) for name in each.columns)
            rest = _FOREIGN_KEY.fullmatch(each.definition)
            yield (
                f"ALTER TABLE {self._owner(each)} ADD CONSTRAINT {_quoted(each.name)} FOREIGN KEY ({own})\n"
                f"    REFERENCES {self._users} ({columns}){rest['rest'] if rest else ''};"
            )

    def _unlinked(self) -> str:
        """Return an id for rows that no Auth0 user belongs to yet: the former key, which no Auth0 id looks like."""
        parts = " || '|' || ".join(f"{_quoted(name)}::text" for name in self._former_key())
        return f"'unlinked|' || {parts or 'gen_random_uuid()::text'}"

    def _former_key(self) -> tuple[str, ...]:
        """Return the columns of the former primary key, under their new names; none when there was no key."""
        return tuple(map(self._new_name, self._table.key.columns)) if self._table.key else ()

    def _owner(self, key: ForeignKey) -> str:
        return self._users if key.own else key.table

    def _moved_keys(self) -> list[ForeignKey]:
        return [key for key in self._table.foreign_keys if key.on_key]

    def _loosened(self) -> list[Column]:
        """Return what our writes would break: columns that must have a value and that nobody gives one."""
        return [
            column
            for column in self._table.columns
            if column.not_null and not column.has_default and self._new_name(column.name) not in self._wanted
        ]

    def _new_name(self, column: str) -> str:
        return self._renames.get(column, column)

    def _kept_columns(self) -> set[str]:
        return {self._new_name(column.name) for column in self._table.columns}

    def _refuse_what_cannot_be_ours(self) -> None:
        faults = ["column tenant is there and means something else"] if "tenant" in self._table.names else []
        for column in self._table.columns:
            wanted = self._wanted.get(self._new_name(column.name))
            if wanted is not None and column.type != wanted.type and _conversion(column, wanted) is None:
                faults.append(
                    f"column {column.name} is of type {column.type}, where ours needs {wanted.type}"
                )
        if faults:
            raise HasuraBlocked(
                f"users cannot be adopted: {'; '.join(faults)}. Rename what is in the way, or use another schema for "
                f"frontdesk's tables ([hasura] schema). Nothing was changed"
            )


def _wanted(line: str) -> _Wanted | None:
    match = None if line.startswith("CONSTRAINT") else _COLUMN.match(line)
    if match is None:
        return None
    return _Wanted(
        name=match["name"],
        type=match["type"],
        not_null=bool(match["not_null"]),
        default=match["default"],
        line=line,
    )


def _renames(table: ExistingTable, wanted: Mapping[str, _Wanted], key: str) -> dict[str, str]:
    renames = {key: "user_id"} if key != "user_id" else {}
    for column in table.columns:
        name = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", column.name).lower()
        taken = {*table.names, *renames.values()}
        if column.name not in renames and name != column.name and name in wanted and name not in taken:
            renames[column.name] = name
    return renames


def _conversion(column: Column, wanted: _Wanted) -> str | None:
    for start, expression in _CONVERSIONS.get(wanted.type, ()):
        if column.type.startswith(start):
            return expression
    return None


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
