"""What scratch databases need of a server: making, copying, renaming and dropping whole databases of our own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from lockgate.errors import Bug
from lockgate.secret import DatabaseUrl

PREFIX = "lockgate_"  # of every database that lockgate makes for itself; others are never renamed or dropped


class Recycler(Protocol):
    """One copy of a template, and how it is given back to its state; for one thread at a time."""

    def recycle(self) -> bool:
        """
        End all other sessions, delete what was written, set sequences back.

        Returns:
            Whether everything is proved to be as in the template: schema, rows, sequences, settings of the database, large objects.
            False says nothing about the database.
        """

    def close(self) -> None:
        """Close the connection."""


class Clones(Protocol):
    """
    A server (or a folder of files) on which lockgate makes databases of its own; not to be used by two threads at once.

    Args:
        product: name and full version, as people write them.
    """

    product: str

    def url(self, name: str) -> DatabaseUrl:
        """The URL of a database here, whether it exists or not."""

    def family(self, kind: str) -> str:
        """How the names of one kind of our databases begin; whoever sees the same names sees the same locks."""

    def names(self, prefix: str) -> Sequence[str]:
        """Names of databases that begin with `prefix`, in the order in which they were made."""

    def create(self, name: str) -> None:
        """Make an empty database; Failed `permission-denied` where the role may not."""

    def clone(self, template: str, name: str, strategy: str = "") -> str:
        """
        Copy a database to which nobody is connected.

        Args:
            strategy: one of `strategies`; empty for the server's default.
        Returns:
            The moment at which the copy was complete, for `recycler`.
        """

    @property
    def strategies(self) -> Sequence[str]:
        """Ways to copy, to choose from by measuring; one empty word where there is no choice."""

    def rename(self, name: str, new: str) -> None:
        """Rename a database; sessions on it are ended."""

    def seal(self, name: str) -> None:
        """Let nobody connect to a database any more, where the server can; it can still be copied."""

    def note(self, name: str, text: str) -> None:
        """Write a note beside a database; files have none."""

    def noted(self, name: str) -> str:
        """The note beside a database; empty where there is none."""

    def picture(self, name: str) -> str:
        """Describe a database that is about to become a template, for `recycler`; empty where copies cannot be recycled."""

    def recycler(self, name: str, since: str, picture: str) -> Recycler:
        """
        Connect to a copy, to give it back to the state of its template.

        Args:
            since: what `clone` returned.
            picture: of the template; not empty.
        """

    def commons(self) -> str:
        """What all databases of the server share and a test may change (roles, settings), as text; for a server of our own."""

    def restore_commons(self, before: str) -> None:
        """
        Bring that back to what `commons` said.

        Raises:
            Failed: `database-error`, for a role that still owns something.
        """

    def configure(self, name: str, settings: Mapping[str, str]) -> None:
        """Let the sessions of a database begin with these settings, where the product has any."""

    def in_use(self, name: str) -> bool:
        """Whether somebody is connected to a database; False for files, which whoever has them open keeps."""

    def drop(self, name: str) -> None:
        """Drop a database, open sessions or not; quiet where there is none of that name."""

    def hold(self, word: str, *, shared: bool = False) -> bool:
        """Try once to take the lock called `word`, which ends with this process at the latest; whether it is held now."""

    def let_go(self, word: str, *, shared: bool = False, forever: bool = False) -> None:
        """Let go of that lock; `forever` where nobody will take it again."""

    def close(self) -> None:
        """Close the connection; locks go with it."""


def check_ours(name: str) -> str:
    """
    Return the name of a database that may be renamed or dropped.

    Raises:
        Bug: it is not one of our own.
    """
    if not name.startswith(PREFIX):
        raise Bug("internal", f"`{name}` is no database of lockgate's own; it is left alone")
    return name
