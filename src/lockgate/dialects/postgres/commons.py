"""What all databases of a server share and a test may change: roles, memberships, settings of roles and of the server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from lockgate.dialects.postgres.empty import quoted

Ask = Callable[[str], Sequence[tuple[Any, ...]]]

# Only for a superuser: passwords (as hashes) and the file that ALTER SYSTEM writes.
_COMMONS = """
select pg_catalog.json_build_object(
  'roles', (select pg_catalog.json_object_agg(a.rolname, pg_catalog.json_build_object('superuser', a.rolsuper, 'inherit', a.rolinherit,
      'createrole', a.rolcreaterole, 'createdb', a.rolcreatedb, 'login', a.rolcanlogin, 'replication', a.rolreplication, 'bypassrls', a.rolbypassrls,
      'limit', a.rolconnlimit, 'password', a.rolpassword, 'until', a.rolvaliduntil) order by a.rolname)
    from pg_catalog.pg_authid a where a.rolname !~ '^pg_'),
  'settings', (select pg_catalog.json_object_agg(coalesce(a.rolname, ''), s.setconfig order by a.rolname)
    from pg_catalog.pg_db_role_setting s left join pg_catalog.pg_authid a on a.oid = s.setrole where s.setdatabase = 0),
  'members', (select pg_catalog.json_agg(pg_catalog.json_build_array(m.roleid::regrole::text, m.member::regrole::text, m.admin_option) order by m.roleid, m.member)
    from pg_catalog.pg_auth_members m where pg_catalog.pg_get_userbyid(m.member) !~ '^pg_'),
  'system', (select pg_catalog.json_object_agg(f.name, f.setting order by f.seqno) from pg_catalog.pg_file_settings f where f.sourcefile ~ 'postgresql.auto.conf$')
)::text
"""
_LISTS = ("search_path", "temp_tablespaces", "session_preload_libraries", "shared_preload_libraries", "local_preload_libraries")


def read_commons(ask: Ask) -> str:
    """Read all of it, as JSON in a stable order; needs a superuser."""
    return str(ask(_COMMONS)[0][0])


def restore_commons(ask: Ask, before: str) -> None:
    """
    Bring it back to what `read_commons` said.

    A role that is new may still own things: databases that it was used in must be gone by now.
    """
    was, now = _read(before), _read(read_commons(ask))
    for statement in (*_roles(was, now), *_settings(was, now), *_members(was, now), *_system(was, now)):
        ask(statement)


def _read(text: str) -> dict[str, Any]:
    return {key: value or {} for key, value in json.loads(text).items()}


def _roles(was: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    for name in now["roles"].keys() - was["roles"].keys():
        yield f"drop owned by {quoted(name)}"
        yield f"drop role {quoted(name)}"
    for name, role in was["roles"].items():
        if name not in now["roles"]:
            yield f"create role {quoted(name)}"
        if now["roles"].get(name) != role:
            changed = [word for key, word in _attributes(role).items() if now["roles"].get(name, {}).get(key) != role[key]]
            yield f"alter role {quoted(name)} with {' '.join(changed)}"


def _attributes(role: dict[str, Any]) -> dict[str, str]:
    """Each attribute as ALTER ROLE takes it; there is no way back from a date to none but the end of time."""
    flags = ("superuser", "inherit", "createrole", "createdb", "login", "replication", "bypassrls")
    password = f"password {_literal(role['password']) if role['password'] else 'null'}"
    until = f"valid until {_literal(role['until'] or 'infinity')}"
    words = {flag: ("" if role[flag] else "no") + flag for flag in flags}
    return {**words, "limit": f"connection limit {role['limit']}", "password": password, "until": until}


def _settings(was: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    for name in was["settings"].keys() | (now["settings"].keys() & {"", *was["roles"]}):
        if was["settings"].get(name) != now["settings"].get(name):
            who = quoted(name) if name else "all"
            yield f"alter role {who} reset all"
            yield from (f"alter role {who} set {setting(text)}" for text in was["settings"].get(name, ()))


def _members(was: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    before, after = ({tuple(item) for item in side["members"]} for side in (was, now))
    known = was["roles"].keys()
    for role, member, _ in after - before:
        if _unquoted(member) in known and (_unquoted(role) in known or role.startswith("pg_")):
            yield f"revoke {role} from {member}"
    for role, member, admin in before - after:
        yield f"grant {role} to {member}{' with admin option' if admin else ''}"


def _system(was: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    if was["system"] == now["system"]:
        return
    for name in now["system"].keys() - was["system"].keys():
        yield f"alter system reset {name}"
    for name, value in was["system"].items():
        if now["system"].get(name) != value:
            yield f"alter system set {setting(f'{name}={value}')}"
    yield "select pg_catalog.pg_reload_conf()"


def setting(text: str) -> str:
    """Return `name = value` for SET from the catalog's `name=value`; lists are there in the form in which they are typed."""
    name, _, value = text.partition("=")
    return f"{name} = {value if name in _LISTS and value else _literal(value)}"


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
