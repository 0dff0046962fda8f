"""Requests and views: the only shapes that enter or leave services."""
