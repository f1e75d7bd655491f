"""
The objects of a schema, one class per kind.

`schema` is empty where the database has none. An empty text, no, and the number 1 are the ordinary case and are left out of the JSON.
No other default: msgspec leaves out what is the default's very object, and one schema must have one JSON.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

_DEFAULT_SCHEMAS = ("", "public")


def qualified(schema: str, *names: str) -> str:
    """Return a dotted name for people, without the schema that goes without saying."""
    return ".".join(names if schema in _DEFAULT_SCHEMAS else (schema, *names))


class Item(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """
    Base of all kinds.

    Args:
        word: what people call the kind.
        identity: the fields that tell which object it is; all others are compared.
        uncompared: fields that say nothing that the others do not say.
    """

    word: ClassVar[str] = ""
    identity: ClassVar[tuple[str, ...]] = ("schema", "name")
    uncompared: ClassVar[tuple[str, ...]] = ()

    @property
    def key(self) -> tuple[str, ...]:
        """The values of `identity`."""
        return tuple(getattr(self, name) for name in self.identity)

    @property
    def noun(self) -> str:
        """What people call this very object."""
        return self.word

    @property
    def path(self) -> str:
        """Dotted name, with the table's before it where it belongs to one."""
        return qualified(getattr(self, "schema", ""), *filter(None, (self.owner, getattr(self, "name", ""))))

    @property
    def owner(self) -> str:
        """Name of the table that it belongs to and goes with; empty for most kinds."""
        return str(getattr(self, "table", ""))

    @property
    def label(self) -> str:
        """For sentences: index `ix_users_email` on `users`."""
        if not self.owner:
            return f"{self.noun} `{self.path}`"
        schema = getattr(self, "schema", "")
        return f"{self.noun} `{getattr(self, 'name', '')}` on `{qualified(schema, self.owner)}`"


class Schema(Item, frozen=True):
    """A schema."""

    word: ClassVar[str] = "schema"
    identity: ClassVar[tuple[str, ...]] = ("name",)
    name: str
    comment: str = ""


class Extension(Item, frozen=True):
    """An installed extension; its version is the server's affair, not the revisions'."""

    word: ClassVar[str] = "extension"
    identity: ClassVar[tuple[str, ...]] = ("name",)
    uncompared: ClassVar[tuple[str, ...]] = ("schema",)
    name: str
    schema: str = ""

    @property
    def path(self) -> str:
        """An extension is named without its schema."""
        return self.name


class Enum(Item, frozen=True):
    """An enumerated type; `labels` in their order."""

    word: ClassVar[str] = "enum"
    schema: str
    name: str
    labels: tuple[str, ...]
    comment: str = ""


class Domain(Item, frozen=True):
    """A domain; `checks` as `name CHECK (...)`, sorted."""

    word: ClassVar[str] = "domain"
    schema: str
    name: str
    type: str
    not_null: bool = False
    default: str = ""
    collation: str = ""
    checks: tuple[str, ...] = ()
    comment: str = ""


class Type(Item, frozen=True):
    """A composite or range type, as what stands behind `AS` in its CREATE TYPE."""

    word: ClassVar[str] = "type"
    schema: str
    name: str
    definition: str
    comment: str = ""


class Sequence(Item, frozen=True):
    """
    A sequence.

    Args:
        minimum, maximum: integers as text, the type's own bounds included: JSON's numbers are not that large everywhere.
        table, column: what owns it (serial, identity); it goes with them.
    """

    word: ClassVar[str] = "sequence"
    schema: str
    name: str
    type: str
    start: int = 1
    increment: int = 1
    minimum: str = ""
    maximum: str = ""
    cache: int = 1
    cycle: bool = False
    table: str = ""
    column: str = ""
    comment: str = ""

    @property
    def path(self) -> str:
        """A sequence has a name of its own in the schema, whoever owns it."""
        return qualified(self.schema, self.name)

    @property
    def label(self) -> str:
        """Its owner is no part of its name."""
        return f"sequence `{self.path}`"


class View(Item, frozen=True):
    """A view; `kind` is `view` or `materialized view`."""

    word: ClassVar[str] = "view"
    schema: str
    name: str
    definition: str
    kind: str
    options: str = ""
    comment: str = ""

    @property
    def noun(self) -> str:
        """A materialized view is called so."""
        return self.kind


class Routine(Item, frozen=True):
    """A function, procedure or aggregate; `arguments` are a part of its name, `definition` is its whole CREATE."""

    word: ClassVar[str] = "function"
    identity: ClassVar[tuple[str, ...]] = ("schema", "name", "arguments")
    schema: str
    name: str
    arguments: str
    definition: str
    kind: str
    comment: str = ""

    @property
    def noun(self) -> str:
        """A procedure is called so."""
        return self.kind

    @property
    def label(self) -> str:
        """Overloads differ in their arguments."""
        return f"{self.kind} `{self.path}({self.arguments})`"


class Statistics(Item, frozen=True):
    """Extended statistics, whole."""

    word: ClassVar[str] = "statistics"
    schema: str
    name: str
    definition: str


class Grant(Item, frozen=True):
    """
    What one role may do with one object; it goes with the object.

    Args:
        kind: `table` (views too), `sequence`, `schema` or `function`.
        schema: empty for a schema's own.
        arguments: of a function.
        privileges: sorted, with `*` where the role may grant them on.
    """

    word: ClassVar[str] = "grant"
    identity: ClassVar[tuple[str, ...]] = ("kind", "schema", "name", "arguments", "role")
    kind: str
    schema: str
    name: str
    arguments: str
    role: str
    privileges: tuple[str, ...]

    @property
    def label(self) -> str:
        """For sentences: grant to `app` on table `users`."""
        arguments = f"({self.arguments})" if self.kind == "function" else ""
        return f"grant to `{self.role}` on {self.kind} `{self.path}{arguments}`"

    @property
    def of(self) -> tuple[tuple[str, ...], ...]:
        """Kind and identity of the object, as it may be called."""
        if self.kind == "schema":
            return (("schema", self.name),)
        if self.kind == "function":
            return (("function", self.schema, self.name, self.arguments),)
        return tuple((word, self.schema, self.name) for word in (self.kind, "view"))
