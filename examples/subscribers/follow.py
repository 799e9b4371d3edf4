"""Follows a stream of Fanfare, and comes back when it ends. Needs Python 3.9 and nothing else.

    python3 follow.py http://127.0.0.1:3000/channels/news

A token comes from FANFARE_TOKEN, if the server wants one.
"""

import http.client
import os
import sys
import time
import urllib.error
import urllib.request

# Three heartbeats of the server. After this silence the connection is taken to be dead.
SILENCE_S = 45


def follow(url, token=None, last_event_id=""):
    """Gives each event as (type, data, id). Goes on for ever.

    Raises RuntimeError when the server refuses the stream.
    """
    wait = 3.0
    while True:
        headers = {"Accept": "text/event-stream"}
        if last_event_id:
            headers["Last-Event-ID"] = last_event_id
        if token:
            headers["Authorization"] = f"Bearer {token}"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=SILENCE_S) as response:
                kind, data, event_id = "message", [], None
                for line in response:
                    if not line.endswith(b"\n"):
                        break  # It is cut off.
                    field, _, value = line.decode().rstrip("\n").partition(":")
                    value = value[1:] if value.startswith(" ") else value
                    if line == b"\n":
                        if event_id is not None:
                            last_event_id = event_id
                        if data:
                            yield kind, "\n".join(data), last_event_id
                        kind, data, event_id = "message", [], None
                    elif field == "data":
                        data.append(value)
                    elif field == "event":
                        kind = value
                    elif field == "id":
                        event_id = value
                    elif field == "retry" and value.isdigit():
                        wait = int(value) / 1000
        except urllib.error.HTTPError as error:
            if 400 <= error.code < 500 and error.code != 429:
                raise RuntimeError(f"{error.code}: {error.read().decode(errors='replace')}") from None
            retry_after = error.headers.get("Retry-After", "")
            wait = int(retry_after) if retry_after.isdigit() else wait
        except (OSError, http.client.HTTPException):
            pass  # The network: it is tried again.
        time.sleep(wait)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: follow.py URL")
    try:
        for kind, data, _ in follow(sys.argv[1], os.environ.get("FANFARE_TOKEN")):
            # fanfare.cursor only tells a position, and fanfare.gap that events are missing: load your state anew.
            if kind != "fanfare.cursor":
                print(f"{kind}: {data}", flush=True)
    except RuntimeError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        pass
