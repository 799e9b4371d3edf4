//! Examples of the command, for its help.

pub(super) const EXAMPLES: &str = "\
Examples:
  fanfare                                                     serve on http://127.0.0.1:3000
  fanfare subscribe http://127.0.0.1:3000 --channel news      print what comes
  fanfare publish http://127.0.0.1:3000/channels/news hello   send to a channel
  fanfare serve --help                                        every setting

With curl:
  curl -N 'http://127.0.0.1:3000/sse?id=42&channel=news'      receive as client 42, and channel news
  curl -d 'hello' http://127.0.0.1:3000/broadcast             send to all";

pub(super) const SERVE_EXAMPLES: &str = "\
Examples:
  fanfare serve --listen 3001                                 on another port, for this machine alone
  fanfare serve --clock 2s                                    broadcast the time, to see events at once
  fanfare serve --config fanfare.toml --check                 print every setting and where it comes from
  fanfare serve --history-channel 'news.*=events:10 age:10m'  keep less of these channels
  fanfare serve --journal /var/lib/fanfare                    a restart or a crash loses nothing
  fanfare serve --tls-self-signed                             https on this machine, for development
  FANFARE_PUBLISH_KEY=... fanfare serve --listen 0.0.0.0:3000 for other machines; publishing needs the key
  FANFARE_TOKEN_KEY=... fanfare serve --public 'news.*'       channels need a token, but those of news

A file for --config:
  listen = \"0.0.0.0:3000\"
  publish-key = \"...\"
  cors-origin = [\"https://example.org\"]
  body-bytes = \"4MiB\"
  heartbeat = \"20s\"
  history-channel = [\"news.*=events:10 age:10m\", \"audit=age:24h bytes:64MiB\"]
  [limits]
  channels-max = 1000

SIZE is a number of bytes or has a unit (262144, 256KiB, 1MiB, 64kB). DURATION always has a unit (500ms, 15s, 2m).
Exit codes: 0 after a clean drain, 1 if connections had to be cut or a part failed, 2 for a bad setting.";

pub(super) const PUBLISH_EXAMPLES: &str = "\
Examples:
  fanfare publish http://127.0.0.1:3000 'hello, everybody'               to all
  fanfare publish http://127.0.0.1:3000/channels/news hello              to a channel
  fanfare publish http://127.0.0.1:3000/clients/42 --event note hello    to a client, with an event type
  fanfare publish http://127.0.0.1:3000/channels/cam --file now.png      an image; pages get a data URL
  date | fanfare publish http://127.0.0.1:3000/channels/news             from standard input
  fanfare publish http://127.0.0.1:3000 --idempotency-key 4711 paid      once, however often sent
  producer | fanfare publish http://127.0.0.1:3000 --ndjson              a batch, each line as it comes

A line of a batch:
  {\"channel\":\"news\",\"event\":\"note\",\"data\":{\"any\":\"JSON\"},\"idempotency_key\":\"4712\"}";

pub(super) const SUBSCRIBE_EXAMPLES: &str = "\
Examples:
  fanfare subscribe http://127.0.0.1:3000                                what is sent to all
  fanfare subscribe http://127.0.0.1:3000 --channel a --channel b        and two channels
  fanfare subscribe http://127.0.0.1:3000 --id 42 --json | jq .data      as client 42, for a program
  fanfare subscribe http://127.0.0.1:3000 --channel a --since 10m        and of the last ten minutes
  fanfare subscribe https://example.org/any/stream                       any event stream";

pub(super) const TOKEN_EXAMPLES: &str = "\
Examples:
  export FANFARE_TOKEN_KEY=HS256:base64:$(openssl rand -base64 32)
  fanfare serve                                                          channels are private now
  fanfare token mint --subscribe 'news.*' --client 42                    a token for one hour
  fanfare token mint --key ES256:private.pem --publish 'orders.*'        signed with a key of openssl's
  fanfare token mint --subscribe news | fanfare token explain            what it allows, and why it would be refused
  fanfare token explain --config fanfare.toml < token                    by the rules of that server
  fanfare token key --name ci --publish 'builds.*' 2>> keys.toml         a key for --api-keys keys.toml
  fanfare token key --hash < key                                         the hash of a key that is there already";

pub(super) const JOURNAL_EXAMPLES: &str = "\
Examples:
  fanfare journal check /var/lib/fanfare                                 is it whole, and what is in it
  fanfare journal dump /var/lib/fanfare --since 1h | jq .data            the last hour
  fanfare journal dump /var/lib/fanfare | fanfare publish http://127.0.0.1:3000 --ndjson
                                                                         all of it again, to another server";

pub(super) const UPGRADE_EXAMPLES: &str = "\
Examples:
  fanfare upgrade --pid \"$(systemctl show --property MainPID --value fanfare)\"
  fanfare upgrade --pid-file /run/fanfare.pid --timeout 1m";

pub(super) const EXPLAIN_EXAMPLES: &str = "\
Examples:
  fanfare explain 1796023882123-3 --client 42                            why did 42 not get it
  fanfare explain 1796023882123-3 --connection 7 --json | jq .verdict    what became of it there, for a program
  fanfare explain 1796023882123-3 --client 42 --admin https://ops.example.org:3001";
