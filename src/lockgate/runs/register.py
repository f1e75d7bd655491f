"""lockgate's own tables, made or brought to this version by whoever passed the gate."""

from __future__ import annotations

from lockgate.dialects.base import Dialect
from lockgate.permit import Session
from lockgate.registry import tables


def register(session: Session, dialect: Dialect, found: int) -> None:
    """
    Create the registry in the open transaction, where there is none.

    Args:
        found: its version; 0 where there is none.
    """
    features = dialect.features
    if found == 0:
        with dialect.own_names(session):
            setup, options = features.registry_setup, features.registry_options
            tables.create(session, features.registry_prefix, setup, features.serial, features.moment, features.long_text, options)


def renew(session: Session, dialect: Dialect, found: int) -> None:
    """Bring a registry of an older version to this one, in the open transaction; parameters as of `register`."""
    features = dialect.features
    if 0 < found < tables.VERSION:
        with dialect.own_names(session):
            tables.upgrade(session, features.registry_prefix, features.moment_text, features.registry_options)
