"""Seeds as thought: what one promises, how its files are read, in which order seeds go, what a difference means."""
