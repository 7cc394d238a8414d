"""frontdesk's own state in PostgreSQL: where imports stand, what is set aside, who did what, and jobs."""
