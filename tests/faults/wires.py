"""TCP between the processes of a house: wires that can be cut, stalled, made deaf, and told to lie."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from enum import Enum
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

CHUNK_BYTES = 64 * 1024
LIMIT_S = 10.0
Result = TypeVar("Result")


class Flow(Enum):
    """What a wire does with what it is given."""

    OPEN = "open"
    CUT = "cut"  # connections are closed, and new ones too
    STALLED = "stalled"  # connections are accepted and kept; nothing goes through, either way
    DEAF = "deaf"  # what the client says goes through, and each answer is lost with its connection


class Listener(Protocol):
    """What sits on one connection and may answer in the place of the server."""

    def from_client(self, data: bytes) -> tuple[bytes, bytes]:
        """Return what goes on to the server, and what goes back to the client."""

    def from_server(self, data: bytes) -> bytes:
        """Return what goes on to the client."""


class Wire:
    """One port of loopback whose connections go on to another; `port` is the one to connect to.

    Its methods may be called from any thread.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        target: int,
        listener: Callable[[], Listener] | None = None,
    ) -> None:
        self._loop, self._target, self._listener = loop, target, listener
        self._flow = Flow.OPEN
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._pairs = 0
        self.port = 0

    @property
    def connections(self) -> int:
        """How many connections to the target are open through this wire."""
        return self._pairs

    def set(self, flow: Flow) -> None:
        """Do this from now on, to connections that are there too."""
        _on(self._loop, self._changed(flow))

    async def listen(self) -> asyncio.Server:
        """Begin to accept."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _changed(self, flow: Flow) -> None:
        self._flow = flow
        if flow is Flow.CUT:
            for writer in tuple(self._writers):
                writer.transport.abort()
        if flow is Flow.STALLED:
            self._flowing.clear()
        else:
            self._flowing.set()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            await self._flowing.wait()
            if self._flow is Flow.CUT:
                return
            # `loop` is busy with nothing else, so a refusal of the target is seen by the client at once.
            upstream_reader, upstream = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            return
        else:
            await self._joined(reader, writer, upstream_reader, upstream)
        finally:
            writer.transport.abort() if self._flow is Flow.CUT else writer.close()
            self._writers.discard(writer)

    async def _joined(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        upstream_reader: asyncio.StreamReader,
        upstream: asyncio.StreamWriter,
    ) -> None:
        self._writers.add(upstream)
        self._pairs += 1
        listener = self._listener() if self._listener else None
        pumps = {
            asyncio.ensure_future(self._there(reader, upstream, writer, listener)),
            asyncio.ensure_future(self._back(upstream_reader, writer, listener)),
        }
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            upstream.close()
            self._writers.discard(upstream)
            self._pairs -= 1

    async def _there(
        self,
        reader: asyncio.StreamReader,
        upstream: asyncio.StreamWriter,
        writer: asyncio.StreamWriter,
        listener: Listener | None,
    ) -> None:
        while data := await reader.read(CHUNK_BYTES):
            await self._flowing.wait()
            answer = b""
            if listener is not None:
                data, answer = listener.from_client(data)
            if data:
                upstream.write(data)
                await upstream.drain()
            if answer:
                writer.write(answer)
                await writer.drain()

    async def _back(
        self, upstream_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener: Listener | None
    ) -> None:
        while data := await upstream_reader.read(CHUNK_BYTES):
            await self._flowing.wait()
            if self._flow is Flow.DEAF:
                writer.transport.abort()
                return
            writer.write(data if listener is None else listener.from_server(data))
            await writer.drain()


class Wires:
    """All wires of a house, in a thread of their own; leaving the `with` block closes them."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wires")
        self._servers: list[asyncio.Server] = []
        self._wires: list[Wire] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _on(self._loop, self._closed())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(LIMIT_S)
        self._loop.close()

    def to(self, target: int, listener: Callable[[], Listener] | None = None) -> Wire:
        """Return a new wire to the port `target`; each connection gets a listener of its own."""
        wire = Wire(self._loop, target, listener)
        self._servers.append(_on(self._loop, wire.listen()))
        self._wires.append(wire)
        return wire

    async def _closed(self) -> None:
        for server in self._servers:
            server.close()
        own = asyncio.current_task()
        running = [task for task in asyncio.all_tasks() if task is not own]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._loop.shutdown_asyncgens()


def _on(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Result]) -> Result:
    done: Future[Result] = asyncio.run_coroutine_threadsafe(work, loop)
    return done.result(LIMIT_S)
