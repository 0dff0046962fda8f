"""ASGI wrappers around the dashboard, and how its process is started. Nothing here knows the product's rules."""
