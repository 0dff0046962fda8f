"""What counts as one address where callers are counted by it."""

import ipaddress


def counted_as(address: str) -> str:
    """Whom `address` is counted for. Of IPv6 everybody has a whole /64, which is therefore counted as one."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv4Address):
        return address
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ipaddress.ip_network((known.packed, 64), strict=False))
