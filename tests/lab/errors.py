"""What goes wrong with the lab itself, never with what is tested in it."""


class LabError(Exception):
    """A sentence that says what the lab is missing or what did not work."""


class PortTaken(LabError):
    """Somebody else got the port between our look and its use; another one will do."""
