"""Reads a stream with sseclient-py, on requests: URL."""

import json
import signal
import sys

import requests
import sseclient

signal.alarm(50)
response = requests.get(sys.argv[1], stream=True, timeout=30)
response.raise_for_status()
print(json.dumps({"open": True}), flush=True)
for event in sseclient.SSEClient(response).events():
    print(json.dumps({"event": event.event, "id": event.id, "data": event.data}), flush=True)
