"""Types and defaults in the text of a column: which of them copy a table, which do not, and which the text cannot tell."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lockgate.seeds.tree_nodes import enum_name, inner, message_name, messages

# PostgreSQL 18 manual, chapter 9, and `provolatile` of pg_proc.
_VOLATILE = frozenset(
    "random random_normal gen_random_uuid gen_random_bytes uuidv4 uuidv7 uuid_generate_v1 uuid_generate_v1mc uuid_generate_v4 "
    "clock_timestamp timeofday nextval setval".split()
)
_CALM = frozenset(
    "now statement_timestamp transaction_timestamp timezone date_trunc date_part extract age to_timestamp to_char to_date to_json to_jsonb "
    "json_build_object json_build_array jsonb_build_object jsonb_build_array array_fill string_to_array current_setting current_database "
    "current_schema make_date make_interval make_timestamp make_timestamptz lower upper md5 concat length replace substring left right trim "
    "encode decode abs round trunc ceil floor int4range int8range numrange tsrange tstzrange daterange".split()
)
_OWN = frozenset("currval lastval set_config count max min sum coalesce nullif version".split())
_SERIAL = frozenset("serial serial2 serial4 serial8 smallserial bigserial".split())
_SPELLED = {
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "bool": "boolean",
    "varchar": "character varying",
    "bpchar": "character",
    "timestamptz": "timestamp with time zone",
    "timestamp": "timestamp without time zone",
    "timetz": "time with time zone",
    "time": "time without time zone",
}
_KNOWN = frozenset(
    {*_SPELLED, *_SPELLED.values(), *_SERIAL}
    | set("numeric text date interval uuid json jsonb bytea inet cidr macaddr xml money bit varbit tsvector point name oid".split())
)
_GROWS = ("text", "character varying")  # free from a varchar, of whatever length
# Free or not by what the type was before: longer, more digits, or a TimeZone of UTC.
_DEPENDS = frozenset({"character varying", "numeric", "timestamp with time zone", "timestamp without time zone", "interval", "bit varying"})


class Known(enum.Enum):
    """What a text tells."""

    YES = "yes"
    NO = "no"
    PERHAPS = "perhaps"


@dataclass
class Column:
    """
    A column as a statement defines it.

    Args:
        rewrites: whether each row gets a value of its own, so that the table is written anew; why: what makes that so.
        constraints: nodes of those that the database keeps: primary key, unique, check, foreign key, exclusion.
    """

    name: str
    kind: str
    not_null: bool = False
    default: str = ""
    identity: bool = False
    generated: bool = False
    rewrites: Known = Known.NO
    why: str = ""
    constraints: list[Any] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        """Return them as a change of the catalog has them."""
        known = {
            "type": self.kind,
            "not_null": self.not_null,
            "default": self.default,
            "identity": self.identity,
            "generated": self.generated,
        }
        return {name: value for name, value in known.items() if value or name == "not_null"}


def column_of(node: Any) -> Column:
    """Read a `ColumnDef`."""
    kind = type_text(node.type_name)
    found = Column(node.colname, kind)
    if kind in _SERIAL:
        found.not_null, found.default, found.rewrites = True, "nextval(...)", Known.YES
    for item in node.constraints:
        constraint = inner(item)
        _add(found, constraint, enum_name(constraint, "contype"))
    if found.default and found.rewrites is Known.NO and _may_be_domain(kind):
        found.rewrites, found.why = Known.PERHAPS, f"whether `{kind}` is a domain with a constraint"
    return found


def _add(column: Column, constraint: Any, kind: str) -> None:
    if kind == "CONSTR_NOTNULL":
        column.not_null = True
    elif kind == "CONSTR_IDENTITY":
        column.not_null, column.identity, column.rewrites = True, True, Known.YES
    elif kind == "CONSTR_GENERATED":
        column.generated = True
        column.rewrites = Known.NO if constraint.generated_kind == "v" else Known.YES
    elif kind == "CONSTR_DEFAULT" and not _is_null(constraint.raw_expr):
        column.default = "..."
        column.rewrites, column.why = volatility(constraint.raw_expr)
    elif kind in ("CONSTR_PRIMARY", "CONSTR_UNIQUE", "CONSTR_CHECK", "CONSTR_FOREIGN", "CONSTR_EXCLUSION"):
        column.not_null = column.not_null or kind == "CONSTR_PRIMARY"
        column.constraints.append(constraint)


def volatility(expression: Any) -> tuple[Known, str]:
    """Return whether an expression has another value in every row, and which function leaves it open."""
    names = [inner(call.funcname[-1]).sval for call in messages(inner(expression)) if message_name(call) == "FuncCall"]
    if any(name in _VOLATILE for name in names):
        return Known.YES, ""
    unknown = next((name for name in names if name not in _CALM), "")
    return (Known.PERHAPS, f"whether `{unknown}()` is volatile") if unknown else (Known.NO, "")


def is_known_function(name: str) -> bool:
    """Whether a function is the server's own and changes no table."""
    return name in _VOLATILE or name in _CALM or name.startswith("pg_") or name in _OWN


def type_text(node: Any) -> str:
    """Return a `TypeName` as PostgreSQL prints types."""
    names = [inner(name).sval for name in node.names]
    base = names[-1] if len(names) == 1 or names[0] == "pg_catalog" else ".".join(names)
    sizes = ",".join(_numbers(node.typmods)) if base != "interval" else ""
    head, _, tail = _SPELLED.get(base, base).partition(" with")
    sized = f"{head}({sizes})" if sizes else head
    return (f"{sized} with{tail}" if tail else sized) + "[]" * len(node.array_bounds)


def copies(kind: str, using: Any) -> Known:
    """
    Return whether a column's new type copies the table.

    Args:
        using: the expression; None where there is none.
    """
    if using is not None and any(message_name(message) == "FuncCall" for message in messages(inner(using))):
        return Known.YES
    if kind in _GROWS:
        return Known.NO
    return Known.PERHAPS if kind.partition("(")[0].strip() in _DEPENDS or "timestamp" in kind else Known.YES


def _numbers(nodes: Any) -> Iterator[str]:
    for node in nodes:
        constant = inner(node)
        if message_name(constant) == "A_Const" and constant.HasField("ival"):
            yield str(constant.ival.ival)


def _may_be_domain(kind: str) -> bool:
    return kind.partition("(")[0].removesuffix("[]").strip() not in _KNOWN


def _is_null(expression: Any) -> bool:
    constant = inner(expression)
    return message_name(constant) == "A_Const" and bool(constant.isnull)
