"""what speaks to Hasura: the write, the JWT secret, deploy of migrations and metadata. It uses identity."""
