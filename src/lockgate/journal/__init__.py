"""The journal of a revision's statements, as values: what was begun, what was done, and what follows from that for the next run."""
