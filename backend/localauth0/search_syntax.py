"""The query language: text to a tree that says of a profile whether it is meant.

`field:value`, `field:"text"`, `field:(a OR b)`, `field:[a TO b]`, `field:{a TO b}`, `field:>=a`, `field:jo*`,
`_exists_:field`, `NOT`, `-`, `!`, `AND`, `&&`, `OR`, `||` and parentheses. AND binds closer than OR.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from localauth0.errors import LocalAuth0Error, NotImplementedHere
from localauth0.search_values import (
    DATES,
    Scalar,
    has_value,
    ignores_case,
    is_searchable,
    number_of,
    scalars,
    span_of_date,
    text_of,
)
from localauth0.user_store import BEGINNING_MS, END_MS, moment_ms

_MIN_SUFFIX = 3  # characters behind a leading wildcard
_MAX_DEPTH = 50
_OWN_METADATA = "user_metadata"


class SearchFault(LocalAuth0Error):
    """A query that cannot be understood; the text says what is wrong with it."""


class Node(Protocol):
    """A part of a query."""

    def matches(self, profile: Mapping[str, Any]) -> bool: ...


@dataclass(frozen=True)
class Everybody:
    def matches(self, profile: Mapping[str, Any]) -> bool:
        return True


@dataclass(frozen=True)
class Not:
    node: Node

    def matches(self, profile: Mapping[str, Any]) -> bool:
        return not self.node.matches(profile)


@dataclass(frozen=True)
class And:
    nodes: tuple[Node, ...]

    def matches(self, profile: Mapping[str, Any]) -> bool:
        return all(node.matches(profile) for node in self.nodes)


@dataclass(frozen=True)
class Or:
    nodes: tuple[Node, ...]

    def matches(self, profile: Mapping[str, Any]) -> bool:
        return any(node.matches(profile) for node in self.nodes)


@dataclass(frozen=True)
class Exists:
    field: str

    def matches(self, profile: Mapping[str, Any]) -> bool:
        return has_value(profile, self.field)


@dataclass(frozen=True)
class Value:
    """One of the field's values is the one that was asked for."""

    field: str
    fits: Callable[[Scalar], bool]

    def matches(self, profile: Mapping[str, Any]) -> bool:
        return any(self.fits(value) for value in scalars(profile, self.field))


@dataclass(frozen=True)
class Dates:
    """A time of the field is at or after `low_ms` and before `high_ms`."""

    field: str
    low_ms: int
    high_ms: int

    def matches(self, profile: Mapping[str, Any]) -> bool:
        moments = (moment_ms(str(value)) for value in scalars(profile, self.field))
        return any(moment is not None and self.low_ms <= moment < self.high_ms for moment in moments)


def window_of(node: Node, field: str) -> tuple[int, int, bool]:
    """The times of the field between which all are who are meant, and whether all who are between them are meant."""
    if isinstance(node, Everybody):
        return BEGINNING_MS, END_MS, True
    if isinstance(node, Dates) and node.field == field:
        return node.low_ms, max(node.low_ms, node.high_ms), True
    if not isinstance(node, And):
        return BEGINNING_MS, END_MS, False
    windows = [window_of(one, field) for one in node.nodes]
    low, high = max(window[0] for window in windows), min(window[1] for window in windows)
    return low, max(low, high), all(window[2] for window in windows)


def parse(query: str) -> Node:
    """The tree of a query. Raises SearchFault, and NotImplementedHere for what localauth0 does not know."""
    parser = _Parser(list(_tokens(query)))
    node = parser.any_of(None, 0)
    parser.expect_end()
    return node


@dataclass(frozen=True)
class _Token:
    """`kind` is `field`, `text` (quoted), `word`, `range`, `compare`, `and`, `or`, `not`, `(`, `)`."""

    kind: str
    text: str
    is_glued: bool = False  # nothing stands between it and the token before


_TOKEN = re.compile(
    r"""(?P<space>\s+)
    | (?P<and>(?:AND(?=[\s()]|\Z))|&&) | (?P<or>(?:OR(?=[\s()]|\Z))|\|\|) | (?P<not>(?:NOT(?=[\s()]|\Z))|!|-(?=[\w(\\]))
    | (?P<open>\() | (?P<close>\))
    | (?P<range>[\[{][^\]}]*[\]}])
    | (?P<text>"(?:[^"\\]|\\.)*")
    | (?P<field>(?:[^\s:()\[\]{}"\\<>=]|\\.)+:)
    | (?P<compare>(?:>=|<=|>|<)(?:"(?:[^"\\]|\\.)*"|(?:[^\s:()\[\]{}"\\]|\\.)+))
    | (?P<word>(?:[^\s:()\[\]{}"\\]|\\.)+)""",
    re.VERBOSE | re.DOTALL,
)
_KINDS = {"open": "(", "close": ")"}


def _tokens(query: str) -> Iterator[_Token]:
    place, was_glued, after_field = 0, False, False
    while place < len(query):
        found = _TOKEN.match(query, place)
        if found is not None and after_field and found.lastgroup in ("not", "field"):
            found = _VALUE.match(query, place)  # behind a field, a minus or an exclamation mark is text
        if found is None or found.lastgroup is None:
            raise SearchFault(f"{query[place : place + 20]!r} at character {place + 1} cannot be read")
        place = found.end()
        if found.lastgroup == "space":
            was_glued = after_field = False
            continue
        yield _Token(_KINDS.get(found.lastgroup, found.lastgroup), found[0], was_glued)
        was_glued, after_field = True, found.lastgroup == "field"


_VALUE = re.compile(r"(?P<word>(?:[^\s:()\[\]{}\"\\]|\\.)+)", re.DOTALL)


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens, self._place = tokens, 0

    def any_of(self, field: str | None, depth: int) -> Node:
        """Parts with OR between them. In parentheses behind a field, `field` is what the values are of."""
        if depth > _MAX_DEPTH:
            raise SearchFault("the query has too many parentheses in each other")
        nodes = [self._all_of(field, depth)]
        while self._take("or") is not None:
            nodes.append(self._all_of(field, depth))
        return nodes[0] if len(nodes) == 1 else Or(tuple(nodes))

    def expect_end(self) -> None:
        if (token := self._next()) is None:
            return
        if token.kind == ")":
            raise SearchFault("a closing parenthesis has no opening one")
        if token.is_glued and token.kind in ("word", "field"):
            raise SearchFault(f"{token.text!r}: a colon in a value has to be in quotes or behind a backslash")
        raise NotImplementedHere("two terms of a search without AND or OR between them")

    def _all_of(self, field: str | None, depth: int) -> Node:
        nodes = [self._one(field, depth)]
        while self._take("and") is not None:
            nodes.append(self._one(field, depth))
        return nodes[0] if len(nodes) == 1 else And(tuple(nodes))

    def _one(self, field: str | None, depth: int) -> Node:
        if depth > _MAX_DEPTH:
            raise SearchFault("the query has too many parentheses in each other")
        if self._take("not") is not None:
            return Not(self._one(field, depth + 1))
        if self._take("(") is not None:
            return self._group(field, depth + 1)
        if field is not None:
            return self._value(field, depth)
        if (named := self._take("field")) is None:
            self._refuse_term()
            raise SearchFault("a term is missing")
        return self._value(_field(named.text), depth)

    def _group(self, field: str | None, depth: int) -> Node:
        node = self.any_of(field, depth)
        if self._take(")") is None:
            if self._next() is None:
                raise SearchFault("a parenthesis is not closed")
            self.expect_end()
        return node

    def _value(self, field: str, depth: int) -> Node:
        token = self._next()
        if token is None or token.kind in ("and", "or", "not", ")", "field"):
            raise SearchFault(f"{field}: the value is missing")
        self._place += 1
        if token.kind == "(":
            return self._group(field, depth + 1)
        if field == "_exists_":
            return Exists(_known(_plain(token)))
        if token.kind == "range":
            return _range(field, token.text)
        if token.kind == "compare":
            return _comparison(field, token.text)
        return _term(field, token)

    def _refuse_term(self) -> None:
        token = self._next()
        if token is not None and token.kind in ("word", "text"):
            raise NotImplementedHere("search terms without a field")

    def _next(self) -> _Token | None:
        return self._tokens[self._place] if self._place < len(self._tokens) else None

    def _take(self, kind: str) -> _Token | None:
        token = self._next()
        if token is None or token.kind != kind:
            return None
        self._place += 1
        return token


def _field(text: str) -> str:
    name = _unescaped(text.removesuffix(":"))
    return name if name == "_exists_" else _known(name)


def _known(name: str) -> str:
    if name.startswith("+"):
        raise NotImplementedHere("the operator + of a search")
    if not is_searchable(name):
        raise SearchFault(f"{name!r} cannot be searched for")
    return name


def _plain(token: _Token) -> str:
    text = token.text[1:-1] if token.kind == "text" else token.text
    return _unescaped(text)


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def _term(field: str, token: _Token) -> Node:
    if token.kind == "word":
        if re.search(r"(?<!\\)[~^]", token.text) or token.text.startswith("/"):
            raise NotImplementedHere("fuzzy terms, boosts and regular expressions of a search")
        if re.search(r"(?<!\\)[*?]", token.text):
            return _wildcard(field, token.text)
    wanted = _plain(token)
    if field in DATES:
        low, high = _date(field, wanted)
        return Dates(field, low, high + 1)
    if ignores_case(field):
        return Value(field, lambda value: text_of(value).casefold() == wanted.casefold())
    return Value(field, lambda value: _is_same(value, wanted))


def _is_same(value: Scalar, wanted: str) -> bool:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number_of(wanted) == value or str(value) == wanted
    return text_of(value) == wanted


def _wildcard(field: str, text: str) -> Node:
    if text == "*":
        return Exists(field)
    if field.startswith(_OWN_METADATA):
        raise SearchFault(f"{field}: user_metadata knows no wildcards")
    if text.startswith(("*", "?")) and len(text.strip("*?")) < _MIN_SUFFIX:
        raise SearchFault(f"{text!r}: behind a leading wildcard at least {_MIN_SUFFIX} characters are needed")
    parts = re.findall(r"\\.|.", text, flags=re.DOTALL)
    pattern = "".join({"*": ".*", "?": "."}.get(part, re.escape(_unescaped(part))) for part in parts)
    fits = re.compile(pattern, re.DOTALL | (re.IGNORECASE if ignores_case(field) else 0))
    return Value(field, lambda value: fits.fullmatch(text_of(value)) is not None)


def _range(field: str, text: str) -> Node:
    found = re.fullmatch(r'[\[{]\s*("(?:[^"\\]|\\.)*"|\S+)\s+TO\s+("(?:[^"\\]|\\.)*"|\S+)\s*[\]}]', text)
    if found is None:
        raise SearchFault(f"{text!r}: a range is [a TO b], with braces where an end does not belong to it")
    low, high = (_bound(found[1]), _bound(found[2]))
    return _between(field, low, high, with_low=text[0] == "[", with_high=text[-1] == "]")


def _comparison(field: str, text: str) -> Node:
    found = re.match(r"[<>]=?", text)
    operator = found[0] if found is not None else ""
    bound, has_equal = _bound(text[len(operator) :]), operator.endswith("=")
    if operator.startswith(">"):
        return _between(field, bound, None, with_low=has_equal, with_high=True)
    return _between(field, None, bound, with_low=True, with_high=has_equal)


def _bound(text: str) -> str | None:
    """An end of a range; None where it is open."""
    if text == "*":
        return None
    return _unescaped(text[1:-1] if text.startswith('"') else text)


def _between(field: str, low: str | None, high: str | None, *, with_low: bool, with_high: bool) -> Node:
    if field.startswith(_OWN_METADATA):
        raise SearchFault(f"{field}: user_metadata knows no ranges")
    if field in DATES:
        low_ms = _date(field, low)[0 if with_low else 1] + (not with_low) if low is not None else BEGINNING_MS
        high_ms = _date(field, high)[1 if with_high else 0] + with_high if high is not None else END_MS
        return Dates(field, low_ms, high_ms)
    return Value(field, _limits(field, low, high, with_low=with_low, with_high=with_high))


def _limits(
    field: str, low: str | None, high: str | None, *, with_low: bool, with_high: bool
) -> Callable[[Scalar], bool]:
    def fits(value: Scalar) -> bool:
        at_low = _compared(value, low, field) if low is not None else 1
        at_high = _compared(value, high, field) if high is not None else -1
        if at_low is None or at_high is None:
            return False
        return (at_low > 0 or (with_low and at_low == 0)) and (at_high < 0 or (with_high and at_high == 0))

    return fits


def _compared(value: Scalar, bound: str, field: str) -> int | None:
    """Below zero, zero or above it, as the value is before, at or behind the bound; None when neither can be said."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        limit = number_of(bound)
        return None if limit is None else (value > limit) - (value < limit)
    text = text_of(value)
    if ignores_case(field):
        text, bound = text.casefold(), bound.casefold()
    return (text > bound) - (text < bound)


def _date(field: str, text: str) -> tuple[int, int]:
    span = span_of_date(text)
    if span is None:
        raise SearchFault(f"{field}: {text!r} is no date")
    return span
