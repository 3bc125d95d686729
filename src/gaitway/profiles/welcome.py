"""What `serve` prints: the page's one-time link, and address, token and code for a phone."""

from dataclasses import dataclass

from gaitway.config import Settings
from gaitway.ingest.names import is_loopback, lan_address
from gaitway.profiles.folder import DataFolder
from gaitway.registry import Registry, TokenBook
from gaitway.web.setup import phone_link, qr_text


@dataclass(frozen=True, slots=True)
class Welcome:
    """Addresses and fresh tokens. Tokens are empty where nobody needs one."""

    page: str
    address: str
    token: str
    link: str
    """Opens the app on the phone and sets it up."""

    def text(self, data: str) -> str:
        """For a person at a terminal."""
        lines = ["", f"  Gaitway keeps everything in {data}", "", f"  Page     {self.page}"]
        if self.token:
            lines[-1] += "   (opens once, within 10 minutes; `gaitway token page` makes another)"
        lines.append(f"  Phone    {self.address}")
        if self.token:
            lines += [
                f"  Token    {self.token}",
                "",
                "  Scan with the phone; the code carries address and token:",
            ]
            lines.append(qr_text(self.link))
        lines += ["", "  Stop with Ctrl-C.", ""]
        return "\n".join(lines)


def welcome(settings: Settings) -> Welcome:
    """Mint what a first visit needs; a server that listens to this machine alone needs no tokens."""
    if _serves_itself_alone(settings):
        own = _own_address(settings)
        return Welcome(f"{own}/", f"{own}/data", "", "")
    own = base_address(settings)
    registry = Registry(DataFolder(settings.data).registry)
    try:
        book = TokenBook(registry)
        token = book.setup_token().text
        page = f"{own}/link/{book.page_link().text}"
    finally:
        registry.close()
    return Welcome(page, f"{own}/data", token, phone_link(own, token))


def addresses(settings: Settings) -> str:
    """For a journal, which others read: where the server is, and nothing that lets anybody in. Mints nothing."""
    lines = [f"Gaitway keeps everything in {settings.data}"]
    if _serves_itself_alone(settings):
        own = _own_address(settings)
        return "\n".join([*lines, f"Page     {own}/", f"Phone    {own}/data"])
    own = base_address(settings)
    return "\n".join(
        [
            *lines,
            f"Page     {own}/   (`gaitway token page` makes a link)",
            f"Phone    {own}/data   (`gaitway token add` makes a token)",
        ]
    )


def _serves_itself_alone(settings: Settings) -> bool:
    return is_loopback(settings.host) and not settings.proxy and not settings.public_names


def _own_address(settings: Settings) -> str:
    host = settings.host
    return f"http://{'localhost' if host == '127.0.0.1' else f'[{host}]' if ':' in host else host}:{settings.port}"


def base_address(settings: Settings) -> str:
    """Where others reach this server."""
    if settings.public_names:
        scheme = "https" if settings.proxy else "http"
        return f"{scheme}://{settings.public_names[0]}" + ("" if settings.proxy else f":{settings.port}")
    host = lan_address() if settings.host in ("0.0.0.0", "::") else settings.host
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
