"""One TLS connection that never blocks the loop.

The server's certificate, its dates and its name are always checked: nothing here
turns that off. OSError, ValueError (MicroPython's form of a refused certificate)
and EOFError leave as they are; explain() puts them into words.

Constraint: only keep_flushing() and receive() touch an open socket, each in one task.
So the owner can cancel those two and then close, and nobody is left waiting on a
closed socket (asyncio would never wake that task again). send() alone never waits.
"""

import asyncio
import errno
import select
import socket
import ssl

_CONNECT_POLL_MS = 10
_UNSENT_POLL_MS = 10
_MOST_UNSENT = 64  # packets; a broker that reads nothing must not fill the heap
_EPIPE = 32  # MicroPython's errno lacks its name
_NO_MEMORY = "the box has no memory left for a connection: it tries again"
_EOF_IN_TLS = -0x7280  # Mbed TLS: the TCP connection ended without a closing message

# Mbed TLS says why it refused a certificate; what a person can do about it.
_CERTIFICATE_FAULTS = (
    ("starts in the future", "the server's certificate is not valid yet: check the box's clock"),
    ("has expired", "the server's certificate has expired: renew it, or check the box's clock"),
    ("Common Name", "the server's certificate is for another name: check the receiver's name in the settings"),
    ("not correctly signed", "the server's certificate is not signed by this box's CA: enrol the box again"),
)
_NETWORK_FAULTS = {
    errno.ECONNREFUSED: "nobody listens at the receiver's address and port",
    errno.ECONNRESET: "the other side broke the connection",
    _EPIPE: "the other side broke the connection",
    errno.EHOSTUNREACH: "the receiver cannot be reached: check its address and the network",
    errno.ENOBUFS: "the other side takes no more data",
    errno.ECONNABORTED: "the network broke the connection: check the Wi-Fi",
    errno.ETIMEDOUT: "the other side does not answer: check its address and the network",
    errno.ENOTCONN: "the connection is gone",
    errno.ENOMEM: _NO_MEMORY,
    _EOF_IN_TLS: "the other side closed the connection",
    -0x7F00: _NO_MEMORY,  # Mbed TLS's own: no buffer for a record
}


def client_context(ca_der: bytes) -> ssl.SSLContext:
    """Trust exactly this CA certificate (DER). Raises ValueError if it is none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_mode = ssl.CERT_REQUIRED  # type: ignore[attr-defined] # the stubs lack it
    context.load_verify_locations(cadata=ca_der)
    return context


def explain(error: BaseException) -> str:
    """Why a connection could not be made or was lost, as a sentence for people."""
    if isinstance(error, EOFError):
        return "the other side closed the connection"
    if isinstance(error, OSError):
        number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        # Under TLS the chip gives the socket's own numbers with their sign turned.
        known = _NETWORK_FAULTS.get(number) or _NETWORK_FAULTS.get(-number)
        if not known and -0x8000 < number < -0x6000:  # Mbed TLS's own
            return "what answers at the receiver's address does not speak TLS as it should (%s)" % error
        return known or "the network failed: %s" % error
    text = str(error)
    for mark, sentence in _CERTIFICATE_FAULTS:
        if mark in text:
            return sentence
    return " ".join(text.split())


def _readable(plain):
    """Wait until there is something to read; a generator, which MicroPython can await.

    On the TCP socket instead of the TLS one: the unix port looks at whatever is no file
    descriptor only once a millisecond, and every turn of the whole loop would take that long.
    """
    yield asyncio.core._io_queue.queue_read(plain)  # type: ignore[attr-defined]  # the stubs lack it


class TlsLink:
    """Open once, then send() from anywhere while one task runs keep_flushing() and one receive()."""

    def __init__(self) -> None:
        self._sockets: list = []
        self._unsent: list = []
        self._flushing = False
        self._wake = asyncio.Event()
        self._more_to_read = True

    async def open(
        self, context: ssl.SSLContext, address: str, port: int, server_hostname: str, first_packet: bytes
    ) -> None:
        """Connect to an IP address and write the first packet, which drives the TLS handshake."""
        try:
            info = socket.getaddrinfo(address, port, 0, socket.SOCK_STREAM)[0]
        except OSError:  # with a code of the resolver's own, which says nothing to a person
            raise OSError(errno.EHOSTUNREACH) from None
        plain = self._plain = socket.socket(info[0], info[1], info[2])
        # Kept beside the TLS socket, which forgets it unclosed when a handshake fails.
        self._sockets.append(plain)
        await _connect(plain, info[-1])
        secure = self._secure = context.wrap_socket(
            plain, server_hostname=server_hostname, do_handshake_on_connect=False
        )
        self._sockets.append(secure)
        self._writer = asyncio.StreamWriter(secure, {})
        self._writer.write(first_packet)
        await self._writer.drain()

    def send(self, packet: bytes) -> None:
        """Write a packet now, or queue it; never waits. Raises OSError when the other side takes nothing."""
        if len(self._unsent) >= _MOST_UNSENT:
            raise OSError(errno.ENOBUFS)
        if self._flushing:
            self._unsent.append(packet)
        else:
            self._flushing = True
            self._writer.write(packet)
            self._wake.set()

    async def ready_for_more(self) -> None:
        """Wait while so much is unsent that nothing should be read that wants an answer."""
        while len(self._unsent) > _MOST_UNSENT // 2:
            await asyncio.sleep_ms(_UNSENT_POLL_MS)

    async def keep_flushing(self) -> None:
        """Finish what send() began.

        One packet at a time: a TLS write that would block has to be repeated with the very same bytes,
        and StreamWriter.drain() loses what is written while it waits.
        """
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._writer.drain()
            while self._unsent:
                self._writer.write(self._unsent.pop(0))
                await self._writer.drain()
            self._flushing = False

    async def receive(self, room: memoryview) -> int:
        """Read into `room`; how many bytes. Raises EOFError when the other side has closed."""
        count = None
        while count is None:  # as long as there is half a TLS record
            # A read that did not fill the room has emptied both the socket and the TLS layer's buffer.
            await (asyncio.sleep_ms(0) if self._more_to_read else _readable(self._plain))
            count = self._secure.readinto(room)
            self._more_to_read = count == len(room)
        if count == 0:
            raise EOFError
        return count

    def close(self) -> None:
        """Close at once. Safe at any time and more than once, after the tasks on it were cancelled."""
        while self._sockets:
            self._sockets.pop().close()


async def _connect(plain: socket.socket, address) -> None:
    plain.setblocking(False)
    try:
        plain.connect(address)
    except OSError as error:
        if error.errno != errno.EINPROGRESS:
            raise
    poller = select.poll()
    poller.register(plain, select.POLLOUT)
    while not poller.poll(0):
        await asyncio.sleep_ms(_CONNECT_POLL_MS)
