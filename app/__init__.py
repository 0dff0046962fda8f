"""Trainyard: train in the cloud, approve by a person, run at the edge."""

__version__ = "0.1.0"
