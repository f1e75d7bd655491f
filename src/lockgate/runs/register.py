"""lockgate's own tables, made or brought to this version by whoever passed the gate."""

from __future__ import annotations

from dataclasses import replace

from lockgate.dialects.base import Dialect
from lockgate.permit import Session
from lockgate.registry import tables
from lockgate.words import Sight


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


def renew(session: Session, dialect: Dialect, seen: Sight) -> Sight:
    """Bring a registry of an older version to this one, in the open transaction; return what is seen then."""
    features = dialect.features
    if not 0 < seen.registry_version < tables.VERSION:
        return seen
    with dialect.own_names(session):
        tables.upgrade(session, features.registry_prefix, features.moment_text, features.registry_options)
    return replace(seen, registry_version=tables.VERSION)
