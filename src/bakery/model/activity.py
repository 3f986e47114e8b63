"""What was done, in words: the actor before them, the target after them. “Ada” “changed the role of” “bob@…”."""

from collections.abc import Mapping

DID: Mapping[str, str] = {
    "installation.set_up": "set up Bakery as",
    "person.created": "created the account",
    "person.invited": "invited",
    "person.signed_in": "signed in as",
    "person.signed_out": "signed out",
    "person.renamed": "changed the name of",
    "person.preferences_changed": "changed the preferences of",
    "person.password_changed": "changed the password of",
    "person.password_reset": "chose a new password by link for",
    "person.reset_link_made": "made a link for a new password for",
    "person.role_changed": "changed the role of",
    "person.grants_changed": "changed which apps are seen by",
    "person.suspended": "suspended",
    "person.unsuspended": "ended the suspension of",
    "person.removed": "removed",
    "invitation.accepted": "accepted the invitation of",
    "invitation.revoked": "revoked the invitation of",
    "session.ended": "ended a session of",
    "session.others_ended": "ended the other sessions of",
    "second_factor.begun": "began a second factor for",
    "second_factor.turned_on": "turned on the second factor of",
    "second_factor.turned_off": "turned off the second factor of",
    "second_factor.recovery_codes_renewed": "renewed the recovery codes of",
    "second_factor.recovery_code_used": "used a recovery code of",
    "token.created": "created the token",
    "token.revoked": "revoked the token",
    "cli_login.confirmed": "let in the command line of",
    "cli_login.refused": "refused the command line of",
    "settings.changed": "changed the settings",
    "key.rotation_begun": "began to change",
    "key.rotated": "changed",
    "app.created": "created",
    "app.deleted": "deleted",
    "app.started": "started",
    "app.stopped": "stopped",
    "app.restarted": "restarted",
    "deployment.requested": "asked for the deployment",
    "deployment.scheduled": "scheduled the deployment",
    "deployment.cancelled": "cancelled the deployment",
    "deployment.superseded": "passed over the deployment",
    "deployment.succeeded": "finished the deployment",
    "deployment.failed": "could not finish the deployment",
}


def did(action: str) -> str:
    """An action without words yet is told as it is written: `app.created` as “app created”."""
    return DID.get(action) or action.replace(".", " ").replace("_", " ")
