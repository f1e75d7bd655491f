"""Where a statement of a SQL script ends: the lexer's rules, dumps with their data, and what must not be in a script."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.errors import UsageError
from lockgate.sql_script import Piece, pieces

WHOLE = {
    "a semicolon in a text": "select 'a;b'",
    "a doubled quote": "select 'it''s; fine'",
    "a backslash that escapes nothing in a plain text": "select '\\', 'x;'",
    "an escaped quote in an E text": "select E'it\\'s; fine'",
    "a backslash before the end of an E text": "select e'\\\\', 'x;'",
    "an identifier in quotes": 'select 1 as "a;""b"',
    "a dollar quote": "do $$ begin perform 1; end $$",
    "a dollar quote with a tag": "select $a$ ; $$ ; $b$ ; $a$",
    "a dollar quote in a dollar quote": "do $f$ begin execute $q$ select 1; $q$; end; $f$",
    "a dollar in a name": "select a$b$c from t where x = 'y;' and z$ = 1",
    "a parameter that is no dollar quote": "prepare p as select $1, '$2;'",
    "a comment to the end of the line": "select 1 -- not yet; not yet\n, 2",
    "a comment in slashes": "select 1 /* not; yet */, 2",
    "nested comments": "select 1 /* a /* b; */ c; */, 2",
    "a quote in a comment": "select 1 -- it's\n, 2 /* it's; */",
    "a body of begin atomic": "create function f() returns int begin atomic select 1; select case when true then 1 else 2 end; end",
    "atomic bodies in upper case": "CREATE PROCEDURE p() LANGUAGE SQL BEGIN ATOMIC INSERT INTO t VALUES (1); DELETE FROM t; END",
    "a case outside of a body": "select case when a then ';' else b end from t",
    "names that look like keywords": "create table t (atomic int, case_end int)",
    "a rule of two actions": "create rule r as on delete to t do also (insert into u values (1); delete from v)",
    "several lines": "create table t (\n  a int,\n  b text default ';'\n)",
}


def texts(script: str) -> list[str]:
    """The statements alone."""
    return [piece.sql for piece in pieces(script)]


@pytest.mark.parametrize("statement", WHOLE.values(), ids=WHOLE.keys())
def test_a_semicolon_that_ends_nothing_splits_nothing(statement: str) -> None:
    """Each of these is in somebody's dump, and half of one does harm before the other half fails."""
    assert texts(f"{statement};\nselect 2;") == [statement, "select 2"]


def test_each_piece_knows_the_line_on_which_it_begins() -> None:
    """An error in line 40000 of a dump must be findable; comments before a statement are not its beginning."""
    script = "-- head\n\nselect 1;\n/* two\nlines */ select 2;\n\n  select\n  3;select 4"
    assert [(piece.sql, piece.line) for piece in pieces(script)] == [("select 1", 3), ("select 2", 5), ("select\n  3", 7), ("select 4", 8)]


@pytest.mark.parametrize("script", ["", "\n \n", ";;\n;", "-- nothing\n", "/* nothing; */", "\\restrict abc\n\\unrestrict abc\n"])
def test_a_script_without_statements_has_no_pieces(script: str) -> None:
    """Servers answer an empty statement in ways of their own."""
    assert list(pieces(script)) == []


def test_the_last_statement_needs_no_semicolon() -> None:
    """Files that people write by hand often end like this."""
    assert texts("select 1;\nselect 2") == ["select 1", "select 2"]


def test_windows_line_ends_are_line_ends() -> None:
    """COPY data would keep the carriage return in their last column."""
    found = list(pieces("copy t from stdin;\r\n1\ta\r\n\\.\r\nselect 1;\r\n"))
    assert found == [Piece("copy t from stdin", 1, "1\ta\n"), Piece("select 1", 4)]


def test_copy_data_are_data_whatever_they_look_like() -> None:
    """A row may be a semicolon, a comment, a quote or a command of psql; only a line of `\\.` ends them."""
    data = ";\n--\n'\n$$\n/*\n\\\\i x\n\\.x\nbegin;\n\\N\t\n"
    script = f'COPY public."odd name" (a, b) FROM stdin;\n{data}\\.\n\n\nselect 1;\n'
    assert list(pieces(script)) == [Piece('COPY public."odd name" (a, b) FROM stdin', 1, data), Piece("select 1", 14)]


def test_copy_without_rows_and_copy_with_options_are_read() -> None:
    """Empty tables are in every dump."""
    assert list(pieces("copy t from stdin;\n\\.\ncopy u from stdin with (format text);\n1\n\\.\n")) == [
        Piece("copy t from stdin", 1, ""),
        Piece("copy u from stdin with (format text)", 3, "1\n"),
    ]


@pytest.mark.parametrize("line", ["\\i other.sql", "\\connect prod", "  \\copy t from 'x'", "\\! rm -rf /", "\\set x 1"])
def test_a_command_of_psql_is_refused_with_its_line(line: str) -> None:
    """Nothing here can obey it, and what follows it may rest on it."""
    with pytest.raises(UsageError) as error:
        list(pieces(f"select 1;\n\n{line}\nselect 2;\n"))
    assert error.value.what.startswith("line 3: ") and "psql" in error.value.what


def test_the_guards_of_new_dumps_are_left_out() -> None:
    """pg_dump writes them since CVE-2025-8714; they are meant for psql alone."""
    assert list(pieces("\\restrict k3y\n\nselect 1;\n\n\\unrestrict k3y\n")) == [Piece("select 1", 3)]


def test_a_backslash_line_in_a_text_is_no_command() -> None:
    """It is a part of the text."""
    assert texts("select 'a\n\\i b\n';\n") == ["select 'a\n\\i b\n'"]


@pytest.mark.parametrize(
    "statement",
    "begin|BEGIN;|start transaction|commit|Commit and chain|end|rollback|abort|savepoint a|release savepoint a|rollback to a"
    "|prepare transaction 'a'|/* hidden */ commit|-- hidden\ncommit".split("|"),
)
def test_transaction_control_is_refused(statement: str) -> None:
    """All of the script or nothing: a COMMIT in it would make that a lie."""
    with pytest.raises(UsageError) as error:
        list(pieces(f"select 1;\n{statement};\n"))
    assert "transaction" in error.value.what and error.value.what.startswith("line ")


@pytest.mark.parametrize("statement", ["prepare p as select 1", "create table begin_here (a int)", "do $$ begin commit; end $$"])
def test_what_only_looks_like_transaction_control_is_not(statement: str) -> None:
    """What a DO block commits is stopped by the server: it may not, inside a transaction."""
    assert texts(f"{statement};") == [statement]


WORDS = st.from_regex(r"[a-z_]{1,6}", fullmatch=True).filter(
    lambda word: word not in {"begin", "end", "atomic", "case", "commit", "abort", "copy", "rollback", "release", "e"}
)
ANY = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=12)
PARTS = st.one_of(
    WORDS,
    ANY.map(lambda text: "'" + text.replace("'", "''") + "'"),
    ANY.map(lambda text: '"' + text.replace('"', '""') + '"'),
    ANY.map(lambda text: "E'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"),
    st.tuples(st.sampled_from(["$$", "$tag$", "$_$"]), ANY.filter(lambda text: "$" not in text)).map(
        lambda pair: pair[0] + pair[1] + pair[0]
    ),
    ANY.filter(lambda text: "/" not in text and "*" not in text).map(lambda text: f"/*{text}/*;*/ */"),
    ANY.map(lambda text: "--" + text.replace("\n", " ") + "\n"),
    st.sampled_from(["(a)", "(;)", ",", "1", "::", "<>", "\n"]),
)
STATEMENTS = st.tuples(WORDS, st.lists(PARTS, max_size=8), WORDS).map(lambda parts: " ".join([parts[0], *parts[1], parts[2]]))


@given(st.lists(STATEMENTS, max_size=5))
def test_joining_statements_and_splitting_gives_them_back(statements: list[str]) -> None:
    """Whatever is inside them."""
    assert texts("".join(f"{statement};\n" for statement in statements)) == statements


@given(st.text(st.sampled_from(list("ab;'\"$\\-/*\n \teEcopyfrmstdin.")), max_size=60))
def test_any_text_is_split_or_refused(text: str) -> None:
    """Never an endless loop, never an error of another kind; no piece is empty."""
    with suppress(UsageError):
        assert all(piece.sql.strip() for piece in pieces(text))
