"""localhasura: a Hasura-v2-compatible engine over PostgreSQL, for laptops and tests."""
