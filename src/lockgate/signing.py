"""Ed25519 keys and signatures, by `cryptography`; the only module that imports it, and only when a plan is signed or a signature is checked."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from lockgate.errors import UsageError

_KIND = "ed25519:"


def new_key() -> tuple[str, str]:
    """
    Make a key pair.

    Returns:
        The private key as PEM (PKCS #8, without a passphrase), and the public one as the settings have it.
    Raises:
        UsageError: `extra-missing`.
    """
    ed25519, serialization, _ = _library()
    private = ed25519.Ed25519PrivateKey.generate()
    plain = serialization.NoEncryption()
    pem: bytes = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    return pem.decode(), _public_text(private)


def public_of(pem: str, where: str) -> str:
    """
    Return the public key of a private one, as the settings have it: `ed25519:` and 32 bytes in base64.

    Args:
        where: the key's file, for the error.
    Raises:
        UsageError: `key-invalid`, `extra-missing`.
    """
    return _public_text(_private(pem, where))


def sign(pem: str, message: bytes, where: str) -> str:
    """Return the signature in base64; parameters and errors as of `public_of`."""
    signature: bytes = _private(pem, where).sign(message)
    return base64.b64encode(signature).decode()


def is_good(public: str, signature: str, message: bytes) -> bool:
    """
    Whether a signature was made with the private half of `public` over exactly this message.

    Args:
        public: as the settings have it.
        signature: base64.
    Raises:
        UsageError: `extra-missing`: without the library nobody can tell, which must not look like a no.
    """
    ed25519, _, refusals = _library()
    try:
        raw = base64.b64decode(public.removeprefix(_KIND), validate=True)
        ed25519.Ed25519PublicKey.from_public_bytes(raw).verify(base64.b64decode(signature, validate=True), message)
    except (*refusals, binascii.Error, ValueError):
        return False
    return public.startswith(_KIND)


def _private(pem: str, where: str) -> Any:
    ed25519, serialization, refusals = _library()
    hint = "make one: lockgate approve --new-key FILE"
    try:
        key = serialization.load_pem_private_key(pem.encode(), None)
    except (*refusals, ValueError, TypeError) as error:  # TypeError: it wants a passphrase
        what = "this is no private key in PEM without a passphrase"
        raise UsageError("key-invalid", what, where, hint) from error
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise UsageError("key-invalid", "this private key is of another kind than Ed25519", where, hint)
    return key


def _public_text(private: Any) -> str:
    return _KIND + base64.b64encode(private.public_key().public_bytes_raw()).decode()


def _library() -> tuple[Any, Any, Any]:
    try:
        from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError as error:
        raise UsageError("extra-missing", "signatures of plans need `cryptography`", hint="pip install 'lockgate[sign]'") from error
    return ed25519, serialization, (InvalidSignature, UnsupportedAlgorithm)
