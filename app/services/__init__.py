"""Use cases: `fn(session, actor, request) -> view`. Line one is `require(actor, permission)`.

Services change rows, write the audit event of the change, and leave committing to the edge that called them.
"""
