"""Schemas as values, and how one differs from another."""
