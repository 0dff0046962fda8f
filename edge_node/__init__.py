"""The edge server of Trainyard: pulls approved models, proves them on its own hardware, answers inference locally.

Rules: it never trains; it imports nothing of the cloud's code, no torch, no reflex, no sqlmodel; it serves with the
cloud gone; and it loads nothing that an approver's signature does not vouch for.
"""

__version__ = "0.1.0"
