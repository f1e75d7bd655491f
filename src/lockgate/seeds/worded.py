"""
A statement read by its words alone: SQLite's, MariaDB's and MySQL's, and PostgreSQL's where its grammar is not installed.

Words cannot tell everything, so every doubt counts against the statement: what is not known to be harmless is destructive.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from lockgate.seeds.bans import UNTRUSTED, banned_function, banned_in_body, banned_pragma, banned_setting, banned_table, registry_table
from lockgate.seeds.facts import CONSTANT_WHERE, CONTROL, NO_WHERE, OUTSIDE, UNKNOWN, UNREADABLE, Facts, Statement
from lockgate.seeds.grammar import Grammar
from lockgate.seeds.script import Part, Token, copies_in
from lockgate.seeds.spec import TableName

_KINDS = {"replace": "insert", "values": "select", "with": "select", "reset": "set"}
_OWN_KIND = frozenset("insert update delete merge truncate drop alter create select set copy do".split())
_CONTROL = frozenset("begin start commit end rollback abort savepoint release prepare".split())
_HARMLESS = frozenset(
    "insert replace update delete merge select values with explain analyze create set comment lock show pragma copy".split()
)
_REACHES_OUT = frozenset("attach detach load discard import security reassign".split())
_CREATED = frozenset("table index unique view materialized sequence schema type temp temporary unlogged if domain".split())
_NEVER = frozenset(
    "role user group extension system database tablespace server subscription publication language foreign event owned".split()
)
# Words behind which `update` or `delete` is part of another statement: FOR UPDATE, ON CONFLICT DO UPDATE, ON DELETE CASCADE.
_NOT_A_STATEMENT = frozenset({"for", "do", "on", "key", "no", "after", "before", "or", "of"})
# Words of a condition that name nothing.
_EMPTY_CONDITION = frozenset("true false and or not null is in between like current_date returning".split())
_BEFORE_TABLE = frozenset({"into", "from", "join", "update", "table", "truncate", "using", "copy", "on", "view", "only", "lock"})
_WRITING = frozenset({"into", "update", "table", "truncate", "copy", "view"})
_PASSED = frozenset({"if", "not", "exists", "only", "or", "replace", "ignore", "abort", "fail", "rollback", "table"})
# MariaDB Knowledge Base, SQL statements That Cause an Implicit Commit.
_COMMITS = frozenset("create alter drop rename truncate analyze grant revoke lock unlock flush optimize repair check".split())


def by_words(part: Part, grammar: Grammar, version_table: str = "alembic_version") -> Statement:
    """Classify a statement by its words."""
    tokens, facts = part.tokens, Facts()
    first = tokens[0].text if tokens[0].kind == "word" else ""
    facts.kind = _kind(first, tokens)
    _judge_first(first, tokens, facts, grammar)
    _judge_changes(tokens, facts)
    _judge_calls(tokens, facts)
    _name_tables(tokens, facts, first)
    _judge_names(tokens, facts, version_table)
    if any(token.strange for token in tokens):
        facts.forbid("it is written in a way that only PostgreSQL's own grammar can read")
    return facts.statement(part)


def _kind(first: str, tokens: Sequence[Token]) -> str:
    if first == "with":
        return next(
            (token.text for token in tokens if token.depth == 0 and token.text in ("insert", "update", "delete", "merge")), "select"
        )
    return _KINDS.get(first, first if first in _OWN_KIND else "other")


def _words(tokens: Sequence[Token]) -> list[str]:
    return [token.text if token.kind == "word" else "" for token in tokens]


def _judge_first(first: str, tokens: Sequence[Token], facts: Facts, grammar: Grammar) -> None:
    words = _words(tokens)
    if grammar is Grammar.MYSQL:
        _judge_mysql(first, words, facts)
    if first in _REACHES_OUT:
        facts.forbid(f"{first.upper()} is never part of a seed")
    elif first in _CONTROL:
        facts.leaves(CONTROL)
    elif first == "vacuum":
        facts.leaves(f"VACUUM: {OUTSIDE}")
        if "into" in words:
            facts.forbid("VACUUM INTO writes a file")
    elif first in ("drop", "alter", "truncate"):
        facts.destroys(first.upper())
    elif first in ("do", "call"):
        facts.destroys(f"{first.upper()}: {UNREADABLE}")
    elif first == "reset":
        facts.destroys("RESET drops a limit that lockgate may have set")
    elif first not in _HARMLESS:
        facts.destroys(UNKNOWN.format(first.upper() or "this"))
    _judge_rest(first, words, tokens, facts, grammar)


def _judge_mysql(first: str, words: list[str], facts: Facts) -> None:
    if first in _COMMITS and "temporary" not in words[1:4]:
        facts.leaves(f"{first.upper()}: it commits by itself")
    if first == "set" and "autocommit" in words:
        facts.leaves(CONTROL)
    if any(pair in (("into", "outfile"), ("into", "dumpfile")) for pair in pairwise(words)):
        facts.forbid("INTO OUTFILE writes a file of the server")


def _judge_rest(first: str, words: list[str], tokens: Sequence[Token], facts: Facts, grammar: Grammar) -> None:
    if first in ("create", "alter", "drop"):
        _judge_ddl(words, facts)
        _judge_bodies(tokens, facts)
    elif first in ("set", "reset"):
        _judge_setting(words, tokens, facts)
    elif first == "pragma":
        place = 3 if [token.text for token in tokens[2:3]] == ["."] else 1
        facts.forbid(banned_pragma("".join(token.text for token in tokens[place : place + 1])))
    elif first == "copy" and grammar is Grammar.POSTGRES:
        if not copies_in(tokens) or "program" in words:
            facts.forbid("COPY with anything but `FROM stdin` reaches files or programs of the server")
    elif first in ("do", "call"):
        _judge_bodies(tokens, facts)


def _judge_ddl(words: list[str], facts: Facts) -> None:
    kinds = [word for word in words[1:5] if word]
    what = next((word for word in kinds if word not in ("or", "replace", "trusted", "procedural")), "")
    if what in _NEVER:
        facts.forbid(f"{words[0].upper()} {what.upper()} is never part of a seed")
    if words[0] != "create":
        return
    if "concurrently" in kinds:
        facts.leaves(f"CREATE INDEX CONCURRENTLY: {OUTSIDE}")
    elif not kinds or kinds[0] not in _CREATED or {"trigger", "virtual"} & set(kinds):
        facts.destroys(UNKNOWN.format(" ".join(["CREATE", *kinds[:2]]).upper()))


def _judge_setting(words: list[str], tokens: Sequence[Token], facts: Facts) -> None:
    rest = [index for index, word in enumerate(words) if index and (word not in ("local", "session"))]
    name = tokens[rest[0]].text if rest else ""
    if {"role", "authorization"} & {token.text.lower() for token in tokens[1:4] if token.kind != "text"}:
        facts.forbid(banned_setting("role", None))
    if name in ("transaction", "characteristics"):
        facts.leaves(CONTROL)
    elif name.lower() == "session_replication_role":
        facts.destroys("it switches triggers and foreign keys off")
    values = [tokens[index].text for index in rest[1:] if tokens[index].text not in ("=", "to", ",")]
    facts.forbid(banned_setting(name, ",".join("" if value == "default" else value for value in values)))


def _judge_bodies(tokens: Sequence[Token], facts: Facts) -> None:
    for token in tokens:
        if token.kind == "text":
            facts.forbid(banned_in_body(token.text))
    for language, name in pairwise(tokens):
        if language.text == "language" and UNTRUSTED.fullmatch(name.text):
            facts.forbid(f"code in `{name.text}` can do what the server's operating system user can")


def _judge_changes(tokens: Sequence[Token], facts: Facts) -> None:
    """Find every DELETE, UPDATE and TRUNCATE, also inside WITH and EXPLAIN."""
    words = _words(tokens)
    for index, word in enumerate(words):
        if word not in ("delete", "update", "truncate") or (index and words[index - 1] in _NOT_A_STATEMENT):
            continue
        after = tokens[index + 1] if index + 1 < len(tokens) else None
        if after is None or (after.kind == "mark" and after.text != '"'):  # a column of that name
            continue
        if word == "truncate":
            facts.destroys("TRUNCATE")
        else:
            _judge_condition(word, tokens[index:], facts)


def _judge_condition(word: str, tokens: Sequence[Token], facts: Facts) -> None:
    if word == "delete" and len(tokens) > 1 and tokens[1].text == "where":
        return
    own = list(_own(tokens))
    words = _words(own)
    if "where" not in words:
        facts.destroys(NO_WHERE.format(word.upper()))
    elif not any(
        (token.kind == "word" and token.text not in _EMPTY_CONDITION) or token.kind == "name" for token in own[words.index("where") + 1 :]
    ):
        facts.destroys(CONSTANT_WHERE.format(word.upper()))


def _own(tokens: Sequence[Token]) -> Iterator[Token]:
    """The tokens of a statement at its own depth, to the bracket that ends it."""
    depth = tokens[0].depth
    for token in tokens:
        if token.depth < depth:
            return
        if token.depth == depth:
            yield token


def _judge_calls(tokens: Sequence[Token], facts: Facts) -> None:
    for index, token in enumerate(tokens):
        if token.kind not in ("word", "name") or tokens[index + 1 : index + 2] == () or tokens[index + 1].text != "(":
            continue
        schema = tokens[index - 2].text if index > 1 and tokens[index - 1].text == "." else ""
        facts.forbid(banned_function(token.text, schema))
        if token.text == "set_config":
            _judge_set_config(tokens[index + 2 : index + 5], facts)


def _judge_set_config(arguments: Sequence[Token], facts: Facts) -> None:
    kinds = [token.kind for token in arguments]
    if kinds[:1] != ["text"] or arguments[1].text != ",":
        facts.forbid("`set_config()` of a setting that cannot be read")
    else:
        facts.forbid(banned_setting(arguments[0].text, arguments[2].text if kinds[2:] == ["text"] else None))


def _name_tables(tokens: Sequence[Token], facts: Facts, first: str) -> None:
    named = set(_with_names(tokens)) if first == "with" else set()
    for index, token in enumerate(tokens):
        if (
            token.kind != "word"
            or token.text not in _BEFORE_TABLE
            or (token.text == "update" and tokens[index - 1].text in _NOT_A_STATEMENT)
        ):
            continue
        if token.text == "on" and first != "create":  # of a join, of ON CONFLICT
            continue
        table = _table_at(tokens, index + 1)
        if table is None or table in named:
            continue
        writes = token.text in _WRITING or (token.text == "from" and tokens[index - 1].text == "delete") or first in ("alter", "drop")
        (facts.writes if writes else facts.reads).append(table)


def _with_names(tokens: Sequence[Token]) -> Iterator[TableName]:
    for index, token in enumerate(tokens[:-2]):
        if token.kind in ("word", "name") and tokens[index + 1].text == "as" and tokens[index + 2].text in ("(", "materialized", "not"):
            yield TableName(token.text)


def _table_at(tokens: Sequence[Token], index: int) -> TableName | None:
    while index < len(tokens) and tokens[index].kind == "word" and tokens[index].text in _PASSED:
        index += 1
    names = tokens[index : index + 3]
    if (
        not names
        or names[0].kind not in ("word", "name")
        or (names[0].kind == "word" and names[0].text in ("select", "stdin", "set", "program"))
    ):
        return None
    if len(names) == 3 and names[1].text == "." and names[2].kind in ("word", "name"):
        return TableName(names[2].text, names[0].text)
    return TableName(names[0].text)


def _judge_names(tokens: Sequence[Token], facts: Facts, version_table: str) -> None:
    for table in facts.writes:
        facts.forbid(banned_table(table.name, table.schema, version_table))
    if facts.kind not in ("select", "insert", "update", "delete", "merge", "copy", "set"):
        _judge_any_name(tokens, facts, version_table)


def _judge_any_name(tokens: Sequence[Token], facts: Facts, version_table: str) -> None:
    for token in tokens:
        if token.kind in ("word", "name"):
            facts.forbid(registry_table(token.text, "", version_table))
