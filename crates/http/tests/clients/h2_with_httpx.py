"""One HTTP/2 connection of httpx: its address, and a file with the authority. multiplexed.rs says what it does and tells."""

import asyncio
import json
import signal
import ssl
import sys

import httpx

SLOW_COUNT = 8
origin, ca = sys.argv[1:]
signal.alarm(50)


def report(**what):
    print(json.dumps(what), flush=True)


async def events(response):
    async for line in response.aiter_lines():
        if line.startswith("data: "):
            data = line[6:]
            yield data if len(data) < 100 else f"{data[:3]} {len(data)}"


async def main():
    trust = ssl.create_default_context(cafile=ca)
    limits = httpx.Limits(max_connections=1)
    async with httpx.AsyncClient(http1=False, http2=True, verify=trust, timeout=30, limits=limits) as client:

        async def publish(path, body):
            answer = await client.post(origin + path, content=body)
            assert answer.status_code == 202, answer

        async with client.stream("GET", f"{origin}/sse?channel=a") as one:
            seen = asyncio.Queue()

            async def read():
                async for data in events(one):
                    seen.put_nowait(data)
                seen.put_nowait(None)

            reader = asyncio.create_task(read())
            report(open="h2" if one.http_version == "HTTP/2" else one.http_version)
            for number in range(50):
                await publish("/channels/a", str(number).encode())
            await publish("/channels/a", b"x" * (1 << 20))
            report(seen=[await seen.get() for _ in range(51)])

            async with client.stream("GET", f"{origin}/sse?channel=b") as other:
                for number in range(SLOW_COUNT):
                    await publish("/channels/b", f"{number} ".encode() + b"y" * ((1 << 20) - 100))
                await publish("/channels/a", b"beside")
                report(beside=[await seen.get()])
                behind = events(other)
                report(slow=[await anext(behind) for _ in range(SLOW_COUNT)])
                report(history=len((await client.get(f"{origin}/channels/b/history")).content))
                report(ready=True)
                assert await seen.get() is None
                assert await anext(behind, None) is None
            await reader
        report(end=True)


asyncio.run(main())
