"""The one trigger that serves every wait."""
