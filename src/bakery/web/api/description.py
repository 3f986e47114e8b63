"""The description of the API, for programs that make programs."""

from litestar import Response, get
from litestar.serialization import encode_json

from bakery.model.permissions import Permission
from bakery.web.context import WebRequest


@get("/openapi.json", opt={"permission": Permission.PUBLIC}, include_in_schema=False, sync_to_thread=False)
def openapi(request: WebRequest) -> Response[bytes]:
    """It is made when somebody asks for it first, and stays."""
    state = request.app.state
    if "openapi" not in state:
        state["openapi"] = encode_json(request.app.openapi_schema.to_schema())
    return Response(state["openapi"], media_type="application/vnd.oai.openapi+json")


ROUTES = (openapi,)
