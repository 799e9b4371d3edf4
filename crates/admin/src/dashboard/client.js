// The view of one client: its connections.

import { segment } from "./api.js";
import { disconnect } from "./detail.js";
import { address, at, link, put } from "./dom.js";
import { Streams } from "./streams.js";
import { shown } from "./text.js";

export const client = () => {
  const streams = new Streams(at("client-streams"), "Connections of the client", "The client is not connected.");
  let name = "";
  return {
    title: () => `Client ${shown(name)}`,
    open(wanted) {
      name = wanted;
      put(at("client-title"), `Client ${shown(name)}`);
      at("client-actions").replaceChildren(
        link("Explain an event", address("explain", null, { client: name })),
        link("Publish to it", address("publish", null, { client: name })),
        disconnect(
          "Disconnect it",
          `all streams of ${shown(name)}`,
          () => `api/v1/clients/${segment(name)}`,
          () => streams.refresh(),
        ),
      );
      streams.only({ client: name });
    },
    beat(kind) {
      if (kind === "connections") streams.beat([]);
    },
    close: () => streams.stop(),
  };
};
