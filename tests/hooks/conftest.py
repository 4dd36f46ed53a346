from support.stubbed import stub

__all__ = ["stub"]
