"""What a program gets for an upload and gives back to deploy it: signed, so that nobody can name another's file."""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec

from bakery.delivery.uploads import Upload
from bakery.model.errors import BadInput
from bakery.model.secret import Secret


def write_source_id(key: Secret, app: str, upload: Upload) -> str:
    """Good for this app only."""
    content = urlsafe_b64encode(msgspec.json.encode(upload))
    return f"{content.decode()}.{_signature(key, app, content)}"


def read_source_id(key: Secret, app: str, text: str) -> Upload:
    content, _, signature = text.encode("utf-8", "replace").rpartition(b".")
    if not hmac.compare_digest(signature, _signature(key, app, content).encode()):
        raise BadInput(f"This is not a source of {app}.", field="source", hint="Upload it first, to …/sources.")
    return msgspec.json.decode(urlsafe_b64decode(content), type=Upload)


def _signature(key: Secret, app: str, content: bytes) -> str:
    message = f"source {app} ".encode() + content
    return hmac.new(key.reveal().encode(), message, hashlib.sha256).hexdigest()
