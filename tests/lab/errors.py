"""What goes wrong with the lab itself, never with what is tested in it."""


class LabError(Exception):
    """A sentence that says what the lab is missing or what did not work."""
