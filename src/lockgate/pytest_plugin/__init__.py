"""
The pytest plugin: a fresh, migrated database for every test.

Loaded by pytest wherever lockgate is installed; until a fixture is used it does nothing and imports nothing of weight.
"""
