//! [`meant`]: the existing setting that a wrong name probably stands for. [`absent`]: advice on settings that other
//! servers have and this one does not. Flags, variables and the file use both.

use fanfare_http::nearest;

/// Names that other programs use for a setting or a client flag. The first name behind each that exists here is meant.
const OTHER_NAMES: [(&str, &[&str]); 51] = [
    ("p", &["listen"]),
    ("port", &["listen"]),
    ("host", &["listen"]),
    ("bind", &["listen"]),
    ("bind-address", &["listen"]),
    ("addr", &["listen"]),
    ("address", &["listen"]),
    ("listen-address", &["listen"]),
    ("c", &["config"]),
    ("conf", &["config"]),
    ("config-file", &["config"]),
    ("level", &["log"]),
    ("log-level", &["log"]),
    ("verbose", &["log"]),
    ("debug", &["log"]),
    ("key", &["publish-key"]),
    ("api-key", &["publish-key", "key"]),
    ("publish-key", &["key"]),
    ("token", &["token-key", "publish-key", "key"]),
    ("jwt", &["token-key", "token"]),
    ("jwt-key", &["token-key"]),
    ("jwt-secret", &["token-key"]),
    ("jwks", &["token-key"]),
    ("cors", &["cors-origin"]),
    ("threads", &["shards"]),
    ("workers", &["shards"]),
    ("redis-url", &["redis"]),
    ("journal-path", &["journal"]),
    ("data-dir", &["journal"]),
    ("max-connections", &["connections-max"]),
    ("type", &["event"]),
    ("topic", &["channel"]),
    ("client", &["id"]),
    ("client-id", &["id"]),
    ("from", &["since"]),
    ("count", &["max-events"]),
    ("timeout", &["answer-timeout"]),
    ("output", &["json"]),
    ("cert", &["tls-cert"]),
    ("cert-file", &["tls-cert"]),
    ("certificate", &["tls-cert"]),
    ("ssl-cert", &["tls-cert"]),
    ("key-file", &["tls-key"]),
    ("private-key", &["tls-key"]),
    ("ssl-key", &["tls-key"]),
    ("self-signed", &["tls-self-signed"]),
    ("client-ca", &["tls-client-ca"]),
    ("domain", &["acme-domain"]),
    ("email", &["acme-email"]),
    ("cacert", &["ca"]),
    ("ca-file", &["ca", "tls-client-ca"]),
];

/// Names by which other servers turn on TLS.
pub(crate) const TLS_NAMES: [&str; 4] = ["tls", "ssl", "https", "acme"];

/// Advice on them.
pub(crate) const TLS: &str = "https needs a certificate: --tls-cert and --tls-key, or --acme-domain, or --tls-self-signed \
                              for development; see docs/guide/deploy.md";

/// The name among `known` that `typed` probably stands for. Names are written like flags without dashes: `publish-key`.
pub(crate) fn meant<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let known: Vec<_> = known.into_iter().collect();
    let setting_of = |other: &str| {
        let (_, settings) = OTHER_NAMES.iter().find(|(name, _)| *name == other)?;
        settings.iter().find_map(|setting| known.iter().find(|name| *name == setting)).copied()
    };
    setting_of(typed)
        .or_else(|| nearest(typed, known.iter().copied()))
        .or_else(|| setting_of(nearest(typed, OTHER_NAMES.map(|(other, _)| other))?))
}

/// Advice, if `typed` is a setting of other servers that this one does not have.
pub(crate) fn absent(typed: &str) -> Option<&'static str> {
    TLS_NAMES.contains(&typed).then_some(TLS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_other_programs_or_a_slip_is_a_setting() {
        let known = ["listen", "publish-key", "heartbeat", "log"];
        for (typed, is) in [
            ("port", Some("listen")),
            ("p", Some("listen")),
            ("Port", Some("listen")),
            ("prot", Some("listen")),
            ("bind-address", Some("listen")),
            ("bindaddress", Some("listen")),
            ("lissen", Some("listen")),
            ("heart-beat", Some("heartbeat")),
            ("log_level", Some("log")),
            ("loglevel", Some("log")),
            ("workers", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(meant(typed, known), is, "{typed}");
        }
        assert_eq!(meant("key", ["listen", "publish-key"]), Some("publish-key"));
        assert_eq!(meant("publish-key", ["key"]), Some("key"));
    }

    #[test]
    fn what_turns_on_tls_elsewhere_is_no_setting() {
        for typed in TLS_NAMES {
            assert_eq!((absent(typed), meant(typed, ["listen", "publish-key", "cors-origin"])), (Some(TLS), None));
        }
        for typed in ["key", "port", "cors", "log", "x", ""] {
            assert_eq!(absent(typed), None, "{typed}");
        }
        for (typed, is) in
            [("sslcert", "tls-cert"), ("cert", "tls-cert"), ("certfile", "tls-cert"), ("tls_key", "tls-key")]
        {
            assert_eq!(meant(typed, ["listen", "publish-key", "tls-cert", "tls-key"]), Some(is), "{typed}");
        }
    }
}
