"""lockgate's own version, for the ledger and `--version`; `pyproject.toml` says the same (test)."""

__version__ = "0.1.0"
