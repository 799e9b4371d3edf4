// The first page of the admin listener: the state of the server, and the event stream of its figures.

const TOKEN = "fanfare-admin-token";
const state = document.getElementById("state");
const login = document.getElementById("login");
const rows = document.getElementById("status");

/** Asks the API, with the token if there is one. Shows the form for it if it is needed. */
async function ask(path) {
  const token = sessionStorage.getItem(TOKEN);
  const answer = await fetch(path, { headers: token ? { authorization: `Bearer ${token}` } : {} });
  if (answer.status === 401) login.hidden = false;
  if (!answer.ok) throw new Error((await answer.json()).detail);
  login.hidden = true;
  return answer;
}

function show(values) {
  rows.closest("table").hidden = false;
  rows.replaceChildren(...Object.entries(values).map(([name, value]) => {
    const [row, head, cell] = ["tr", "th", "td"].map((tag) => document.createElement(tag));
    head.scope = "row";
    head.textContent = name;
    cell.textContent = value === null ? "–" : String(value);
    row.append(head, cell);
    return row;
  }));
}

/** Reads an event stream. EventSource cannot send the token. */
async function* events(path) {
  const reader = (await ask(path)).body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s)));
      if (fields.data) yield { type: fields.event ?? "message", data: JSON.parse(fields.data) };
    }
  }
}

async function run() {
  try {
    show(await (await ask("api/v1/status")).json());
    for await (const { type, data } of events("api/v1/events")) {
      if (type !== "figures") continue;
      const open = Object.values(data.figures.connections).reduce((sum, count) => sum + count, 0);
      state.textContent = `${open} streams are open, ${data.rates?.events ?? 0} events a second`;
    }
    state.textContent = "The event stream has ended. Load the page again.";
  } catch (error) {
    state.textContent = error.message;
  }
}

login.addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(TOKEN, document.getElementById("token").value);
  run();
});
run();
