// A component that shows a channel. It loads its state once, and again whenever events are missing.

import { useState } from "react";
import { useEventStream } from "./useEventStream.js";

export function News({ server }) {
  const [items, setItems] = useState([]);

  // Fanfare's history stands in for your own API here. The stream begins with the same events, so `key` is their id.
  async function loadAnew() {
    const answer = await fetch(`${server}/channels/news/history?limit=1000`);
    if (!answer.ok) throw new Error(`the history answers ${answer.status}`);
    const { events } = await answer.json();
    const loaded = events.map(({ id, data }) => ({ id, data }));
    // Of what is shown, only what came behind the gap stays.
    const isNew = ({ id }) => !items.some((item) => item.id === id) && !loaded.some((item) => item.id === id);
    setItems((shown) => [...loaded, ...shown.filter(isNew)]);
  }

  const { state } = useEventStream(`${server}/channels/news?since=earliest`, {
    types: ["tick"],
    onEvent: ({ lastEventId: id, data }) => {
      setItems((items) => (items.some((item) => item.id === id) ? items : [...items, { id, data }]));
    },
    onGap: ({ missed, reason }) => {
      console.log(`${missed ?? "some"} events are missing (${reason})`);
      loadAnew();
    },
  });

  return (
    <section>
      <p role="status">{state}</p>
      <ul>{items.map(({ id, data }) => <li key={id}>{data}</li>)}</ul>
    </section>
  );
}
