"""the use cases: check-in at login. It uses auth0, hasura and identity."""
