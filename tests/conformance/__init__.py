"""The conformance kit of Hasura-compatible engines, run against localhasura."""
