"""The import: everybody of a tenant into Hasura, with a count proof.

A pass has phases: roles and organizations are read into frontdesk's own database, users are written in batches, then
members; what is gone at Auth0 goes, and the numbers are compared. docs/architecture.md, "Everyone".
"""
