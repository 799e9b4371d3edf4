// A hook that follows a stream of Fanfare for as long as a component is mounted.
//
//     const { state } = useEventStream(url, { onEvent, onGap, types: ["tick"] });
//
// The browser comes back by itself when a connection ends, with the last id that it has. So the hook opens one EventSource
// for each URL, and closes it when the component goes away.

import { useEffect, useRef, useState } from "react";

const NONE = [];
/** How long to wait before a stream that the browser has given up is opened anew. */
const ANEW_MS = 5000;

/**
 * @param {string | null} url the stream, or null for none
 * @param {object} options
 * @param {(event: MessageEvent) => void} options.onEvent gets each event, with `type`, `data` and `lastEventId`
 * @param {(gap: { missed: number | null, reason: string }) => void} [options.onGap] events are missing: load your state anew
 * @param {string[]} [options.types] the types to listen to; events without a type always come
 * @param {boolean} [options.withCredentials] send cookies to another origin
 * @returns {{ state: "connecting" | "open" | "waiting" | "closed" }}
 */
export function useEventStream(url, { onEvent, onGap, types = NONE, withCredentials = false }) {
  const [state, setState] = useState("closed");
  // The newest functions are called, and new ones do not open a new stream.
  const latest = useRef({});
  useEffect(() => { latest.current = { onEvent, onGap }; });

  // A list that is made anew at each render is the same one if its words are.
  const typesKey = JSON.stringify(types);

  useEffect(() => {
    if (url === null) {
      setState("closed");
      return undefined;
    }
    let source = null;
    let timer;
    let lastEventId = "";

    const deliver = (event) => {
      lastEventId = event.lastEventId || lastEventId;
      latest.current.onEvent?.(event);
    };

    function open() {
      setState("connecting");
      source = new EventSource(continued(url, lastEventId), { withCredentials });
      source.onopen = () => setState("open");
      source.onerror = () => {
        // While it is CONNECTING the browser comes back by itself.
        if (source.readyState !== EventSource.CLOSED) {
          setState("connecting");
          return;
        }
        // It gives up for ever at any status but 200, for instance when a session has expired.
        setState("waiting");
        timer = setTimeout(open, ANEW_MS * (0.5 + Math.random()));
      };
      source.onmessage = deliver;
      for (const type of JSON.parse(typesKey)) source.addEventListener(type, deliver);
      source.addEventListener("fanfare.cursor", (event) => { lastEventId = event.lastEventId || lastEventId; });
      source.addEventListener("fanfare.gap", (event) => latest.current.onGap?.(JSON.parse(event.data)));
    }

    open();
    return () => {
      clearTimeout(timer);
      source.close();
    };
  }, [url, typesKey, withCredentials]);

  return { state };
}

/** A new EventSource cannot send `Last-Event-ID`, so the id goes into the query. */
function continued(url, lastEventId) {
  if (lastEventId === "") return url;
  const absolute = new URL(url, location.href);
  absolute.searchParams.set("last_event_id", lastEventId);
  return absolute.href;
}
