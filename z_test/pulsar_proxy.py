"""A TCP proxy on 127.0.0.1 between a Pulsar client and a broker: records the frames of both directions, and breaks the line on command.

The broker must send clients back to the proxy in its lookups, which its --advertised-port does:

    with Proxy() as proxy, Broker(folder, "--advertised-port", proxy.port) as broker:
        proxy.target = broker.proxied_service
        client = broker.official_client(proxy.service)
        proxy.on_frame = lambda direction, name, frame: "cut-after" if name == "SEND" else None

For TLS: Proxy(target=broker.tls_service, frames=False). That needs no --advertised-port: a standalone broker answers lookups with
proxy_through_service_url, so that clients dial the proxy again and put the broker's own address into CONNECT.

Directions are ">" (client to broker) and "<" (broker to client). Set faults at any time and from any thread; heal() takes all of them away.
"""
import asyncio
import contextlib
import socket
import struct
import threading
import time
from collections import namedtuple

COMMANDS = dict(enumerate(
    "CONNECT CONNECTED SUBSCRIBE PRODUCER SEND SEND_RECEIPT SEND_ERROR MESSAGE ACK FLOW UNSUBSCRIBE SUCCESS ERROR CLOSE_PRODUCER CLOSE_CONSUMER "
    "PRODUCER_SUCCESS PING PONG REDELIVER_UNACKNOWLEDGED_MESSAGES PARTITIONED_METADATA PARTITIONED_METADATA_RESPONSE LOOKUP LOOKUP_RESPONSE "
    "CONSUMER_STATS CONSUMER_STATS_RESPONSE REACHED_END_OF_TOPIC SEEK GET_LAST_MESSAGE_ID GET_LAST_MESSAGE_ID_RESPONSE ACTIVE_CONSUMER_CHANGE "
    "GET_TOPICS_OF_NAMESPACE GET_TOPICS_OF_NAMESPACE_RESPONSE GET_SCHEMA GET_SCHEMA_RESPONSE AUTH_CHALLENGE AUTH_RESPONSE ACK_RESPONSE "
    "GET_OR_CREATE_SCHEMA GET_OR_CREATE_SCHEMA_RESPONSE".split(), start=2))
LARGEST_FRAME = 6 * 1024 * 1024
CHUNK = 64 * 1024

Recorded = namedtuple("Recorded", "connection direction name frame at")


def command_of(frame):
    """The name of a frame's command: its type is the first field of the protobuf message behind two sizes."""
    if len(frame) < 10 or frame[8] != 0x08:
        return "UNKNOWN"
    number = frame[9] & 0x7F
    return COMMANDS.get(number, f"TYPE_{number}")


class Splitter:
    """Bytes as they come, frames as they are."""

    def __init__(self):
        self.rest = bytearray()

    def feed(self, data):
        self.rest += data
        frames = []
        while len(self.rest) >= 4:
            size = 4 + struct.unpack_from(">I", self.rest)[0]
            if size > LARGEST_FRAME:
                raise ValueError(f"a frame of {size} bytes: that is not Pulsar, or it is TLS (frames=False)")
            if len(self.rest) < size:
                break
            frames.append(bytes(self.rest[:size]))
            del self.rest[:size]
        return frames


class Connection:
    def __init__(self, number, client, broker):
        self.number, self.client, self.broker = number, client, broker  # writers
        self.swallowed = False  # bytes are missing: it can never be healed

    def cut(self, reset=True):
        for writer in (self.client, self.broker):
            close(writer, reset)


def close(writer, reset):
    if writer.transport.is_closing():
        return
    if reset:
        with contextlib.suppress(OSError):
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    else:
        writer.close()


class Proxy:
    """Faults: on_frame, refuse, delay, one_byte, black_hole(), cut()."""

    def __init__(self, target=None, port=0, frames=True, record=False):
        self.target = target  # "pulsar://127.0.0.1:6650" or "127.0.0.1:6650"; may be set later
        self.frames = frames  # False: bytes are passed as they come (TLS), nothing is recorded, on_frame is not asked
        self.record = record
        self.recorded = []
        self.bytes = {">": 0, "<": 0}  # that were passed on
        self.accepted = 0
        self.heal()
        self._connections, self._tasks = set(), set()
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="pulsar-proxy", daemon=True)
        self._ready = threading.Event()
        self._thread.start()
        self._ready.wait(10)

    @property
    def service(self):
        return f"pulsar://127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ---- faults

    def heal(self):
        """No fault any more. Connections that lost bytes in a black hole are cut."""
        self.on_frame = None    # (direction, name, frame) -> None, "drop", "cut" (before it is passed on) or "cut-after"
        self.refuse = False     # new connections are reset at once
        self.delay = 0.0        # seconds that every piece takes in each direction; order and throughput stay
        self.one_byte = False   # every byte is a packet of its own
        self._hole = {">": None, "<": None}  # bytes that still pass before all others vanish
        if hasattr(self, "_loop"):
            self._call(lambda: [each.cut() for each in self._connections if each.swallowed])

    def cut(self, reset=True):
        """Ends all connections: with RST, or with FIN. Returns how many."""
        def all_of_them():
            count = len(self._connections)
            for each in self._connections:
                each.cut(reset)
            return count
        return self._call(all_of_them)

    def black_hole(self, after=0, directions="><"):
        """After so many more bytes of a direction nothing of it is passed on, while everything is still accepted. Until heal()."""
        for direction in directions:
            self._hole[direction] = after

    @property
    def connections(self):
        return len(self._connections)

    # ---- what was recorded

    def frames_of(self, direction, name=None):
        return [each for each in list(self.recorded) if each.direction == direction and name in (None, each.name)]

    def clear(self):
        self.recorded = []

    # ---- inside: everything below runs in the proxy's thread

    def _call(self, function):
        """Runs a function in the proxy's thread."""
        if threading.current_thread() is self._thread:
            return function()
        async def run():
            return function()
        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(10)

    def _run(self):
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, sock=self._listener, limit=CHUNK))
        self._loop.call_soon(self._ready.set)
        try:
            self._loop.run_forever()
        finally:
            server.close()
            for each in list(self._connections):
                each.cut()
            for task in list(self._tasks):
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*self._tasks, return_exceptions=True))
            self._loop.close()

    async def _serve(self, client_reader, client):
        self._tasks.add(asyncio.current_task())
        asyncio.current_task().add_done_callback(self._tasks.discard)
        self.accepted += 1
        if self.refuse or not self.target:
            close(client, True)
            return
        host, port = self.target.split("//")[-1].rsplit(":", 1)
        try:
            broker_reader, broker = await asyncio.open_connection(host, int(port), limit=CHUNK)
        except OSError:
            close(client, True)
            return
        for writer in (client, broker):
            writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(self.accepted, client, broker)
        self._connections.add(connection)
        try:
            await asyncio.gather(self._pump(connection, ">", client_reader, broker), self._pump(connection, "<", broker_reader, client))
        finally:
            connection.cut(reset=False)
            self._connections.discard(connection)

    async def _pump(self, connection, direction, reader, writer):
        """One direction: reads, asks on_frame, and hands to the second half, which delays and writes. The queue bounds what is between them."""
        pieces = asyncio.Queue(maxsize=256)
        second_half = asyncio.ensure_future(self._write(connection, direction, pieces, writer))
        splitter = Splitter()
        try:
            while data := await reader.read(CHUNK):
                for piece in splitter.feed(data) if self.frames else [data]:
                    verdict = None
                    if self.frames:
                        name = command_of(piece)
                        if self.record:
                            self.recorded.append(Recorded(connection.number, direction, name, piece, time.monotonic()))
                        verdict = self.on_frame and self.on_frame(direction, name, piece)
                    if verdict == "cut":
                        connection.cut()
                        return
                    if verdict != "drop":
                        await pieces.put((time.monotonic() + self.delay, piece))
                    if verdict == "cut-after":
                        # What was passed on must arrive: its receiver gets a FIN, which follows the data; a RST could overtake it.
                        await pieces.put(None)
                        await second_half
                        close(writer, False)
                        connection.cut()
                        return
        except (OSError, asyncio.IncompleteReadError):
            connection.cut()
        finally:
            if connection.client.transport.is_closing():
                second_half.cancel()
            else:
                await pieces.put(None)
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await second_half
            close(writer, False)

    async def _write(self, connection, direction, pieces, writer):
        while (entry := await pieces.get()) is not None:
            due, piece = entry
            if (wait := due - time.monotonic()) > 0:
                passed = self._loop.create_future()
                self._loop.call_later(wait, lambda future=passed: future.done() or future.set_result(None))
                await passed
            hole = self._hole[direction]
            if hole is not None:
                connection.swallowed |= len(piece) > hole
                piece = piece[:hole]
                self._hole[direction] = hole - len(piece)
            self.bytes[direction] += len(piece)
            try:
                for part in [piece[i:i + 1] for i in range(len(piece))] if self.one_byte else [piece]:
                    if part and not writer.transport.is_closing():
                        writer.write(part)
                        await writer.drain()
            except OSError:
                connection.cut()  # and empties the queue, so that the first half is not held

    def close(self):
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
