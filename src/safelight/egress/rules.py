"""Where one client may connect. Decides, and connects nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from safelight.egress.addresses import denied, is_own, no_name_leads_there
from safelight.values.targets import PORT_MAX, Address, Target, is_host, read_address

PORT = 443


@dataclass(frozen=True, slots=True)
class Rules:
    """own: what the operator wrote as this client's own address, matched as it is written.
    allow: what he listed for everybody; a name is matched as it is written, an address or network
    wherever it comes from.

    Whoever is listed may be private, speak http, and use another port than 443.
    """

    own: Sequence[Target] = ()
    allow: Sequence[Target] = ()

    def before_asking(  # noqa: PLR0911  (a list of reasons)
        self, scheme: str, host: str, port: int
    ) -> str | None:
        """Why nobody is asked for the addresses of this host; None if they may be looked up."""
        if scheme not in ("https", "http"):
            return "only https is spoken"
        if not 0 < port <= PORT_MAX:
            return "there is no such port"
        if self._is_named(scheme, host, port):
            return None
        if not is_host(host):
            return "the host is spelled oddly"
        address = read_address(host)
        if address:
            return self.before_connecting(scheme, host, port, [address])
        if any(target.network for target in self.allow):
            return None  # it takes the addresses to know whether they are in it
        if "." not in host:
            return "the host is not a full name"
        return _plain(scheme, port)

    def before_connecting(
        self, scheme: str, host: str, port: int, addresses: Sequence[Address]
    ) -> str | None:
        """Why none of these is connected to: one wrong address spoils all, since who answers a
        name with a good and a bad one hopes that the bad one is taken."""
        for address in addresses:
            if self._is_named(scheme, host, port):
                if not read_address(host) and no_name_leads_there(address):
                    return f"it leads to {address}, where no name may lead"
            elif not any(target.holds(address, port) for target in self.allow):
                if why := _plain(scheme, port):
                    return why
                if what := denied(address):
                    return f"it leads to {address}, which is {what}"
                if is_own(address):
                    return f"it leads to {address}, which is this machine"
        return None

    def _is_named(self, scheme: str, host: str, port: int) -> bool:
        return any(target.is_named(scheme, host, port) for target in (*self.own, *self.allow))


def _plain(scheme: str, port: int) -> str | None:
    if scheme != "https":
        return "only https is spoken"
    return None if port == PORT else f"only port {PORT} is open"
