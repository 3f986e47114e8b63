"""Reaching a machine: running commands, keeping units running, sending traffic to them."""
