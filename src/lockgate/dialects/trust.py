"""What every dialect that knows TLS asks of this machine: whether an address is its own, and whose certificates it trusts."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping

# Where distributions keep the authorities that they trust: Debian and Alpine, Red Hat, macOS.
BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")


def is_loopback(address: str) -> bool:
    """Whether an address is this machine: none at all, a Unix socket, `localhost` or a loopback address; nothing is looked up."""
    if address in ("", "localhost") or address.startswith(("/", "@")):
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def authorities(environ: Mapping[str, str]) -> str:
    """Return the file with the authorities that this machine trusts; empty where there is none."""
    return next((path for path in (environ.get("SSL_CERT_FILE", ""), *BUNDLES) if path and os.path.exists(path)), "")
