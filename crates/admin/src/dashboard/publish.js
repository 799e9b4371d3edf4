// The view `publish`: one event by hand, and what became of it.

import { say, whilePressed } from "./act.js";
import { read } from "./api.js";
import { address, at, describe } from "./dom.js";
import { count, plural, shown } from "./text.js";

const NAMES = { channel: "Name of the channel", client: "Name of the client", all: "" };

export const publish = () => {
  const [to, name, type, data, keep, wait] = ["to", "name", "type", "data", "keep", "wait"].map((field) =>
    at(`publish-${field}`),
  );

  const label = () => {
    at("publish-name-box").hidden = to.value === "all";
    name.required = to.value !== "all";
    at("publish-name-label").textContent = NAMES[to.value];
  };

  const show = ({ id, matched, outcome }) => {
    const exact = outcome === null ? "about " : "";
    describe(at("published-facts"), [
      ["To", to.value === "all" ? "everybody" : `${to.value} ${shown(name.value)}`],
      ["Event", id],
      ["Streams that it reaches", `${exact}${count(matched)}`],
      ...(outcome === null
        ? []
        : [
            ["Written at once", count(outcome.written)],
            ["Waiting", count(outcome.queued)],
            ["Given up", count(outcome.dropped)],
          ]),
    ]);
    const whose = to.value === "client" ? { client: name.value } : {};
    at("published-explain").href = address("explain", null, { event: id, ...whose });
    at("published").hidden = false;
    say(`Published as ${id} to ${exact}${plural(matched, "stream")}.`);
  };

  const send = async () => {
    if (!at("publish-form").reportValidity()) return;
    const body = { data: data.value, ...(to.value === "all" ? { all: true } : { [to.value]: name.value }) };
    if (type.value !== "") body.event = type.value;
    if (!keep.checked) body.keep = false;
    try {
      show(await read(`api/v1/publish?wait=${wait.checked ? "written" : "journal"}`, { method: "POST", body }));
    } catch (error) {
      // Only the server's own refusal says that there is no event. Its reason says so if it does not know.
      const begun = error.status === 0 || error.status === 504 ? "It is not known whether the event was published" : "That did not work";
      say(`${begun}: ${error.message}.`, "bad");
    }
  };

  to.addEventListener("change", label);
  const button = at("publish-form").querySelector("button");
  at("publish-form").addEventListener("submit", (event) => event.preventDefault());
  whilePressed(button, send);

  return {
    title: () => "Publish",
    open(_, query) {
      const whose = ["channel", "client"].find((one) => query.has(one));
      if (whose !== undefined) [to.value, name.value] = [whose, query.get(whose)];
      label();
    },
    beat() {},
    close() {},
  };
};
