"""A loopback proxy that keeps websockets waiting, as a far network does."""

import asyncio
import threading
from contextlib import contextmanager, suppress
from functools import partial
from urllib.parse import urlsplit


@contextmanager
def delayed(url: str, seconds: float):
    """Give the address of a proxy before `url`; websocket data takes `seconds` longer each way.

    Order and bandwidth are kept, and all else passes at once.
    """
    started, running = threading.Event(), {}

    async def serve():
        target = urlsplit(url)
        answer = partial(_answer, target.hostname, target.port, seconds)
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        stop = asyncio.Event()
        running.update(loop=asyncio.get_running_loop(), stop=stop.set)
        running["port"] = server.sockets[0].getsockname()[1]
        started.set()
        await stop.wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    started.wait()
    try:
        yield f"http://127.0.0.1:{running['port']}"
    finally:
        running["loop"].call_soon_threadsafe(running["stop"])
        thread.join()


async def _answer(host, port, seconds, reader, writer):
    with suppress(OSError, asyncio.IncompleteReadError):  # a browser drops connections at will
        request = await reader.readuntil(b"\r\n\r\n")
        delay = seconds if b"upgrade: websocket" in request.lower() else 0
        upstream_reader, upstream_writer = await asyncio.open_connection(host, port)
        upstream_writer.write(request)
        await asyncio.gather(
            _pass_on(reader, upstream_writer, delay), _pass_on(upstream_reader, writer, delay)
        )
    writer.close()


async def _pass_on(reader, writer, delay):
    """Copy bytes in order, each chunk `delay` seconds after it came."""
    chunks, now = asyncio.Queue(), asyncio.get_running_loop().time

    async def write():
        while True:
            due, chunk = await chunks.get()
            await asyncio.sleep(due - now())
            if not chunk:
                return writer.close()
            writer.write(chunk)
            await writer.drain()

    writing = asyncio.create_task(write())
    try:
        while chunk := await reader.read(1 << 16):
            chunks.put_nowait((now() + delay, chunk))
    finally:
        chunks.put_nowait((now() + delay, b""))
        await writing
