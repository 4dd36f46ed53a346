"""The command `mwaalib`."""
