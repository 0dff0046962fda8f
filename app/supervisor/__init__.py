"""Child processes: started in order, watched, restarted, stopped in reverse, and never left behind.

`Supervisor` is the public face; `exit_on_signals` turns SIGINT, SIGTERM and SIGHUP into an orderly end. The embedded
servers (`app.infra.embedded`) and the product's own processes (web, workers, reconciler) use the same code.
"""

from app.supervisor.child import Child, ChildSpec, StartupError
from app.supervisor.leftovers import reap_leftovers
from app.supervisor.signals import exit_on_signals
from app.supervisor.supervisor import Supervisor

__all__ = ["Child", "ChildSpec", "StartupError", "Supervisor", "exit_on_signals", "reap_leftovers"]
