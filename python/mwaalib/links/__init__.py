"""Links, one module per service."""
