#!/usr/bin/env python3
"""Publishes a flood to a Fanfare server on loopback beside two good readers and hostile ones, and prints how fast it was taken.

Usage: hostile.py PORT none|churn|never|drip SECONDS
churn: 20 readers that read nothing and come anew each second. never: 100 that never read. drip: 40 that read a little each 0.9 s."""
import socket, sys, time, threading, json
HOST="127.0.0.1"; PORT=int(sys.argv[1]); MODE=sys.argv[2]; SECS=float(sys.argv[3])
stop=time.time()+SECS
def reader(path="/sse"):
    s=socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096); s.connect((HOST,PORT))
    s.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n".encode()); return s
def churn():
    while time.time()<stop:
        ss=[reader() for _ in range(20)]; time.sleep(1)
        for s in ss: s.close()
def never():
    ss=[reader() for _ in range(100)]
    while time.time()<stop: time.sleep(0.2)
def drip():
    ss=[reader() for _ in range(40)]
    for s in ss: s.setblocking(False)
    while time.time()<stop:
        for s in ss:
            try:
                for _ in range(400): s.recv(65536)
            except BlockingIOError: pass
        time.sleep(0.9)
good=[0]
def honest():
    s=reader()
    s.settimeout(1)
    while time.time()<stop:
        try: good[0]+=s.recv(1<<20).count(b"data: ")
        except TimeoutError: pass
hs=[threading.Thread(target=honest) for _ in range(2)]
for h in hs: h.start()
if MODE!="none": threading.Thread(target={"churn":churn,"never":never,"drip":drip}[MODE],daemon=True).start()
time.sleep(0.5)
n=0; worst=0; t0=time.time()
line=b'{"all":true,"data":"'+b"x"*600+b'"}\n'; body=line*100
c=socket.create_connection((HOST,PORT)); f=c.makefile("rb")
while time.time()<stop:
    t=time.time(); c.sendall(b"POST /publish HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"%len(body)+body)
    ln=0
    while True:
        l=f.readline()
        if l.lower().startswith(b"content-length"): ln=int(l.split(b":")[1])
        if l==b"\r\n": break
    f.read(ln); n+=100; worst=max(worst,time.time()-t)
el=time.time()-t0
print(f"{MODE}: {n/el:.0f} publishes/s, worst batch {worst*1000:.0f} ms, honest got {good[0]}")
for h in hs: h.join()
