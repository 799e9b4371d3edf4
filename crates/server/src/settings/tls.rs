//! [`Tls`]: the settings of the listener for https, and of its certificates. [`Sources`]: what they ask for.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use clap::{ArgAction, builder::BoolishValueParser};
use fanfare_http::TlsOutlet;
use url::Url;

use super::{
    connections::{Connections, TlsOutletArg},
    listen::Listen,
    redirect::Redirect,
    value::host,
};

/// The port of https, if none is given.
const PORT: u16 = 3443;
/// The directory of Let's Encrypt.
const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";
/// Bytes of a name, and of one part between its dots (RFC 1035 section 2.3.4).
const NAME_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;
/// The sources of certificates, for errors.
const SOURCES: &str = "give --tls-cert and --tls-key, or --acme-domain, or --tls-self-signed for development";

/// The certificates that the settings ask for, and the limits of the listener.
#[derive(Clone, Debug)]
pub(crate) struct Sources {
    /// Files of chains and of their keys.
    pub(crate) pairs: Vec<(PathBuf, PathBuf)>,
    pub(crate) acme: Option<Plan>,
    /// The host of a certificate for development.
    pub(crate) self_signed: Option<String>,
    /// The file with the authorities of clients.
    pub(crate) client_ca: Option<PathBuf>,
    pub(crate) outlet: TlsOutlet,
    pub(crate) handshake_timeout: Duration,
}

/// What `--acme-...` says.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) domains: Vec<String>,
    pub(crate) email: Option<String>,
    pub(crate) directory: Url,
    pub(crate) cache: PathBuf,
    /// A file with the root of a private authority.
    pub(crate) root: Option<PathBuf>,
}

/// Settings of `fanfare serve` on https.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Tls {
    /// The server also listens on this address and port, for https [default: port 3443 of the host of --listen, if there is a
    /// certificate].
    ///
    /// The forms are those of --listen.
    #[arg(long, env = "FANFARE_LISTEN_TLS", value_name = "[ADDR:]PORT", help_heading = "TLS (https)")]
    listen_tls: Option<Listen>,

    /// This PEM file has the certificate of the server, and behind it those up to its authority.
    ///
    /// With several certificates, the name that a client asks for decides, and the first is for all others. Changed
    /// files are read again within seconds, and at SIGHUP. Open connections stay. Commas separate the files in the
    /// environment.
    #[arg(long = "tls-cert", env = "FANFARE_TLS_CERT", value_name = "FILE", value_delimiter = ',', action = ArgAction::Append, help_heading = "TLS (https)")]
    certs: Vec<PathBuf>,

    /// This PEM file has the private key of the certificate at the same place among several.
    ///
    /// It may be the file of the certificate. A server starts without a password, so the key must not be encrypted.
    #[arg(long = "tls-key", env = "FANFARE_TLS_KEY", value_name = "FILE", value_delimiter = ',', action = ArgAction::Append, help_heading = "TLS (https)")]
    keys: Vec<PathBuf>,

    /// Clients over https must have a certificate of one of the authorities in this PEM file [default: they need none].
    #[arg(long = "tls-client-ca", env = "FANFARE_TLS_CLIENT_CA", value_name = "FILE", help_heading = "TLS (https)")]
    client_ca: Option<PathBuf>,

    /// Browsers that ask for a page over plain HTTP are sent to https.
    ///
    /// A port is the one by which browsers reach --listen-tls where it is another one, as behind the port mapping of a
    /// container: --tls-redirect=443. Everything else is served over plain HTTP too. With --listen=off nothing is.
    #[arg(long = "tls-redirect", env = "FANFARE_TLS_REDIRECT", value_name = "PORT", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_default_value = true, action = ArgAction::Set, help_heading = "TLS (https)")]
    redirect: Redirect,

    /// The server makes a certificate for this machine, for development.
    ///
    /// It is in memory alone, and another one after each start. Browsers warn of it. The log has its fingerprint.
    #[arg(long = "tls-self-signed", env = "FANFARE_TLS_SELF_SIGNED", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_default_value = true, hide_possible_values = true, action = ArgAction::Set, value_parser = BoolishValueParser::new(), help_heading = "TLS (https)")]
    self_signed: bool,

    /// The server gets a certificate for this name from an authority, and renews it.
    ///
    /// Whoever sets it agrees to the terms of the authority, by default Let's Encrypt. The name must lead to this server,
    /// and port 443 of it to --listen-tls. Pages under this name may publish, as with --public-host. The setting may be given several times. Commas separate the names in the
    /// environment.
    #[arg(long = "acme-domain", env = "FANFARE_ACME_DOMAIN", value_name = "NAME", value_delimiter = ',', action = ArgAction::Append, value_parser = domain, help_heading = "Certificates by ACME")]
    acme_domains: Vec<String>,

    /// The authority may write to this address.
    ///
    /// It is told when the account is made. A new address has no effect while --acme-cache has the account.
    #[arg(long, env = "FANFARE_ACME_EMAIL", value_name = "ADDRESS", value_parser = email, help_heading = "Certificates by ACME")]
    acme_email: Option<String>,

    /// The authority has its directory at this URL (RFC 8555).
    #[arg(long, env = "FANFARE_ACME_DIRECTORY", value_name = "URL", default_value = LETS_ENCRYPT, value_parser = directory, help_heading = "Certificates by ACME")]
    acme_directory: Url,

    /// The server keeps account and certificates in this directory, so that a restart asks for nothing again.
    ///
    /// The server makes the directory if it does not exist. --acme-domain needs it.
    #[arg(long, env = "FANFARE_ACME_CACHE", value_name = "PATH", help_heading = "Certificates by ACME")]
    acme_cache: Option<PathBuf>,

    /// The server trusts the authorities in this PEM file when it speaks to --acme-directory [default: those of the system].
    ///
    /// A private authority needs it.
    #[arg(long, env = "FANFARE_ACME_CA", value_name = "FILE", help_heading = "Certificates by ACME")]
    acme_ca: Option<PathBuf>,
}

impl Tls {
    /// Checks rules on several settings.
    ///
    /// # Errors
    /// A sentence that says what to do.
    pub(super) fn check(&self, plain: &Listen) -> Result<(), String> {
        let (certs, keys, is_acme) = (self.certs.len(), self.keys.len(), !self.acme_domains.is_empty());
        match (certs, keys) {
            (0, 1..) => return Err("--tls-key without --tls-cert: give the certificate of the key as well".to_owned()),
            (1.., 0) => return Err("--tls-cert without --tls-key: give the key of the certificate as well".to_owned()),
            _ if certs != keys => {
                return Err(format!(
                    "--tls-cert and --tls-key belong together in their order: there are certificates: {certs}, keys: {keys}"
                ));
            }
            _ => {}
        }
        if self.self_signed && (certs > 0 || is_acme) {
            let other = if certs > 0 { "--tls-cert" } else { "--acme-domain" };
            return Err(format!("--tls-self-signed and {other}: a server needs one of them; leave the other out"));
        }
        if !is_acme && let Some(flag) = self.acme_flag() {
            return Err(format!("{flag} needs --acme-domain, the name of the certificate"));
        }
        if is_acme && self.acme_cache.is_none() {
            return Err("--acme-domain needs --acme-cache, a directory that a restart finds again, as in \
                        --acme-cache /var/lib/fanfare-acme: authorities issue only a few certificates a week"
                .to_owned());
        }
        if self.is_on() {
            return self.check_listeners(plain);
        }
        let needing = [
            ("--listen-tls", self.listen_tls.is_some()),
            ("--tls-client-ca", self.client_ca.is_some()),
            ("--tls-redirect", self.redirect != Redirect::Off),
            ("--listen=off", *plain == Listen::Off),
        ];
        match needing.iter().find(|(_, is_given)| *is_given) {
            Some((flag, _)) => Err(format!("{flag} needs a certificate: {SOURCES}")),
            None => Ok(()),
        }
    }

    fn check_listeners(&self, plain: &Listen) -> Result<(), String> {
        if self.listen_tls == Some(Listen::Off) {
            return Err("--listen-tls=off leaves the certificate without a listener: leave one of them out".to_owned());
        }
        if self.redirect != Redirect::Off && *plain == Listen::Off {
            return Err(
                "--tls-redirect with --listen=off: there is nothing to redirect; leave one of them out".to_owned()
            );
        }
        Ok(())
    }

    /// A setting of ACME that was given, but for the names.
    fn acme_flag(&self) -> Option<&'static str> {
        let given = [
            ("--acme-email", self.acme_email.is_some()),
            ("--acme-directory", self.acme_directory.as_str() != LETS_ENCRYPT),
            ("--acme-cache", self.acme_cache.is_some()),
            ("--acme-ca", self.acme_ca.is_some()),
        ];
        given.iter().find(|(_, is_given)| *is_given).map(|(flag, _)| *flag)
    }

    /// Whether there is a certificate, or will be.
    fn is_on(&self) -> bool {
        self.self_signed || !self.certs.is_empty() || !self.acme_domains.is_empty()
    }

    /// The address for https, if there is a certificate.
    pub(super) fn listen(&self, plain: &Listen) -> Option<Listen> {
        self.is_on().then(|| self.listen_tls.clone().unwrap_or_else(|| plain.with_port(PORT)))
    }

    /// The names of certificates that the server gets by ACME. They are its own.
    pub(super) fn acme_domains(&self) -> &[String] {
        &self.acme_domains
    }

    /// The port that browsers are sent to from plain HTTP, if they are. `bound` is the port of the listener for https.
    pub(super) fn https_port(&self, bound: u16) -> Option<u16> {
        self.redirect.port(bound)
    }

    /// Where the certificates come from, if there is one. `listen` is the address for https.
    pub(super) fn sources(&self, listen: &Listen, limits: &Connections) -> Sources {
        let acme = self.acme_cache.clone().filter(|_| !self.acme_domains.is_empty()).map(|cache| Plan {
            domains: once_each(&self.acme_domains),
            email: self.acme_email.clone(),
            directory: self.acme_directory.clone(),
            cache,
            root: self.acme_ca.clone(),
        });
        Sources {
            pairs: self.certs.iter().cloned().zip(self.keys.iter().cloned()).collect(),
            acme,
            self_signed: self.self_signed.then(|| listen.host()),
            client_ca: self.client_ca.clone(),
            outlet: match limits.tls_outlet {
                TlsOutletArg::Records => TlsOutlet::Records,
                TlsOutletArg::Rustls => TlsOutlet::Rustls,
            },
            handshake_timeout: limits.tls_handshake_timeout,
        }
    }
}

/// The names in their order, without those that came before.
fn once_each(names: &[String]) -> Vec<String> {
    let is_first = |(at, name): &(usize, &String)| !names[..*at].contains(name);
    names.iter().enumerate().filter(is_first).map(|(_, name)| name.clone()).collect()
}

/// Parses a name that an authority can prove (RFC 1034 section 3.5), in lower case.
fn domain(text: &str) -> Result<String, String> {
    if text.contains('*') {
        return Err("an authority proves `*` in the DNS alone, which is not spoken here; name each host".to_owned());
    }
    let is_number = |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_digit());
    let is_address =
        text.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() || text.rsplit('.').next().is_some_and(is_number);
    if is_address {
        return Err("this is an address, and an authority proves names; write the name of this host".to_owned());
    }
    let name = host(text)?;
    if name.len() > NAME_BYTES_MAX {
        return Err(format!("the name has {} bytes, and {NAME_BYTES_MAX} are allowed", name.len()));
    }
    let label_fault = |label: &str| match label {
        "" => Some("an empty part; each dot stands between two parts".to_owned()),
        _ if label.len() > LABEL_BYTES_MAX => Some(format!("a part of more than {LABEL_BYTES_MAX} bytes")),
        _ if label.starts_with('-') || label.ends_with('-') => Some(format!("the part `{label}`, with `-` at its end")),
        _ if label.contains('_') => Some(format!("the part `{label}`; `_` is in no name of a host")),
        _ => None,
    };
    match name.split('.').find_map(label_fault) {
        Some(fault) => Err(format!("the name has {fault}")),
        None => Ok(name),
    }
}

fn email(text: &str) -> Result<String, String> {
    let is_address = text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    let is_legal = is_address && text.chars().all(|c| c.is_ascii_graphic());
    is_legal.then(|| text.to_owned()).ok_or_else(|| "not an address; write it as in who@example.org".to_owned())
}

fn directory(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| url.scheme() == "https" && url.has_host());
    url.ok_or_else(|| format!("not the URL of a directory; write it as in {LETS_ENCRYPT}"))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[test]
    fn a_domain_is_a_name_that_an_authority_can_prove() {
        let long = |last: usize| format!("{}.{}", vec!["a".repeat(63); 3].join("."), "b".repeat(last));
        for (text, name) in [
            ("A.Example.org", "a.example.org"),
            ("desk", "desk"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("4.example", "4.example"),
            (&long(61), &long(61)),
        ] {
            assert_eq!(domain(text).as_deref(), Ok(name));
        }
        assert_eq!(long(61).len(), NAME_BYTES_MAX);
        for (text, said) in [
            ("", "not a host name"),
            ("*.example.org", "name each host"),
            ("a.*.org", "name each host"),
            ("192.0.2.1", "this is an address"),
            ("192.0.2", "this is an address"),
            ("::1", "this is an address"),
            ("[2001:db8::1]", "this is an address"),
            ("a.example/b", "not a host name"),
            ("../a", "not a host name"),
            ("a.example:443", "not a host name"),
            ("b\u{fc}cher.example", "not a host name"),
            ("..", "an empty part"),
            ("a..example", "an empty part"),
            (".example", "an empty part"),
            ("a.example.", "an empty part"),
            ("-a.example", "`-a`"),
            ("a-.example", "`a-`"),
            ("a_b.example", "`a_b`"),
            (&format!("{}.example", "a".repeat(64)), "more than 63 bytes"),
            (&long(62), "the name has 254 bytes, and 253 are allowed"),
        ] {
            let error = domain(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[derive(clap::Parser)]
    struct Alone {
        #[command(flatten)]
        tls: Tls,
    }

    #[test]
    fn https_is_on_port_3443_of_the_same_host_if_nothing_is_said() {
        let listen = |flags: &[&str]| {
            let tls = Alone::try_parse_from([&["fanfare"], flags].concat()).unwrap().tls;
            tls.listen(&"127.0.0.1:3000".parse().unwrap())
        };
        let at = |text: &str| Some(text.parse().unwrap());
        assert_eq!(listen(&["--tls-self-signed"]), at("127.0.0.1:3443"));
        assert_eq!(listen(&["--tls-self-signed", "--listen-tls=[::1]:443"]), at("[::1]:443"));
        assert_eq!(listen(&[]), None, "there is no certificate");
    }

    #[test]
    fn a_name_that_is_given_twice_is_asked_for_once() {
        let names = ["b.example", "a.example", "b.example", "A.Example"].map(|name| domain(name).unwrap());
        assert_eq!(once_each(&names), ["b.example", "a.example"]);
    }
}
