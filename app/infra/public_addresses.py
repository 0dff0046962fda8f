"""Which internet addresses are public: reachable by everybody, and therefore no way into somebody's private network.

Pure. The networks are those of the IANA special-purpose address registries (RFC 6890 and its updates). In IPv6 only
global unicast (2000::/3) is public, without its special parts; an address that carries an IPv4 address inside is as
public as that one, because the network may translate it.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

SPECIAL_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by a carrier (CGNAT)
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, and the metadata services of clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays, given up
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
UNICAST_V6 = IPv6Network("2000::/3")
SPECIAL_V6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)
MAPPED, NAT64, SIXTOFOUR = IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"), IPv6Network("2002::/16")


def parse(text: str) -> Address:
    """An address as a resolver writes it. Raises ValueError."""
    return ip_address(text)


def is_public(address: Address) -> bool:
    """True if everybody may reach `address`, whoever's network asks."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in SPECIAL_V4)
    inner = _carried(address)
    if inner is not None:
        return is_public(inner)
    return address in UNICAST_V6 and not any(address in network for network in SPECIAL_V6)


def _carried(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address inside an IPv4-mapped, NAT64 or 6to4 address."""
    number = int(address)
    if address in MAPPED or address in NAT64:
        return IPv4Address(number & 0xFFFF_FFFF)
    if address in SIXTOFOUR:
        return IPv4Address(number >> 80 & 0xFFFF_FFFF)
    return None
