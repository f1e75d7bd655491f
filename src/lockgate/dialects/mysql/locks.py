"""lockgate's lock on MariaDB and MySQL: a named lock of the session."""

from __future__ import annotations

from lockgate.permit import Session

# Named locks are the whole server's, not the database's; the hash keeps two databases apart and the name below 64 characters
# (MySQL manual, 14.14 Locking Functions).
LOCK_NAME = "concat('lockgate.', sha1(lower(database())))"
HELD_BY_ME = f"is_used_lock({LOCK_NAME}) = connection_id()"
_HOLDER = f"""
select p.id, p.user, p.host, date_sub(now(), interval p.time second), is_used_lock({LOCK_NAME})
  from information_schema.processlist p where p.id = is_used_lock({LOCK_NAME})
"""


class NamedLock:
    """
    The lock of one database, held by a session; the server frees it when the session ends.

    A session may hold it twice, and would have to let go twice: whether it is ours is asked before it is taken.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._held = False

    def take(self) -> bool:
        """Try once, without waiting. No transaction stays open: one that waits keeps others from changing tables."""
        free = self._session.execute(f"select is_used_lock({LOCK_NAME}) is null")[0][0]
        self._held = bool(free) and self._session.execute(f"select get_lock({LOCK_NAME}, 0)")[0][0] == 1
        self._session.commit()
        return self._held

    def holder(self) -> str:
        """
        Describe the session that holds the lock.

        A role without the privilege PROCESS sees only its own sessions, and is told the number alone.
        """
        rows = self._session.execute(_HOLDER) or self._session.execute(f"select is_used_lock({LOCK_NAME}), null, null, null, null")
        self._session.rollback()
        number, user, host, since, _ = rows[0]
        if number is None:
            return ""
        if user is None:
            return f"connection {number} of another user"
        return f"user {user}, from {host or 'an unknown address'}, connection {number}, its last statement began {since}"

    def release(self) -> None:
        """Unlock; the server has done so already where the connection is gone."""
        if not self._held:
            return
        self._held = False
        self._session.rollback()
        self._session.execute(f"select release_lock({LOCK_NAME})")
        self._session.commit()
