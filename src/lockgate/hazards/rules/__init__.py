"""One hazard, one module; its page in `docs/hazards` has the hazard's id, its test the module's name."""
