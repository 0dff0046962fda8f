"""Root metadata: who may approve, and which key the server uses. Held and signed by a person, never by the server.

A root is acceptable when
 * it is signed by enough of its own root keys, and by enough of the previous version's;
 * its version is one more than the previous one's (or 1), and it has not expired;
 * every key is Ed25519 under its true keyid, is used, and serves one purpose only: root, approval or online;
 * snapshot and timestamp belong to this server's online key, and one approver suffices for targets;
 * consistent snapshots are on and nothing unknown is in it.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from app.distribution import metadata
from app.distribution.keys import KeyPair, public_key_from_dict
from app.distribution.tuf_types import Key, Metadata, Role, Root, Snapshot, SSlibKey, Targets, Timestamp
from app.errors import Conflict, Invalid

MAX_KEYS = 64
_ONLINE_ROLES = (Snapshot.type, Timestamp.type)


def initial_root(
    root_keys: Sequence[Key],
    approver_keys: Sequence[Key],
    online_key: Key,
    now: datetime,
    expires: datetime,
    *,
    root_threshold: int = 1,
) -> bytes:
    """The canonical bytes of the first root, to be signed with `sign_root`. Raises Invalid."""
    roles = {
        Root.type: Role([key.keyid for key in root_keys], root_threshold),
        Targets.type: Role([key.keyid for key in approver_keys], 1),
        Snapshot.type: Role([online_key.keyid], 1),
        Timestamp.type: Role([online_key.keyid], 1),
    }
    keys = {key.keyid: key for key in (*root_keys, *approver_keys, online_key)}
    root = Root(version=1, expires=metadata.utc(expires), keys=keys, roles=roles)
    return _checked_bytes(root, now)


def next_root(
    current: bytes,
    now: datetime,
    expires: datetime,
    *,
    add_approvers: Sequence[Key] = (),
    remove_approvers: Collection[str] = (),
    online_key: Key | None = None,
) -> bytes:
    """The canonical bytes of the version after `current`, to be signed by the present root keys. Raises Invalid."""
    root = trusted_root(current).signed
    root.version += 1
    root.expires = metadata.utc(expires)
    for key in add_approvers:
        if key.keyid in root.roles[Targets.type].keyids:
            raise Conflict(f"The key {key.keyid[:12]} is already an approver's.")
        root.add_key(key, Targets.type)
    for keyid in remove_approvers:
        if keyid not in root.roles[Targets.type].keyids:
            raise Conflict(f"The key {keyid[:12]} is not an approver's.")
        root.revoke_key(keyid, Targets.type)
    if online_key is not None:
        _replace_online_key(root, online_key)
    return _checked_bytes(root, now)


def sign_root(unsigned: bytes, pairs: Sequence[KeyPair]) -> bytes:
    """The root metadata: `unsigned` with a signature of each of `pairs`."""
    return metadata.assemble(Root, unsigned, [(pair.keyid, pair.sign(unsigned)) for pair in pairs])


def trusted_root(data: bytes) -> Metadata[Root]:
    """A root that keeps the rules and is signed by its own keys; expiry and ancestry are not seen. Raises Invalid."""
    loaded = metadata.load(Root, data)
    _check_rules(loaded.signed)
    if not metadata.is_signed(loaded.signed, Root.type, loaded):
        raise Invalid("root.json is not signed by enough of its own root keys.", role=Root.type)
    return loaded


def verify_new_root(candidate: bytes, current: bytes | None, online_key: Key, *, now: datetime) -> Root:
    """The root in `candidate` if it may follow `current` (None: may be the first). Raises Invalid or Conflict."""
    loaded = trusted_root(candidate)
    root = loaded.signed
    if current is None and root.version != 1:
        raise Invalid(f"The first root must have version 1, not {root.version}.")
    if current is not None:
        _check_succession(loaded, trusted_root(current).signed)
    if root.is_expired(metadata.utc(now)):
        raise Invalid(f"This root expired on {root.expires:%Y-%m-%d %H:%M} UTC: sign one with a later date.")
    if root.roles[Timestamp.type].keyids != [online_key.keyid]:
        raise Invalid(
            f"This root names another online key than this server's ({online_key.keyid[:12]}): build it again with the "
            "key that GET /api/v1/training/trust shows."
        )
    return root


def approver_keyids(root: Root) -> tuple[str, ...]:
    """The keyids whose signature is an approval."""
    return tuple(root.roles[Targets.type].keyids)


def root_key_of(root: Root, keyid: str) -> SSlibKey:
    """The key that `root` describes under `keyid`. Raises Invalid."""
    if keyid not in root.keys:
        raise Invalid(f"The key {keyid[:12]!a} is not in root version {root.version}.")
    return public_key_from_dict(root.keys[keyid].to_dict())


def _check_succession(loaded: Metadata[Root], previous: Root) -> None:
    version, known = loaded.signed.version, previous.version
    if version <= known:
        raise Conflict(f"Root version {known} is already recorded: build and sign version {known + 1}.", version=known)
    if version != known + 1:
        raise Invalid(f"Root version {version} cannot follow version {known}: no version may be left out.")
    if not metadata.is_signed(previous, Root.type, loaded):
        raise Invalid(f"Root version {version} is not signed by enough root keys of version {known}.")


def _checked_bytes(root: Root, now: datetime) -> bytes:
    _check_rules(root)
    if root.is_expired(metadata.utc(now)):
        raise Invalid("The root would be expired from the start: give a date in the future.")
    return Metadata(root).signed_bytes


def _check_rules(root: Root) -> None:
    if root.consistent_snapshot is not True:
        raise Invalid("root.json must have consistent_snapshot switched on.")
    if root.unrecognized_fields or any(role.unrecognized_fields for role in root.roles.values()):
        raise Invalid("root.json has members that are not in the TUF specification.")
    _check_keys(root)
    for name, role in root.roles.items():
        if type(role.threshold) is not int or not 1 <= role.threshold <= len(role.keyids):
            raise Invalid(f"root.json asks for {role.threshold} of {len(role.keyids)} signatures for {name}.")
        if name != Root.type and role.threshold != 1:
            raise Invalid(f"root.json asks for {role.threshold} signatures for {name}; this product makes one.")
    _check_separation(root)


def _check_keys(root: Root) -> None:
    if len(root.keys) > MAX_KEYS:
        raise Invalid(f"root.json names more than {MAX_KEYS} keys.")
    for keyid, key in root.keys.items():
        if public_key_from_dict(key.to_dict(), what=f"The key {keyid[:12]!a} in root.json").keyid != keyid:
            raise Invalid(f"root.json names a key {keyid[:12]!a} that is not that key.")
    used = {keyid for role in root.roles.values() for keyid in role.keyids}
    if used != set(root.keys):
        raise Invalid("root.json must describe every key it uses, and no other.")


def _check_separation(root: Root) -> None:
    people, approvers = (set(root.roles[name].keyids) for name in (Root.type, Targets.type))
    online = [root.roles[name].keyids for name in _ONLINE_ROLES]
    if online[0] != online[1] or len(online[0]) != 1:
        raise Invalid("root.json must give snapshot and timestamp to one and the same online key.")
    if people & approvers or set(online[0]) & (people | approvers):
        raise Invalid("A key in root.json serves two purposes: root, approval and online keys must be different keys.")


def _replace_online_key(root: Root, online_key: Key) -> None:
    for name in _ONLINE_ROLES:
        for keyid in list(root.roles[name].keyids):
            if keyid != online_key.keyid:
                root.revoke_key(keyid, name)
        root.add_key(online_key, name)
