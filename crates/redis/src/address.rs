//! [`Address`]: the parsed value of `--redis`: one server, sentinels that know it, or nodes of a cluster.
//!
//! Parsed by hand: RFC 3986 knows no URL with several hosts. Neither a displayed address nor an error quotes a
//! password, or text that could be a part of one.

use std::{
    fmt::{self, Display, Formatter},
    str::FromStr,
};

use percent_encoding::percent_decode_str;
use thiserror::Error;

use crate::host::{Host, HostError, number};

const REDIS_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

/// The place of the Stream that all nodes share. `Debug` and `Display` show `***` for a password.
///
/// - `redis://[user:password@]host[:6379][/db]`; `valkey` means the same
/// - `redis-sentinel://[user:password@]host[:26379][,host...][/db]?master=NAME`, and `sentinel_user` and
///   `sentinel_password` for sentinels that ask for one; user and password before the hosts are those of the servers
/// - `redis-cluster://[user:password@]host[:6379][,host...]`
///
/// `rediss` or `valkeys` instead of `redis`: all connections use TLS.
///
/// ```
/// use fanfare_redis::Address;
///
/// assert!("rediss://:secret@redis.example:6380".parse::<Address>().is_ok());
/// assert!("http://redis.example".parse::<Address>().is_err());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    scheme: &'static Scheme,
    pub(crate) login: Option<Login>,
    pub(crate) topology: Topology,
    /// Number of the database. 0 in a cluster, which has no others.
    pub(crate) db: u32,
}

/// The way to find the primary.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Topology {
    /// The named server is the primary.
    Server(Host),
    /// The sentinels know the server that has the name `master`.
    Sentinels { sentinels: Vec<Host>, master: String, login: Option<Login> },
    /// The nodes know the server that has a key.
    Cluster(Vec<Host>),
}

/// User and password, percent-decoded.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Login {
    /// None is the user `default`.
    pub(crate) user: Option<String>,
    pub(crate) password: String,
}

#[derive(Debug, PartialEq, Eq)]
struct Scheme {
    name: &'static str,
    kind: Kind,
    tls: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Server,
    Sentinels,
    Cluster,
}

static SCHEMES: [Scheme; 8] = [
    Scheme { name: "redis", kind: Kind::Server, tls: false },
    Scheme { name: "rediss", kind: Kind::Server, tls: true },
    Scheme { name: "valkey", kind: Kind::Server, tls: false },
    Scheme { name: "valkeys", kind: Kind::Server, tls: true },
    Scheme { name: "redis-sentinel", kind: Kind::Sentinels, tls: false },
    Scheme { name: "rediss-sentinel", kind: Kind::Sentinels, tls: true },
    Scheme { name: "redis-cluster", kind: Kind::Cluster, tls: false },
    Scheme { name: "rediss-cluster", kind: Kind::Cluster, tls: true },
];

/// The reason for which a text is no [`Address`].
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AddressError {
    /// The text has no `://`, or an unknown scheme before it.
    #[error(
        "it begins with redis://, rediss:// (TLS), redis-sentinel://, rediss-sentinel://, redis-cluster:// or \
         rediss-cluster://"
    )]
    Scheme,
    /// The path of a Unix socket. All nodes have to reach the Stream.
    #[error("Unix sockets are not supported: several nodes share it, so it is reached over TCP")]
    UnixSocket,
    /// One of the hosts is no host.
    #[error(transparent)]
    Host(#[from] HostError),
    /// Several hosts for a single server.
    #[error("several hosts are for redis-sentinel:// and redis-cluster://")]
    SeveralHosts,
    /// The text after the slash is no number of a database.
    #[error("a database is a number, as in redis://host:6379/2")]
    Database,
    /// A cluster with a database. The protocol knows none.
    #[error("a cluster has no databases: nothing follows its hosts")]
    DatabaseOfCluster,
    /// Sentinels without the name of a primary. They know several primaries.
    #[error("sentinels have to be asked for a primary by its name: redis-sentinel://host:26379?master=NAME")]
    NoMaster,
    /// The scheme has no such parameter.
    #[error("unknown parameter {0:?}: redis-sentinel:// has master, sentinel_user and sentinel_password, others none")]
    Parameter(String),
    /// A parameter occurs twice, and either could count.
    #[error("the parameter {0:?} is there twice")]
    Repeated(&'static str),
    /// A user without a password. The default user is not named.
    #[error("a user has a password, as in user:password@; the default user has it alone: :password@")]
    UserWithoutPassword,
    /// The percent-decoded text is no UTF-8.
    #[error("after percent-decoding it is not UTF-8")]
    Encoding,
    /// A delimiter in a name or a password, most likely.
    #[error("in a user, a password or a value, write % as %25, / as %2F, ? as %3F, # as %23, @ as %40 and & as %26")]
    Unencoded,
}

impl Address {
    /// Whether the address names the server itself.
    pub(crate) fn is_one_server(&self) -> bool {
        matches!(self.topology, Topology::Server(_))
    }

    /// Whether all connections use TLS.
    pub(crate) fn is_tls(&self) -> bool {
        self.scheme.tls
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let is_unix = |scheme| matches!(scheme, "unix" | "redis+unix" | "valkey+unix");
        if text.starts_with('/') || text.split_once(':').is_some_and(|(scheme, _)| is_unix(scheme)) {
            return Err(AddressError::UnixSocket);
        }
        let (scheme, rest) = text.split_once("://").ok_or(AddressError::Scheme)?;
        let scheme =
            SCHEMES.iter().find(|known| known.name.eq_ignore_ascii_case(scheme)).ok_or(AddressError::Scheme)?;
        let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        // These characters belong to a password, which no other error may quote.
        if rest.contains(['@', '#']) {
            return Err(AddressError::Unencoded);
        }
        let (login, hosts) = match authority.rsplit_once('@') {
            Some((login, hosts)) => (Login::parse(login)?, hosts),
            None => (None, authority),
        };
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let parameters = Parameters::parse(query, scheme.kind)?;
        let topology = parameters.topology(scheme.kind, hosts)?;
        let db = match path.strip_prefix('/') {
            None | Some("") => 0,
            Some(_) if scheme.kind == Kind::Cluster => return Err(AddressError::DatabaseOfCluster),
            Some(db) => number(db).and_then(|db| u32::try_from(db).ok()).ok_or(AddressError::Database)?,
        };
        Ok(Self { scheme, login, topology, db })
    }
}

impl Login {
    /// Parses the text before the `@`.
    fn parse(text: &str) -> Result<Option<Self>, AddressError> {
        match text.split_once(':') {
            Some((user, password)) => Self::new(decoded(user)?, Some(decoded(password)?)),
            None => Self::new(decoded(text)?, None),
        }
    }

    fn new(user: String, password: Option<String>) -> Result<Option<Self>, AddressError> {
        match password {
            None if user.is_empty() => Ok(None),
            None => Err(AddressError::UserWithoutPassword),
            Some(password) if user.is_empty() && password.is_empty() => Ok(None),
            Some(password) => Ok(Some(Self { user: Some(user).filter(|user| !user.is_empty()), password })),
        }
    }
}

/// Parameters that may follow the `?`.
#[derive(Default)]
struct Parameters {
    master: Option<String>,
    sentinel_user: Option<String>,
    sentinel_password: Option<String>,
}

impl Parameters {
    fn parse(query: &str, kind: Kind) -> Result<Self, AddressError> {
        let mut parameters = Self::default();
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let (name, field) = match name {
                "master" if kind == Kind::Sentinels => ("master", &mut parameters.master),
                "sentinel_user" if kind == Kind::Sentinels => ("sentinel_user", &mut parameters.sentinel_user),
                "sentinel_password" if kind == Kind::Sentinels => {
                    ("sentinel_password", &mut parameters.sentinel_password)
                }
                _ => return Err(AddressError::Parameter(name.to_owned())),
            };
            if field.replace(decoded(value)?).is_some() {
                return Err(AddressError::Repeated(name));
            }
        }
        Ok(parameters)
    }

    fn topology(self, kind: Kind, hosts: &str) -> Result<Topology, AddressError> {
        match kind {
            Kind::Server if hosts.contains(',') => Err(AddressError::SeveralHosts),
            Kind::Server => Ok(Topology::Server(Host::parse(hosts, REDIS_PORT)?)),
            Kind::Cluster => Ok(Topology::Cluster(Host::parse_list(hosts, REDIS_PORT)?)),
            Kind::Sentinels => {
                let sentinels = Host::parse_list(hosts, SENTINEL_PORT)?;
                let master = self.master.filter(|name| !name.is_empty()).ok_or(AddressError::NoMaster)?;
                let login = Login::new(self.sentinel_user.unwrap_or_default(), self.sentinel_password)?;
                Ok(Topology::Sentinels { sentinels, master, login })
            }
        }
    }
}

fn decoded(text: &str) -> Result<String, AddressError> {
    Ok(percent_decode_str(text).decode_utf8().map_err(|_| AddressError::Encoding)?.into_owned())
}

impl Display for Address {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme.name)?;
        if let Some(Login { user, .. }) = &self.login {
            write!(f, "{}:***@", user.as_deref().unwrap_or_default())?;
        }
        let hosts = match &self.topology {
            Topology::Server(host) => std::slice::from_ref(host),
            Topology::Sentinels { sentinels: hosts, .. } | Topology::Cluster(hosts) => hosts,
        };
        for (index, host) in hosts.iter().enumerate() {
            write!(f, "{}{host}", if index == 0 { "" } else { "," })?;
        }
        if self.db != 0 {
            write!(f, "/{}", self.db)?;
        }
        if let Topology::Sentinels { master, login, .. } = &self.topology {
            write!(f, "?master={master}")?;
            if let Some(Login { user, .. }) = login {
                let user = user.iter().map(|user| format!("&sentinel_user={user}")).collect::<String>();
                write!(f, "{user}&sentinel_password=***")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::HOSTS_MAX;

    fn address(text: &str) -> Address {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn login(user: &str, password: &str) -> Option<Login> {
        Some(Login {
            user: Some(user).filter(|user| !user.is_empty()).map(str::to_owned),
            password: password.to_owned(),
        })
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        for (text, shown) in [
            ("redis://a", "redis://a:6379"),
            ("REDISS://a/", "rediss://a:6379"),
            ("valkey://127.0.0.1:1/2", "valkey://127.0.0.1:1/2"),
            ("valkeys://[::1]/0", "valkeys://[::1]:6379"),
            ("redis://:@[::1]:65535", "redis://[::1]:65535"),
            ("redis://@a?", "redis://a:6379"),
            ("redis-cluster://a_b,c-d.:7,[fe80::1]", "redis-cluster://a_b:6379,c-d.:7,[fe80::1]:6379"),
            ("redis-sentinel://a,b:1/3?master=m", "redis-sentinel://a:26379,b:1/3?master=m"),
        ] {
            assert_eq!(address(text).to_string(), shown, "{text}");
            assert_eq!(address(shown), address(text), "what is shown means the same");
        }
    }

    #[test]
    fn credentials_are_decoded_and_never_shown() {
        let found = address("redis://us%40er:p%2F%3a%20w%25@a");
        assert!(found.login == login("us@er", "p/: w%"));
        assert_eq!(found.to_string(), "redis://us@er:***@a:6379");
        assert_eq!(format!("{found:?}"), "Address(redis://us@er:***@a:6379)");
        assert!(address("redis://:a:b@c@host").login == login("", "a:b@c"), "these are clear as well");
        assert!(address("redis://user:@host").login == login("user", ""), "a user may have an empty one");
        let sentinels = "rediss-sentinel://u:p@a?master=m&sentinel_user=s&sentinel_password=x%26y";
        let Topology::Sentinels { login: of_sentinels, .. } = address(sentinels).topology else { panic!("sentinels") };
        assert!(of_sentinels == login("s", "x&y"));
        let shown = "rediss-sentinel://u:***@a:26379?master=m&sentinel_user=s&sentinel_password=***";
        assert_eq!(address(sentinels).to_string(), shown);
    }

    #[test]
    fn what_is_wrong_has_a_name() {
        use AddressError::*;
        use HostError::{Malformed, Missing, Port};
        for (text, error) in [
            ("", Scheme),
            ("localhost:6379", Scheme),
            ("http://a", Scheme),
            ("redis:/a", Scheme),
            ("unix:///run/redis.sock", UnixSocket),
            ("redis+unix:///run/redis.sock", UnixSocket),
            ("/run/redis.sock", UnixSocket),
            ("redis://", Host(Missing)),
            ("redis:///2", Host(Missing)),
            ("redis://:6379", Host(Missing)),
            ("redis://u:p@", Host(Missing)),
            ("redis-cluster://a,,b", Host(Missing)),
            ("redis-cluster://a,", Host(Missing)),
            ("redis://a b", Host(Malformed)),
            ("redis://\u{e4}", Host(Malformed)),
            ("redis://::1", Host(Missing)),
            ("redis://fe80::1", Host(Malformed)),
            ("redis://[::1", Host(Malformed)),
            ("redis://[a]", Host(Malformed)),
            ("redis://[::1]6379", Host(Malformed)),
            ("redis://a,b", SeveralHosts),
            ("redis://a:", Host(Port)),
            ("redis://a:0", Host(Port)),
            ("redis://a:65536", Host(Port)),
            ("redis://a:+1", Host(Port)),
            ("redis://a:99999999999999999999999", Host(Port)),
            ("redis://a/x", Database),
            ("redis://a/-1", Database),
            ("redis://a/1/2", Database),
            ("redis://a/4294967296", Database),
            ("redis-cluster://a/0", DatabaseOfCluster),
            ("redis-sentinel://a", NoMaster),
            ("redis-sentinel://a?master=", NoMaster),
            ("redis-sentinel://a?master=m&master=m", Repeated("master")),
            ("redis-sentinel://a?master=m&sentinel_user=u", UserWithoutPassword),
            ("redis-sentinel://a?master=m&Master=m", Parameter("Master".to_owned())),
            ("redis://a?master=m", Parameter("master".to_owned())),
            ("redis-cluster://a?protocol=resp3", Parameter("protocol".to_owned())),
            ("redis://u@a", UserWithoutPassword),
            ("redis://:%ff@a", Encoding),
            ("redis://:a/b@c", Unencoded),
            ("redis://:a?b@c", Unencoded),
            ("rediss://a#insecure", Unencoded),
        ] {
            assert_eq!(text.parse::<Address>(), Err(error), "{text}");
        }
    }

    #[test]
    fn as_many_hosts_as_allowed_are_taken_and_no_more() {
        let list = |count| format!("redis-cluster://{}", vec!["a"; count].join(","));
        assert!(list(HOSTS_MAX).parse::<Address>().is_ok());
        assert_eq!(list(HOSTS_MAX + 1).parse::<Address>(), Err(HostError::TooMany.into()));
    }

    #[test]
    fn no_error_quotes_a_password() {
        for text in [
            "redis://u:secret",
            "redis://:secret/@a",
            "redis://a:secret@",
            "redis://:secret?x@h",
            "redis://:secret%ff@a",
        ] {
            let error = text.parse::<Address>().unwrap_err();
            assert!(!format!("{error} {error:?}").contains("secret"), "{text}: {error:?}");
        }
    }

    #[test]
    fn no_text_makes_it_panic() {
        let whole = "rediss-sentinel://us%4er:p%ff@[::1]:1,b:\u{e4},c/2?master=m&sentinel_password=%";
        for (at, _) in whole.char_indices() {
            let _ = whole[at..].parse::<Address>();
            let _ = whole[..at].parse::<Address>();
            for odd in ["", "%", "[", "]", ":", "@", "/", "?", "=", "&", ",", "\u{10ffff}", "\0"] {
                let _ = format!("{}{odd}{}", &whole[..at], &whole[at..]).parse::<Address>();
            }
        }
    }
}
