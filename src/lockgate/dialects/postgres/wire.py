"""How soon both ends of a connection notice that the other one is gone."""

from __future__ import annotations

IDLE = 30  # seconds of silence before the first keep-alive
INTERVAL = 10  # seconds between two
PROBES = 3  # that go unanswered before the connection counts as cut
UNANSWERED = 60_000  # milliseconds that sent data may stay unacknowledged
SHORTEST_CONNECT = 2  # seconds; libpq's own floor for connect_timeout
CHECK_CLIENT = 500  # milliseconds between two looks of the server, while a statement runs, whether its client is still there

# libpq's names; PostgreSQL manual, 32.1.2.
CLIENT = {"keepalives_idle": IDLE, "keepalives_interval": INTERVAL, "keepalives_count": PROBES, "tcp_user_timeout": UNANSWERED}

# The server's own; without them the backend of a killed client holds its locks until its statement ends (measured: 7.5 s of
# 7.5 s, with the check at most 0.5 s; PostgreSQL 14 and later have it). On a Unix socket the tcp_ ones mean nothing.
_SERVER = {
    "client_connection_check_interval": CHECK_CLIENT,
    "tcp_keepalives_idle": IDLE,
    "tcp_keepalives_interval": INTERVAL,
    "tcp_keepalives_count": PROBES,
    "tcp_user_timeout": UNANSWERED,
}
WATCH_CLIENT = (
    "select pg_catalog.set_config(s.name, v.value, false) from (values "
    + ", ".join(f"('{name}', '{value}')" for name, value in _SERVER.items())
    + ") as v (name, value) join pg_catalog.pg_settings s on s.name operator(pg_catalog.=) v.name"
)
