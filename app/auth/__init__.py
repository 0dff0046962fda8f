"""From a credential to an `Actor`: passwords, sessions, API tokens, edge keys. Knows no web framework."""
