"""Who may push and read, which phones there are, and which recognisers have judged: `registry.sqlite`.

Registry   the file; safe to open from several processes
TokenBook  tokens, page links and cookies
TokenCache what the front asks on every request
Devices    phones and their names
Recognizers  name -> settings, kept for ever
"""

from gaitway.registry.cache import TokenCache
from gaitway.registry.devices import Device, Devices
from gaitway.registry.recognizers import KnownRecognizer, Recognizers
from gaitway.registry.store import Registry
from gaitway.registry.tokens import Kind, Minted, Token, TokenBook

__all__ = [
    "Device",
    "Devices",
    "Kind",
    "KnownRecognizer",
    "Minted",
    "Recognizers",
    "Registry",
    "Token",
    "TokenBook",
    "TokenCache",
]
