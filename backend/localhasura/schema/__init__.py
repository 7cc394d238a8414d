"""The GraphQL schema of one role: input types that check values, object types, roots, introspection."""
