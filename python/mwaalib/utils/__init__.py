"""Names that users of the incumbent import from its `utils`."""
