"""The signed distribution of model versions: a TUF 1.0 repository whose `targets` role belongs to people.

Everything here is a rule over bytes and objects: no SQL, no HTTP, no clock (callers pass `now`). The one file that is
read or written is the server's own online key. `docs/trust.md` says who holds which key and what each can do.

    keys        Ed25519 pairs, public keys as TUF keys, people's encrypted key files
    online_key  the server's key for snapshot and timestamp
    repository  root metadata: making it, changing it, deciding whether a new one is accepted
    approvals   proposing the next targets, accepting a person's signature over them
    publishing  snapshot and timestamp at release, and keeping them fresh
    verify      the client's checks over the whole repository
    signer      what happens on the person's machine: saying what is signed, then signing it
"""
