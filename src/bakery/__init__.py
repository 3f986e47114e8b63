"""Bakery: a self-hosted deployment manager."""

from importlib.metadata import version

__version__ = version("bakery-deploy")
