"""What the person's machine does: say in plain words what would be signed, then sign exactly that.

`describe` reads the payload as strictly as the server does, so nothing can be signed that was not shown. The present
list counts as known only if a key of `root` really signed it, or else what this person signed before; everything else
is shown as new, because nobody the person trusts has vouched for it. The caller decides which root it trusts.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from app.distribution import approvals, metadata, repository
from app.distribution.approvals import TargetEntry
from app.distribution.keys import KeyPair
from app.distribution.tuf_types import Root, Targets, Timestamp


@dataclass(frozen=True)
class Description:
    """The difference that a signature would make."""

    version: int
    expires: str
    previous_version: int | None
    added: tuple[TargetEntry, ...]
    changed: tuple[TargetEntry, ...]
    removed: tuple[TargetEntry, ...]
    kept: tuple[TargetEntry, ...]

    @property
    def text(self) -> str:
        """The description for a person, free of control characters."""
        follows = "the first one known here" if self.previous_version is None else f"after {self.previous_version}"
        lines = [f"List of approved model versions, version {self.version} ({follows}), valid until {self.expires}."]
        for title, sign, entries in (
            ("Newly approved", "+", self.added),
            ("CHANGED CONTENT under an approved version", "!", self.changed),
            ("No longer approved", "-", self.removed),
            ("Still approved", "=", self.kept),
        ):
            if entries:
                lines.append(f"{title} ({len(entries)}):")
                lines.extend(f"  {sign} {_line(entry)}" for entry in entries)
        if not (self.added or self.changed or self.removed):
            lines.append("Nothing is added or removed: this renews the signature.")
        return "\n".join(lines)


def describe(
    payload: bytes, current: bytes | None, *, root: Root | None = None, signed_before: bytes | None = None
) -> Description:
    """What signing `payload` would change against the `current` targets metadata. Raises Invalid.

    With `root`, `current` is believed only if an approver in it signed `current`; if it cannot be believed,
    `signed_before`, the payload this person signed last, takes its place.
    """
    signed = approvals.read_payload(payload)
    proposed = approvals.entries_of(metadata.load(Targets, metadata.assemble(Targets, payload, [])).signed)
    known, previous = _known(current, root, signed_before)
    return Description(
        version=signed["version"],
        expires=signed["expires"],
        previous_version=previous,
        added=tuple(entry for path, entry in proposed.items() if path not in known),
        changed=tuple(entry for path, entry in proposed.items() if path in known and known[path] != entry),
        removed=tuple(entry for path, entry in known.items() if path not in proposed),
        kept=tuple(entry for path, entry in proposed.items() if known.get(path) == entry),
    )


def sign_payload(payload: bytes, private_key: KeyPair) -> tuple[str, str]:
    """(keyid, hexadecimal signature) of an approver over a list of targets, and over nothing else. Raises Invalid."""
    approvals.read_payload(payload)
    return private_key.keyid, private_key.sign(payload)


def describe_root(unsigned: bytes, current: Root | None, emails: Mapping[str, str]) -> str:
    """What signing this root would decide, in lines for a person; `emails` tells whose keys they are."""
    root = metadata.load(Root, metadata.assemble(Root, unsigned, [])).signed
    before = set(repository.approver_keyids(current)) if current else set()
    after = repository.approver_keyids(root)
    lines = [f"Root version {root.version}, valid until {root.expires:%Y-%m-%d}."]
    lines += [f"  root key    {keyid}" for keyid in root.roles[Root.type].keyids]
    for keyid in after:
        mark = "=" if keyid in before else "+"
        lines.append(visible(f"{mark} approver    {keyid} {emails.get(keyid, '')}"))
    lines += [visible(f"- approver    {keyid} {emails.get(keyid, '')}") for keyid in sorted(before - set(after))]
    lines += [f"  online key  {keyid}" for keyid in root.roles[Timestamp.type].keyids]
    return "\n".join(line.rstrip() for line in lines)


def _known(
    current: bytes | None, root: Root | None, signed_before: bytes | None
) -> tuple[dict[str, TargetEntry], int | None]:
    for data in (current, metadata.assemble(Targets, signed_before, []) if signed_before is not None else None):
        if data is None:
            continue
        loaded = metadata.load(Targets, data)
        if root is None or data is not current or metadata.is_signed(root, Targets.type, loaded):
            return approvals.entries_of(loaded.signed), loaded.signed.version
    return {}, None


def _line(entry: TargetEntry) -> str:
    custom = entry.custom
    details = [f"{entry.length:,} bytes", f"sha256 {entry.sha256}", f"model version {custom['model_version_id']}"]
    if custom.get("organization_id") is not None:
        details.append(f"organization {custom['organization_id']}")
    if custom.get("supported_platforms"):
        details.append(f"platforms {', '.join(map(str, custom['supported_platforms']))}")
    if custom.get("min_edge_version"):
        details.append(f"edge server {custom['min_edge_version']} or later")
    return visible(f"{custom['ai_module']} {custom['version']}: {'; '.join(details)}")


def visible(text: str) -> str:
    """`text` with everything but printable ASCII escaped, so that it cannot play tricks in a terminal."""
    return "".join(c if " " <= c <= "~" else f"\\u{ord(c):04x}" for c in text)
