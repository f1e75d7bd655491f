"""WorkDataHub."""
