"""Publishes ten events to the channel `foo`, and prints each answer.

Start `fanfare serve`, open index.html, which is beside this file, in a browser, then:

    pip install requests
    python broadcast.py                          # or: python broadcast.py http://127.0.0.1:4000

The body of a POST is the data of the event, as it is. `data={"foo": "bar"}` makes requests send a form, whose body is
`foo=bar`, and that is what each item of the page's list shows. The answer has the event's id, and how many streams it
goes to.
"""

import sys

import requests

server = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:3000"

for _ in range(10):
    answer = requests.post(f"{server}/channels/foo/broadcast", data={"foo": "bar"}, timeout=10)
    answer.raise_for_status()
    print(answer.json())
