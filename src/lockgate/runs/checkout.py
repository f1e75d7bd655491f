"""What git says of the project's checkout; nothing where there is no git, or no repository."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from lockgate.errors import UsageError

_TIMEOUT_S = 5.0
# git needs no more; GIT_DIR and its like, which a hook sets, would lead it to another repository.
_VARIABLES = ("PATH", "HOME", "XDG_CONFIG_HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")


def commit_of(folder: Path, environ: Mapping[str, str]) -> str:
    """Return the commit that is checked out; empty where nobody knows."""
    return (_git(folder, environ, "rev-parse", "HEAD") or "").strip()


def marked_commit_of(folder: Path, files: Iterable[str], environ: Mapping[str, str]) -> str:
    """
    Return the commit, followed by `-dirty` (as `git describe` writes it) where one of `files` is not as it is in it.

    Args:
        files: paths that start at the folder.
    """
    commit, ours = commit_of(folder, environ), sorted(file for file in files if not file.startswith(("/", "..")))
    changed = _git(folder, environ, "status", "--porcelain", "--untracked-files=all", "--ignored", "--", *ours) if commit else ""
    return f"{commit}-dirty" if changed else commit


def untracked(folder: Path, files: Iterable[str], environ: Mapping[str, str]) -> tuple[str, ...]:
    """
    Return those of `files` that git does not know, ignored ones among them; they exist on this machine alone.

    Args:
        files: paths below the folder.
        environ: the process's; git is given a few of its variables.
    """
    wanted = [file for file in files if not file.startswith(("/", ".."))]
    places = {os.path.dirname(file) or "." for file in wanted}
    if not places:
        return ()
    others = _git(folder, environ, "ls-files", "--others", "-z", "--", *sorted(places))
    found = set((others or "").split("\0"))
    return tuple(file for file in wanted if file in found)


def changed_since(folder: Path, reference: str, environ: Mapping[str, str]) -> frozenset[Path]:
    """
    Return the files of the checkout that are new or not as they were where `reference` and HEAD parted, untracked ones among them.

    Args:
        reference: a commit, branch or tag.
    Raises:
        UsageError: `usage`: there is no git, no checkout, or no such common commit in it.
    """
    base, top = _parted(folder, reference, environ)
    changed = _git(folder, environ, "diff", "--name-only", "--diff-filter=AMR", "-z", base) or ""
    others = _git(folder, environ, "ls-files", "--others", "--exclude-standard", "--full-name", "-z", "--", ":/") or ""
    return frozenset(Path(top, name) for name in f"{changed}\0{others}".split("\0") if name)


def text_before(folder: Path, reference: str, files: Iterable[str], environ: Mapping[str, str]) -> dict[str, str]:
    """
    Return those of `files` that are not as they were where `reference` and HEAD parted, with what they held there.

    Args:
        files: paths below the folder.
    Raises:
        UsageError: as `changed_since`.
    """
    base, top = _parted(folder, reference, environ)
    changed = _git(folder, environ, "diff", "--name-only", "--diff-filter=M", "-z", base) or ""
    names = {Path(top, name).resolve(): name for name in changed.split("\0") if name}
    wanted = {file: names.get(Path(folder, file).resolve()) for file in files}
    texts = {file: _git(folder, environ, "show", f"{base}:{name}") for file, name in wanted.items() if name}
    return {file: text for file, text in texts.items() if text is not None}


def _parted(folder: Path, reference: str, environ: Mapping[str, str]) -> tuple[str, str]:
    """Return the commit where `reference` and HEAD parted, and the checkout's folder."""
    commit = _git(folder, environ, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{reference}^{{commit}}")
    base = _git(folder, environ, "merge-base", commit.strip(), "HEAD") if commit else None
    top = _git(folder, environ, "rev-parse", "--show-toplevel")
    if not base or not top:
        what = f"git finds no commit that `{reference}` and HEAD have in common"
        hint = "fetch it first; a shallow checkout (`fetch-depth: 1`) does not have it"
        raise UsageError("usage", what, str(folder), hint)
    return base.strip(), top.rstrip("\n")


def _git(folder: Path, environ: Mapping[str, str], *words: str) -> str | None:
    import subprocess  # here: a run with nothing to do asks nothing, and starts sooner without

    given = {name: environ[name] for name in _VARIABLES if name in environ} | {"GIT_OPTIONAL_LOCKS": "0"}
    command = ["git", "-C", str(folder), *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="surrogateescape", timeout=_TIMEOUT_S, check=False, env=given)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
