"""Hooks, one module per service."""
