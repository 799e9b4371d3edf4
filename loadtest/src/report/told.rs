//! A command line as it may be told in a report that is sent to somebody: without secrets and directories of this
//! machine, and quoted so that it can be typed again.

use std::path::Path;

/// The flags whose values are files or directories here: only their names are of use elsewhere.
const PATH_FLAGS: [&str; 8] =
    ["--fanfare", "--nginx", "--nchan-module", "--html", "--out", "--tls-ca", "--tls-cert", "--tls-key"];

/// The flags whose values are secrets.
const SECRET_FLAGS: [&str; 3] = ["--subscribe-token", "--publish-token", "--token-key"];

/// The keys within `--peer`. Each ends the value before it, which may hold commas.
pub(crate) const PEER_KEYS: [&str; 11] = [
    "url",
    "http",
    "tls-ca",
    "preset",
    "subscribe",
    "publish",
    "body",
    "header",
    "subscribe-token",
    "publish-token",
    "pid",
];

/// The keys within `--peer` whose values are secrets.
const SECRET_KEYS: [&str; 2] = ["subscribe-token", "publish-token"];

/// The command that this process was started with.
pub(crate) fn own_command() -> Vec<String> {
    as_told(std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect())
}

/// A command as reports show it: program and files without the directory, and neither tokens nor the values of headers,
/// because keys are sent in them.
pub(crate) fn as_told(command: Vec<String>) -> Vec<String> {
    let mut told: Vec<String> = Vec::with_capacity(command.len());
    let mut flag = String::new();
    for (at, word) in command.into_iter().enumerate() {
        told.push(match word.split_once('=') {
            _ if at == 0 || PATH_FLAGS.contains(&flag.as_str()) => file_name(&word),
            _ if SECRET_FLAGS.contains(&flag.as_str()) => "...".to_owned(),
            Some((flag, _)) if SECRET_FLAGS.contains(&flag) => format!("{flag}=..."),
            _ if flag == "--header" => format!("{}: ...", word.split_once(':').map_or("", |(name, _)| name)),
            Some((flag, path)) if PATH_FLAGS.contains(&flag) => format!("{flag}={}", file_name(path)),
            _ => without_secrets(&word),
        });
        flag = word;
    }
    told
}

/// A command as it can be typed into a shell.
pub(crate) fn shell(command: &[String]) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_=+./:,@%".contains(c);
    let quote = |word: &String| {
        let is_bare = !word.is_empty() && word.chars().all(is_plain);
        if is_bare { word.clone() } else { format!("'{}'", word.replace('\'', "'\\''")) }
    };
    command.iter().map(quote).collect::<Vec<_>>().join(" ")
}

fn file_name(path: &str) -> String {
    Path::new(path).file_name().map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned())
}

fn without_secrets(word: &str) -> String {
    let (mut kept, mut is_secret) = (Vec::new(), false);
    for part in word.split(',') {
        let key = part.trim_start_matches('-').split_once('=').map(|(key, _)| key);
        if key == Some("header") {
            is_secret = true;
            kept.push(format!("{}: ...", part.split_once(':').map_or(part, |(name, _)| name)));
        } else if let Some(key) = key.filter(|key| SECRET_KEYS.contains(key)) {
            is_secret = true;
            kept.push(format!("{key}=..."));
        } else if key == Some("tls-ca") {
            is_secret = false;
            kept.push(format!("tls-ca={}", file_name(part.split_once('=').map_or("", |(_, file)| file))));
        } else if !is_secret || key.is_some_and(|key| PEER_KEYS.contains(&key)) {
            is_secret = false;
            kept.push(part.to_owned());
        }
    }
    kept.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(command: &[&str]) -> String {
        as_told(command.iter().map(|word| (*word).to_owned()).collect()).join(" ")
    }

    #[test]
    fn a_command_can_be_typed_again() {
        let command = ["a", "--peer", "x,header=A: b's", "", "/s?topic={channel}"].map(str::to_owned);
        assert_eq!(shell(&command), r#"a --peer 'x,header=A: b'\''s' '' '/s?topic={channel}'"#);
    }

    #[test]
    fn a_header_is_told_without_its_value() {
        assert_eq!(
            told(&["/a/b", "--header=Authorization: Bearer x,y", "--json"]),
            "b --header=Authorization: ... --json"
        );
        assert_eq!(
            told(&["b", "--header", "Cookie: a=b; c", "--header", "secret"]),
            "b --header Cookie: ... --header : ..."
        );
    }

    #[test]
    fn a_token_is_not_told() {
        assert_eq!(
            told(&[
                "b",
                "--subscribe-token",
                "secret",
                "--publish-token=secret",
                "--token-key",
                "HS256:secret",
                "--json"
            ]),
            "b --subscribe-token ... --publish-token=... --token-key ... --json"
        );
        assert_eq!(
            without_secrets("--peer=x,subscribe-token=secret,more,publish-token=secret,pid=3"),
            "--peer=x,subscribe-token=...,publish-token=...,pid=3"
        );
    }

    #[test]
    fn no_key_gets_into_a_report() {
        let kept = "--peer=x,url=http://a,header=Authorization: ...,pid=3";
        assert_eq!(without_secrets("--peer=x,url=http://a,header=Authorization: Bearer secret, more,pid=3"), kept);
        assert_eq!(
            without_secrets("--peer=x,header=A: b,tls-ca=/home/me/a.pem,http=2"),
            "--peer=x,header=A: ...,tls-ca=a.pem,http=2"
        );
        assert_eq!(without_secrets("--header=X-Key: a,b=c,d"), "--header=X-Key: ...");
        for word in ["--body={\"a\":1,\"b\":2}", "--peers=floor,nchan", ""] {
            assert_eq!(without_secrets(word), word);
        }
    }

    #[test]
    fn a_file_is_told_without_its_directory() {
        assert_eq!(
            told(&["b", "--fanfare", "/home/me/fanfare", "--nginx=/opt/nginx"]),
            "b --fanfare fanfare --nginx=nginx"
        );
        assert_eq!(
            told(&["b", "--nchan-module", "/m.so", "--html=/home/me/a.html"]),
            "b --nchan-module m.so --html=a.html"
        );
        assert_eq!(told(&["b", "--subscribe-path", "/sub/{channel}"]), "b --subscribe-path /sub/{channel}");
    }
}
