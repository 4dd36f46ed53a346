"""Help for testing code that runs AWS work through mwaalib.

:mod:`mwaalib.testing.plugin` is a pytest plugin, :mod:`mwaalib.testing.standin` an AWS of one's own.
"""
