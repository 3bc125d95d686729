"""The page itself: its files, the one-time link that opens it, and what a browser asks for on the side."""

import asyncio
from typing import Any

from litestar import Request, Response, get
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from gaitway.errors import TokenError
from gaitway.ingest.gate import COOKIE
from gaitway.registry import TokenBook
from gaitway.registry.tokens import COOKIE_SECONDS
from gaitway.web.pages import Pages, Reply


class Shell:
    """The page's files and links."""

    def __init__(self, pages: Pages, tokens: TokenBook) -> None:
        self.pages = pages
        self.tokens = tokens

    def file(self, request: Request[Any, Any, Any], path: str, status: int = 200) -> Response[bytes]:
        """A file of the page. Raises NotFoundException."""
        accept = request.headers.get("accept-encoding", "")
        reply = self.pages.reply(path, accept=accept, known=request.headers.get("if-none-match", ""), status=status)
        if reply is None:
            raise NotFoundException("there is no such page")
        return _response(reply)


def _response(reply: Reply) -> Response[bytes]:
    headers = dict(reply.headers)
    kind = headers.pop("content-type", "text/plain")
    return Response(reply.body, status_code=reply.status, headers=headers, media_type=kind)


@get("/", include_in_schema=False, sync_to_thread=False)
def index(request: Request[Any, Any, Any], shell: NamedDependency[Shell]) -> Response[bytes]:
    """The page. Without a cookie it comes with 401, and says how to get a link."""
    if request.scope.get("gaitway.locked", False):
        return shell.file(request, "locked.html", 401)
    return shell.file(request, "index.html")


@get(["/static/{path:path}", "/{path:path}"], include_in_schema=False, sync_to_thread=False)
def asset(request: Request[Any, Any, Any], shell: NamedDependency[Shell], path: FromPath[str]) -> Response[bytes]:
    """One of the page's files."""
    return shell.file(request, path.strip("/").removeprefix("static/"))


@get("/link/{link:str}", include_in_schema=False)
async def open_page(
    request: Request[Any, Any, Any], shell: NamedDependency[Shell], link: FromPath[str]
) -> Response[Any]:
    """Take a one-time link: it is used up, its bearer gets a cookie, and goes on to the page."""
    try:
        minted = await asyncio.to_thread(shell.tokens.open_page, link)
    except TokenError:
        # The page itself says what to do. A browser that has a cookie already is simply let in.
        return Response(b"", status_code=303, headers={"location": "/"})
    secure = request.headers.get("x-forwarded-proto", "").lower() == "https" or request.url.scheme == "https"
    cookie = Cookie(
        key=COOKIE,
        value=minted.text,
        path="/",
        max_age=COOKIE_SECONDS,
        httponly=True,
        samesite="strict",
        secure=secure,
    )
    return Response(b"", status_code=303, headers={"location": "/"}, cookies=[cookie])


SHELL = (index, asset, open_page)
