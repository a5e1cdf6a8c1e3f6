"""The reference: what Starlette and uvicorn cost when the application does nothing."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def hello(request: Request) -> JSONResponse:
    """Answer a small JSON object."""
    return JSONResponse({"hello": "world"})


app = Starlette(routes=[Route("/", hello)])
