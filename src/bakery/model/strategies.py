"""How a new release takes the place of the old one."""

from enum import StrEnum


class Strategy(StrEnum):
    BLUE_GREEN = "blue-green"
    RECREATE = "recreate"  # the old one ends before the new one begins
