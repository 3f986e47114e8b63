"""The errors that Bakery raises on purpose.

BakeryError
├── BadInput          a value that somebody gave is not acceptable; names the field
├── NotAllowed        the actor may not do this
│   └── NotSignedIn   nobody is signed in, or not completely
├── NotFound          there is no such thing, or it does not exist for this actor
├── Conflict          the thing is not in a state for this
│   └── ChangedMeanwhile   somebody else saved it first
├── TooMany           slow down; says for how long
├── Unavailable       a part that we need is away for a moment
├── NotReady          the installation cannot start like this; says what to do
├── NoSpace           a disk is full
├── NodeUnreachable   a machine did not answer
└── CommandFailed     a command on a machine ended with an error
"""


class BakeryError(Exception):
    """A sentence for the person, and a hint for what to do next."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class BadInput(BakeryError):
    """A value is not acceptable. `field` is its name in the form, the JSON body or on the command line."""

    def __init__(self, message: str, *, field: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.field = field


class NotAllowed(BakeryError):
    """The actor may not do this."""


class NotSignedIn(NotAllowed):
    """Nobody is signed in, or the second factor is still missing."""


class NotFound(BakeryError):
    """There is no such thing, or it does not exist for this actor."""


class Conflict(BakeryError):
    """The thing is not in a state for this."""


class ChangedMeanwhile(Conflict):
    """The thing is no longer what the change was made from: saving would undo what somebody else did."""


class TooMany(BakeryError):
    """Slow down."""

    def __init__(self, message: str, *, retry_after: int, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class Unavailable(BakeryError):
    """A part that we need is away for a moment."""

    def __init__(self, message: str, *, retry_after: int = 2, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class NotReady(BakeryError):
    """The installation cannot start like this. The hint says what to do."""


class NoSpace(BakeryError):
    """A disk is full."""


class NodeUnreachable(BakeryError):
    """A machine did not answer."""


class NotUnderstood(NodeUnreachable):
    """It answered, in words that mean nothing to us. Asking again does not help."""


class CommandFailed(BakeryError):
    """A command on a machine ended with an error."""

    def __init__(self, message: str, *, exit_status: int, output: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.exit_status = exit_status
        self.output = output
