"""`trainyard keys`: what people do with their keys, on their own machine.

Private keys are made, kept and used here; the server is sent public keys and signatures only. Nothing is signed before
it was shown. No secret is ever an argument: passphrases are typed or read from TRAINYARD_PASSPHRASE_FILE, API tokens
from a file. Beside each key file lies `<key file>.trust.json`, the roots trusted here (app/distribution/pinning.py).
"""

from app.keys_cli.commands import app

__all__ = ["app"]
