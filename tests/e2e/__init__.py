"""The product as a user starts it: `demo` in a process of its own, with real servers, worker, reconciler and edges."""
