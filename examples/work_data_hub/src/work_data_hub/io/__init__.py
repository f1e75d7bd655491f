"""What touches the world outside: the outer ring."""
