"""
Ending a statement from outside: MariaDB and MySQL work on for a client that has gone, until they want to answer it.

The second connection may lead to another server (a proxy, a name with several addresses), where the same number is somebody else's.
So only the session is ended that holds lockgate's lock, of this database, on the server that was reached.
"""

from __future__ import annotations

import time
from contextlib import closing
from typing import Any

from lockgate.dialects.mysql.locks import LOCK_NAME
from lockgate.dialects.mysql.session import connect
from lockgate.secret import DatabaseUrl

_CONNECT_WITHIN = 3.0  # seconds
_ENDS_WITHIN = 4.0  # seconds; what takes longer to be undone goes on by itself
_LOOK_EVERY = 0.02  # seconds


def connection_number(driver_connection: Any) -> int:
    """
    Return the server's number of a driver's connection; 0, which no connection has, where the driver does not tell.

    pymysql, mysqlclient, aiomysql and asyncmy call it `thread_id()`, the connectors of Oracle and MariaDB `connection_id`.
    """
    number: Any = getattr(driver_connection, "thread_id", None) or getattr(driver_connection, "connection_id", 0)
    return int(number() if callable(number) else number)


def kill_statement(url: DatabaseUrl, driver_connection: Any) -> None:
    """
    End the statement that runs on a connection, and wait a moment until it has ended.

    Args:
        url: of the same database; the same user may end its own statements without a privilege.
        driver_connection: the one that holds lockgate's lock; nothing happens where another one holds it, or none.
    Source: MariaDB Knowledge Base, KILL; MySQL 8.0 manual, 15.7.8.4.
    """
    number = connection_number(driver_connection)
    with closing(connect(url, _CONNECT_WITHIN, write=False)) as connection, connection.cursor() as cursor:
        cursor.execute(f"select is_used_lock({LOCK_NAME}) = {number}")
        if cursor.fetchone() != (1,):
            return
        cursor.execute(f"kill query {number}")
        give_up = time.monotonic() + _ENDS_WITHIN
        while time.monotonic() < give_up:
            cursor.execute(f"select 1 from information_schema.processlist where id = {number} and command <> 'Sleep'")
            if not cursor.fetchone():
                return
            time.sleep(_LOOK_EVERY)
