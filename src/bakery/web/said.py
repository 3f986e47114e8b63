"""What a page says after a change, by key. Only these sentences can be shown."""

from collections.abc import Mapping

SAID: Mapping[str, str] = {
    "password-changed": "Password changed. Your other sessions have ended.",
    "password-reset": "Password changed. Sign in with it.",
    "profile-saved": "Profile saved.",
    "preferences-saved": "Preferences saved.",
    "second-factor-off": "The second factor is off.",
    "session-ended": "That session has ended.",
    "sessions-ended": "You are signed in here only.",
    "token-revoked": "Token revoked. Programs that use it are refused from now on.",
    "cli-confirmed": "The command line is let in.",
    "cli-refused": "The command line was refused.",
    "settings-saved": "Settings saved.",
    "access-changed": "Access saved.",
    "person-suspended": "Suspended. Their sessions and tokens no longer work.",
    "person-unsuspended": "They may sign in again.",
    "person-removed": "Removed.",
    "invite-revoked": "The invitation no longer works.",
    "app-deleted": "App deleted.",
    "restarting": "Restarting.",
    "stopping": "Stopping.",
    "starting": "Starting.",
    "cancelling": "Cancelling. The live release stays as it is.",
}
