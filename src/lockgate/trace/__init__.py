"""Watching revisions run on a scratch database; floor 2: takes no decision."""
