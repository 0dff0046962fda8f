"""Background work: what runs outside a request."""
