"""
What no SQL seed may do, and why: functions, settings and tables by name.

Two reasons: it would reach beyond the rows of this database (files, programs, other servers, roles), or it would pull the
ground from under the run (its lock, its registry, the way its text is read).

Source: PostgreSQL manual 18, 9.28 System Administration Functions, appendix F; sqlite.org, Core Functions and the CLI's.
"""

from __future__ import annotations

import re

REGISTRY_SCHEMA = "lockgate"
REGISTRY_PREFIX = "lockgate_"

_FUNCTIONS = (
    (r"dblink.*|postgres_fdw_.*", "reaches another database"),
    (r"lo_import|lo_export|pg_read_.*file|pg_stat_file|pg_ls_.*|pg_file_.*|pg_logdir_ls|pg_current_logfile", "reaches files of the server"),
    (r"readfile|writefile|fsdir", "reaches files"),
    (r"load_extension|fts3_tokenizer", "loads code"),
    (r"get_lock|release_lock|release_all_locks", "touches named locks, which lockgate holds one of"),
    (r"load_file", "reaches files of the server"),
    (r"sys_exec|sys_eval|sys_get|sys_set", "runs a program"),
    (r"pg_advisory_.*|pg_try_advisory_.*", "touches advisory locks, which lockgate holds one of"),
    (r"pg_terminate_backend|pg_cancel_backend|pg_reload_conf|pg_rotate_logfile|pg_promote|pg_switch_wal", "acts on the server"),
    (
        r"pg_(?:create|drop|copy)_.*replication_slot|pg_(?:logical|replication)_.*|pg_create_restore_point|pg_backup_.*",
        "acts on the server",
    ),
    (
        r"query_to_xml.*|cursor_to_xml.*|table_to_xml.*|schema_to_xml.*|database_to_xml.*|ts_stat|crosstab.*|connectby|xpath_table",
        "runs a text as SQL",
    ),
    (r"table_import_from_s3|query_export_to_s3|http(?:_get|_post|_put|_patch|_delete|_head)?", "reaches another server"),
)
_FUNCTION = re.compile("|".join(f"(?P<f{number}>{pattern})" for number, (pattern, _) in enumerate(_FUNCTIONS)), re.I)
_CATALOGS = frozenset("pg_catalog information_schema performance_schema mysql sys".split())
_FUNCTION_SCHEMAS = {"cron": "schedules statements for later", "aws_s3": "reaches another server", "aws_lambda": "reaches another server"}
_ROLE_SETTINGS = ("role", "session_authorization", "session authorization")
_READING_PRAGMAS = frozenset(
    "table_info table_xinfo table_list index_list index_info index_xinfo foreign_key_list foreign_key_check integrity_check quick_check "
    "database_list collation_list compile_options function_list".split()
)
_BODY = re.compile(
    r"\bcopy\b[^;]*\bprogram\b|\bcopy\b[^;]*\b(?:from|to)\s+(?:e?'|\$)|\b(?:set|reset)\s+(?:(?:local|session)\s+)?(?:role|authorization)\b"
    r"|\balter\s+system\b|\b(?:create|alter|drop)\s+(?:role|user|extension|database|tablespace|subscription|server)\b|\bload\s+'",
    re.I,
)
_NAME_IN_BODY = re.compile(r"[^\W\d][\w$]*")
UNTRUSTED = re.compile(r"c|internal|pl.*u", re.I)


def banned_function(name: str, schema: str = "") -> str:
    """Return why no seed may call a function of that name, whatever its schema; empty where it may."""
    if why := _FUNCTION_SCHEMAS.get(schema.lower()):
        return f"`{schema}.{name}()` {why}"
    found = _FUNCTION.fullmatch(name)
    return f"`{name}()` {_FUNCTIONS[int((found.lastgroup or 'f0')[1:])][1]}" if found else ""


def banned_setting(name: str, value: str | None) -> str:
    """
    Return why no seed may set `name` to `value`; empty where it may.

    Args:
        value: lists joined by commas, empty for DEFAULT and RESET, None where it cannot be read.
    """
    name, low = name.lower(), None if value is None else value.lower()
    if name in _ROLE_SETTINGS:
        return "SET ROLE and SET SESSION AUTHORIZATION change who writes"
    if name.endswith("preload_libraries") or name == "dynamic_library_path":
        return f"`{name}` loads code"
    if name == "search_path" and (low is None or REGISTRY_SCHEMA in re.split(r'[\s,"]+', low)):
        return "`search_path` would lead into lockgate's registry"
    if name == "standard_conforming_strings" and low not in ("", "on", "true", "yes", "1", "t"):
        return "the script would be read in another way than it was judged"
    if name in ("client_encoding", "names") and (low or "").replace("-", "") not in ("", "utf8", "unicode"):
        return "the script would be read in another way than it was judged"
    return ""


def registry_table(name: str, schema: str = "", version_table: str = "alembic_version") -> str:
    """Return whose a table, schema or anything else of that name is, lockgate's or Alembic's; empty for anybody else's."""
    name, schema = name.lower(), schema.lower()
    if REGISTRY_SCHEMA in (schema, name) or name.startswith(REGISTRY_PREFIX):
        return f"`{schema}.{name}` belongs to lockgate's registry".replace("`.", "`")
    return f"`{name}` is Alembic's version table" if name == version_table.lower() else ""


def banned_table(name: str, schema: str = "", version_table: str = "alembic_version") -> str:
    """Return why no seed may write a table of that name; empty where it may."""
    is_catalog = schema.lower() in _CATALOGS or name.lower().startswith("pg_")
    if is_catalog or (name.lower().startswith("sqlite_") and name.lower() != "sqlite_sequence"):
        return f"`{name}` belongs to the database itself"
    return registry_table(name, schema, version_table)


def banned_pragma(name: str) -> str:
    """Return why no seed may say `PRAGMA name`; empty for those that only answer."""
    return "" if name.lower() in _READING_PRAGMAS else f"PRAGMA `{name}` changes how the database works, not its rows"


def banned_in_body(text: str, version_table: str = "alembic_version") -> str:
    """
    Return what of a function's or DO block's text no seed may do, as far as reading words tells; empty where nothing was found.

    A body can put a statement together at run time: empty is no proof, so a body counts as destructive anyway.
    """
    if found := _BODY.search(text):
        return f"its body has `{' '.join(found[0].split())[:40]}`"
    reasons = (banned_function(word) or registry_table(word, "", version_table) for word in _NAME_IN_BODY.findall(text))
    return next((f"in its body: {why}" for why in reasons if why), "")
