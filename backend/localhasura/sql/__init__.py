"""From parsed requests to SQL text with bound parameters. Nothing of a request ever becomes SQL text."""
