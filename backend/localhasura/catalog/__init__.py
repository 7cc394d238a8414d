"""What PostgreSQL's own catalog says: tables, columns, types, keys. Uses nothing else of the engine."""

from localhasura.catalog.model import (
    Catalog,
    CatalogTable,
    Column,
    ForeignKey,
    PgType,
    TableName,
    UniqueKey,
)
from localhasura.catalog.reader import read_catalog

__all__ = [
    "Catalog",
    "CatalogTable",
    "Column",
    "ForeignKey",
    "PgType",
    "TableName",
    "UniqueKey",
    "read_catalog",
]
