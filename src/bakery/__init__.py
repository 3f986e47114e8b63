"""Bakery: a self-hosted deployment manager."""

__version__ = "0.1.0"
