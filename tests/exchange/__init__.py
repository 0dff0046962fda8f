"""Datasets in and out: archives, reports, fitting."""
