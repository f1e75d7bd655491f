"""What revisions do to a live database: effects as values, and how they are judged."""
