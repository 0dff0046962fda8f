"""The REST API: FastAPI, importable and runnable without the dashboard."""
