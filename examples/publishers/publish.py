"""Publishes one event to Fanfare, once, also when it has to ask again. Needs Python 3.9 and nothing else.

    python3 publish.py http://127.0.0.1:3000/channels/news "hello" tick

The key comes from FANFARE_PUBLISH_KEY, if the server has one.
"""

import http.client
import json
import os
import random
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

ATTEMPTS = 5
TIMEOUT_S = 10
# These say that the server, or a proxy in front of it, is away for a moment.
ASK_AGAIN = {502, 503, 504}


def publish(url, data, event=None, key=os.environ.get("FANFARE_PUBLISH_KEY")):
    """Returns the server's answer: {"id": ..., "matched": ...}.

    Raises RuntimeError when the server refuses the event, or when it cannot be reached.
    """
    if event:
        url += ("&" if "?" in url else "?") + urllib.parse.urlencode({"event": event})
    headers = {
        "Content-Type": "text/plain; charset=utf-8",
        # The same in each attempt, so that the event is published once.
        "Idempotency-Key": str(uuid.uuid4()),
    }
    if key:
        headers["Authorization"] = f"Bearer {key}"
    # Data in bytes makes it a POST.
    request = urllib.request.Request(url, data.encode(), headers)

    reason = None
    for attempt in range(ATTEMPTS):
        seconds = 2**attempt * random.uniform(0.5, 1.5) / 4
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            reason = f"{error.code}: {error.read().decode(errors='replace')}"
            if error.code not in ASK_AGAIN:
                break
            retry_after = error.headers.get("Retry-After", "")
            seconds = int(retry_after) if retry_after.isdigit() else seconds
        except (OSError, ValueError, http.client.HTTPException) as error:
            # Nobody knows whether the event was published. With the same key it may be sent again.
            reason = str(error)
        if attempt + 1 < ATTEMPTS:
            time.sleep(seconds)
    raise RuntimeError(reason)


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit("usage: publish.py URL DATA [TYPE]")
    try:
        print(json.dumps(publish(*sys.argv[1:])))
    except RuntimeError as error:
        sys.exit(str(error))
