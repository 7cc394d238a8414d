"""frontdesk: the service, the tools and the glue between Auth0 and Hasura."""
