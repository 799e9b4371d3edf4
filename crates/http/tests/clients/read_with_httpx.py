"""Reads a stream with httpx-sse: URL."""

import json
import signal
import sys

import httpx
import httpx_sse

signal.alarm(50)
with httpx.Client(timeout=30) as client:
    with httpx_sse.connect_sse(client, "GET", sys.argv[1]) as source:
        source.response.raise_for_status()
        print(json.dumps({"open": True}), flush=True)
        for event in source.iter_sse():
            print(json.dumps({"event": event.event, "id": event.id, "data": event.data}), flush=True)
