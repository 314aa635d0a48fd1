"""Retail Pulse turns store-visit photos into facts: fetched safely, measured, kept exactly once."""

__version__ = "0.1.0"
