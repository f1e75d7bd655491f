"""Where an environment's URL comes from: one module per kind of source, fetched at connect and never kept."""
