//! Every setting: in the file, as a variable, in the output of `--check`, and at its bounds.

mod support;

use std::{fs, path::Path, process::Command, sync::LazyLock};

use support::{
    fanfare, run,
    settings::{File, checked, has},
};

const ALL: &str = r#"
listen = "127.0.0.1:0"
connections-max = 5
shards = 1
memory = "44MiB"
public-host = ["www.example.org", "example.org"]
publish-key = "from-the-file"
allow-anonymous-publish = true
cors-origin = ["https://example.org", "http://[::1]:8080"]
read-origin = ["https://example.org", "http://[::1]:8081"]
token-key = ["RS256:PUBLIC", "HS256:s3cr3t-word-s3cr3t-word-s3cr3t-word"]
token-issuer = "https://login.example.org"
token-audience = ["push", "other"]
token-leeway = "45s"
token-without-exp = true
token-cookie = "my_token"
api-keys = "KEYS"
public = ["news.*", "b"]
public-publish = ["c"]
authorize-url = "http://127.0.0.1:8080/may"
authorize-publish = true
authorize-header = ["x-session", "cookie"]
authorize-timeout = "46s"
trusted-proxy = ["10.0.0.0/8", "2001:db8::/32"]
forwarded-by = "forwarded"
proxy-protocol = true
body-bytes = "2MiB"
idempotency-window = "25s"
clock = "5s"
heartbeat = "6s"
policy = "close"
listen-tls = "127.0.0.1:0"
tls-cert = ["CERT", "CERT"]
tls-key = ["CERT", "CERT"]
tls-client-ca = "CERT"
tls-redirect = true
tls-self-signed = false
acme-domain = ["a.example.org"]
acme-email = "who@example.org"
acme-directory = "https://acme.example.org/directory"
acme-cache = "/var/lib/fanfare-acme"
acme-ca = "CERT"
history-events = 27
history-bytes = "28KiB"
history-age = "29m"
history-channel = ["news.*=events:10 bytes:1MiB age:10m", "a=b *=events:0"]
journal = "/var/lib/fanfare"
fsync = "never"
fsync-interval = "1s"
redis = "redis://:s3cr3t-word@127.0.0.1:1/2"
redis-stream = "my-app"
redis-bytes = "34MiB"
redis-timeout = "35s"
redis-wait-replicas = 1
redis-subscribe = ["news.*", "b"]
drain-delay = "40s"
drain-timeout = "0s"
admin = "127.0.0.1:0"
admin-token = "from-the-file"
admin-host = ["ops.example.org", "other.example.org"]
admin-channel-metrics = 47
log = "warn,fanfare=debug"
log-format = "json"
"#;

const LIMITS: &str = r#"
[limits]
sockets-max = 41
body-idle-timeout = "3s"
body-timeout = "43s"
batch-idle-timeout = "39m"
bodies-bytes = "4MiB"
idempotency-keys = 26
retry-min = "700ms"
retry-max = "8s"
write-timeout = "9s"
h1-outlet = "body"
h2-outlet = "body"
hub-history-bytes = "30MiB"
history-targets = 31
catch-up-reads = 32
redis-events = 3300
ring-messages = 10
ring-bytes = 11
hub-ring-bytes = 12
inbox-messages = 13
inbox-bytes = 14
patience = "24s"
head-bytes = "64kB"
head-timeout = "16s"
keep-alive-timeout = "37s"
idle-connections-max = 38
channels-max = 17
patterns = 18
inner-patterns = 19
authorize-under-way = 47
authorize-cache = 48
input-bytes = 0
send-buffer-bytes = 19456
send-buffers-bytes = 46080
h2-streams = 20
tls-handshake-timeout = "42s"
tls-outlet = "rustls"
h2-streams-total = 42
h2-ping-interval = "46s"
h2-send-buffer-bytes = "21KiB"
ready-timeout = "36s"
drain-spread = "23s"
upgrade-timeout = "41s"
caller-sockets = 49
caller-streams = "off"
caller-requests = "50/51"
caller-handshakes = 52
caller-publishes = 53
caller-published-bytes = "54KiB/55KiB"
caller-bodies = 56
caller-history-pages = 57
caller-catch-up-reads = 58
caller-inner-patterns = 63
holder-publishes = 59
holder-published-bytes = "60KiB"
client-streams = 61
callers = 62

[[issuer]]
name = "login"
keys = ["JWKS:https://login.example.org/keys", "ES256:POINT"]
iss = "https://login.example.org/"
aud = ["push"]
algorithms = ["ES256"]
leeway = "63s"
exp-required = false
"#;

/// The variable with which all other tests do without an admin listener.
const ADMIN: &str = "FANFARE_ADMIN";

/// Keys whose values are never shown.
const SECRET: [&str; 4] = ["publish-key", "redis", "token-key", "admin-token"];

fn is_secret(line: &str) -> bool {
    SECRET.iter().any(|key| line.trim_start_matches("# ").starts_with(&format!("{key} ")))
}

/// The keys of these lines.
fn keys_of(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| Some(line.split_once(" = ")?.0))
}

/// All lines of [`ALL`] that can stand together: with a journal, and with Redis.
fn both() -> [String; 2] {
    [&["redis ", "redis-subscribe "][..], &["journal "]].map(|out| {
        let stays = |line: &&str| !line.is_empty() && !out.iter().any(|key| line.starts_with(key));
        let certificate = certificate();
        ALL.lines().filter(stays).map(|line| format!("{}\n", with_files(line).replace("CERT", &certificate))).collect()
    })
}

/// Puts the paths of files with keys into a line, or into several.
fn with_files(text: &str) -> String {
    static MADE: LazyLock<[String; 3]> = LazyLock::new(|| {
        let file = |name: &str| Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("settings-{name}"));
        let public = |algorithm: &[&str]| {
            let path = file(&format!("{}.pem", algorithm[1]));
            let script = format!(
                "openssl genpkey {} 2> /dev/null | openssl pkey -pubout -out {}",
                algorithm.join(" "),
                path.display()
            );
            assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success());
            path.display().to_string()
        };
        fs::write(file("keys.toml"), "").unwrap();
        [
            public(&["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
            public(&["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]),
            file("keys.toml").display().to_string(),
        ]
    });
    let [rsa, point, keys] = &*MADE;
    text.replace("PUBLIC", rsa).replace("POINT", point).replace("KEYS", keys)
}

/// The path of a file with a certificate and its key.
fn certificate() -> String {
    static MADE: LazyLock<String> = LazyLock::new(|| {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("settings.pem");
        let made = rcgen::generate_simple_self_signed(["a.example.org".to_owned()]).unwrap();
        fs::write(&path, made.cert.pem() + &made.signing_key.serialize_pem()).unwrap();
        path.display().to_string()
    });
    MADE.clone()
}

/// Whether [`both`] leaves the line out.
fn is_left_out(line: &str) -> bool {
    ["# journal is not set", "# redis is not set", "redis-subscribe = []"].contains(&line)
}

#[test]
fn every_setting_can_stand_in_the_file() {
    for text in both().map(|text| text + &with_files(LIMITS)) {
        let all = checked(File::new(&text).command().env_remove(ADMIN));
        let not_from_it: Vec<_> = all.iter().filter(|(line, source)| source != "file" && !is_left_out(line)).collect();
        assert!(not_from_it.is_empty(), "{not_from_it:?}");
        for line in text.lines().filter(|line| line.contains(" = ") && !is_secret(line)) {
            has(&all, line, "file");
        }
    }
}

#[test]
fn every_setting_that_is_no_limit_is_a_variable_of_the_same_name() {
    for text in both() {
        let mut command = fanfare();
        for line in text.lines() {
            let (key, value) = line.split_once(" = ").unwrap();
            let name = format!("FANFARE_{}", key.replace('-', "_").to_uppercase());
            let value = value.replace(r#"", ""#, ",").replace(['"', '[', ']'], "").replace("//::1:", "//[::1]:");
            command.env(name, value);
        }
        let all = checked(&mut command);
        let is_limit =
            |line: &str| keys_of(LIMITS).any(|key| line.trim_start_matches("# ").starts_with(&format!("{key} ")));
        let others: Vec<_> = all
            .iter()
            .filter(|(line, source)| source != "environment" && !is_left_out(line) && !is_limit(line))
            .collect();
        assert!(others.is_empty(), "{others:?}");
    }
}

#[test]
fn what_check_prints_can_be_used_as_the_file() {
    let [with_journal, with_redis] = both().map(|text| File::new(text + &with_files(LIMITS)));
    for mut command in [fanfare(), with_journal.command(), with_redis.command()] {
        let (code, text) = run(command.arg("--check").env_remove(ADMIN));
        assert_eq!(code, 0, "{text}");
        // Without the secret the rest of the settings of Redis and of tokens makes no sense.
        let needs_secret = ["redis-subscribe", "token-issuer", "token-audience", "token-without-exp"];
        let text: String = text
            .lines()
            .filter(|line| !needs_secret.iter().any(|key| line.starts_with(key)))
            .fold(String::new(), |text, line| text + line + "\n");
        let again = checked(File::new(&text).command().env_remove(ADMIN));
        for line in text.lines().filter_map(|line| Some(line.split_once("  # ")?.0.trim_end())) {
            // What was a comment is not read: a key that is not set, or set and not told.
            let is_comment = line.starts_with('#');
            let key = line.trim_start_matches("# ").split(' ').next().unwrap();
            let unset = format!("# {key} is not set");
            let source = match is_comment {
                true if key.starts_with("caller-") => "default: not for loopback addresses",
                true => "default",
                false => "file",
            };
            has(&again, if is_secret(line) { &unset } else { line }, source);
        }
    }
}

#[test]
fn values_at_a_bound_are_taken_and_past_it_refused() {
    for (key, good, bad) in [
        ("memory", "16MiB", "15MiB"),
        ("shards", "1", "0"),
        ("shards", "1024", "1025"),
        ("connections-max", "1", "0"),
        ("sockets-max", "1", "0"),
        ("h2-streams-total", "1", "0"),
        ("ring-messages", "4096", "4097"),
        ("ring-bytes", "1", "0"),
        ("hub-ring-bytes", "1", "0"),
        ("inbox-messages", "1048576", "1048577"),
        ("inbox-bytes", "1", "0"),
        ("patience", "0s", "25h"),
        ("head-bytes", "8KiB", "8191"),
        ("head-bytes", "16MiB", "16777217"),
        ("head-timeout", "1ms", "0s"),
        ("body-bytes", "1", "0"),
        ("body-bytes", "1GiB", "1073741825"),
        ("bodies-bytes", "1MiB", "1048575"),
        ("body-idle-timeout", "365d", "366d"),
        ("body-timeout", "1ms", "0s"),
        ("channels-max", "65535", "65536"),
        ("channels-max", "1", "0"),
        ("input-bytes", "0", "2GiB"),
        ("send-buffer-bytes", "4KiB", "4095"),
        ("send-buffers-bytes", "4KiB", "4095"),
        ("send-buffer-bytes", "1GiB", "1073741825"),
        ("h2-streams", "1", "0"),
        ("h2-send-buffer-bytes", "1KiB", "1023"),
        ("heartbeat", "1ms", "0ms"),
        ("retry-min", "3s", "3001ms"),
        ("retry-max", "1s", "999ms"),
        ("write-timeout", "1ms", "0s"),
        ("drain-timeout", "0s", "366d"),
        ("drain-spread", "24h", "25h"),
        ("upgrade-timeout", "1ms", "0s"),
        ("policy", "repair", "mend"),
        ("history-events", "0", "-1"),
        ("history-events", "4294967295", "4294967296"),
        ("history-bytes", "1", "0"),
        ("history-age", "1ms", "0s"),
        ("history-age", "365d", "366d"),
        ("history-channel", "a=events:0", "a=events:-1"),
        ("history-channel", "a=events:4294967295", "a=events:4294967296"),
        ("history-channel", "a=bytes:1", "a=bytes:0"),
        ("history-channel", "a=age:1ms", "a=age:0s"),
        ("history-channel", "a=age:365d", "a=age:366d"),
        ("hub-history-bytes", "1", "0"),
        ("history-targets", "1", "0"),
        ("history-targets", "4294967295", "4294967296"),
        ("catch-up-reads", "1", "0"),
        ("catch-up-reads", "65535", "65536"),
        ("idempotency-window", "1ms", "0s"),
        ("idempotency-window", "365d", "366d"),
        ("idempotency-keys", "0", "-1"),
        ("idempotency-keys", "4294967295", "4294967296"),
        ("log", "off", "fanfare=loud"),
        ("log-format", "json", "xml"),
        ("token-leeway", "5m", "301s"),
        ("token-cookie", "off", "a b"),
        ("public", "a.*", ""),
        ("public-publish", "*", ""),
        ("read-origin", "*", "example.org"),
        ("authorize-timeout", "60s", "61s"),
        ("authorize-timeout", "1ms", "0s"),
        ("authorize-under-way", "65536", "65537"),
        ("authorize-under-way", "1", "0"),
        ("authorize-cache", "0", "1000001"),
        ("trusted-proxy", "10.0.0.0/8", "10.0.0.1/8"),
        ("trusted-proxy", "2001:db8::1", "example.org"),
        ("patterns", "65535", "65536"),
        ("inner-patterns", "1000000", "1000001"),
        ("caller-sockets", "1", "0"),
        ("caller-streams", "off", "none"),
        ("caller-requests", "1/1", "1/0"),
        ("caller-published-bytes", "1KiB/1MiB", "1MiB/"),
        ("holder-publishes", "off", "0"),
        ("client-streams", "4294967295", "4294967296"),
        ("callers", "1", "0"),
    ] {
        for (value, expected) in [(good, 0), (bad, 2)] {
            let is_limit = keys_of(LIMITS).any(|of_limits| of_limits == key);
            let file = File::new(if is_limit { format!("[limits]\n{key} = \"{value}\"") } else { String::new() });
            let typed = Some(format!("--{key}={value}")).filter(|_| !is_limit);
            let (code, text) = run(file.command().arg("--check").args(typed));
            assert_eq!(code, expected, "{key}={value}: {text}");
            assert!(expected == 0 || text.contains(key), "{text}");
        }
    }
}
