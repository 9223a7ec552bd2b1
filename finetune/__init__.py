"""Training recipes and the data they learn from."""
