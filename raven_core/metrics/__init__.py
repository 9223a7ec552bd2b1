"""Metrics of the field, free of torch."""
