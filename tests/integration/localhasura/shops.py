"""The shop's tables as the tests know them, beside what the engine says of them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from tests.integration.localhasura.client import Client

_FOLDER = Path(__file__).parent / "shop"


@dataclass(frozen=True)
class Table:
    """What the tests know of a table."""

    sql: str
    key: bool = True
    writable: bool = True
    generated: frozenset[str] = frozenset()
    """Columns that are never written."""
    composite: frozenset[str] = frozenset()
    """Columns that are rendered as objects, but taken as PostgreSQL's text."""
    renamed: dict[str, str | None] = field(default_factory=dict)
    """PostgreSQL's names and the schema's; None for what is left out."""


TABLES = {
    "customer": Table("customer"),
    "category": Table("category"),
    "product": Table(
        "product", generated=frozenset({"id", "search", "gross"}), composite=frozenset({"size"})
    ),
    "product_category": Table("product_category"),
    "logistics_warehouse": Table("logistics.warehouse"),
    "logistics_stock": Table("logistics.stock"),
    "logistics_movement": Table("logistics.movement"),
    "order_status": Table("order_status"),
    "order": Table('"order"'),
    "order_2024": Table("order_2024"),
    "OrderLine": Table('"OrderLine"', renamed={"Preis €": "preis", "1st": "first", "größe": None}),
    "payment": Table("payment"),
    "card_payment": Table("card_payment"),
    "price_list": Table('"price list"', renamed={"valid from": "valid_from", "a-b": None}),
    "Groessen": Table('"größen"'),
    "audit_log": Table("audit_log"),
    "keyless": Table("keyless", key=False),
    "vip_customer": Table("vip_customer", key=False),
    "customer_total": Table("customer_total", key=False, writable=False),
    "product_sales": Table("product_sales", key=False, writable=False),
}


def furnish(client: Client) -> None:
    """Make the shop's tables and rows, and serve them; every object of the metadata must be consistent."""
    client.sql((_FOLDER / "schema.sql").read_text())
    metadata = yaml.safe_load((_FOLDER / "metadata.yaml").read_text())
    client.metadata("replace_metadata", {"metadata": metadata}, version=2)


def rows_of(client: Client, base: str) -> list[dict[str, Any]]:
    """Return a table's rows as PostgreSQL renders them in JSON, by the schema's names."""
    table = TABLES[base]
    answer = client.sql(f"SELECT coalesce(json_agg(t), '[]')::text FROM {table.sql} AS t", read_only=True)
    rows = json.loads(answer["result"][1][0])
    return [
        {
            table.renamed.get(name, name) or "": value
            for name, value in row.items()
            if table.renamed.get(name, name)
        }
        for row in rows
    ]
