"""PostgreSQL, Valkey and S3 without an installation: real servers as child processes, or external ones by address.

`Stack` starts them, `embedded_settings` finds those of a running instance, `servers` does whichever fits. Takes a data
folder and an environment, knows no settings of the product.
"""

from app.infra.embedded.runtime import embedded_settings
from app.infra.embedded.stack import Stack, servers

__all__ = ["Stack", "embedded_settings", "servers"]
