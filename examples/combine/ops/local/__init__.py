"""A stand-in for AWS on this machine: a PostgreSQL that behaves like RDS, and Secrets Manager over HTTP (moto's server)."""

from ops.local.processes import StackError
from ops.local.stack import Stack

__all__ = ["Stack", "StackError"]
