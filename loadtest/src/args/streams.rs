//! [`StreamArgs`]: the flags about a target and the streams to it, which all scenarios share.

use std::path::PathBuf;
use std::time::Duration;

use crate::args::values::{CONNECTIONS_MAX, THREADS_MAX, parse_duration};
use crate::failure::Failure;
use crate::wire::dialect::{Header, Parts, Path, Preset};
use crate::wire::target::Url;
use crate::wire::token::Token;
use crate::wire::transport::{Transport, Version};

/// The most streams of one connection: servers allow a hundred or a few.
const STREAMS_PER_CONNECTION_MAX: i64 = 100_000;

/// How many streams connect at the same time, unless it is said.
const CONNECTING_MAX: u32 = 200;

/// Options of every scenario about the streams that it opens.
#[derive(Debug, clap::Args)]
pub(crate) struct StreamArgs {
    /// The server, as http://HOST:PORT or https://HOST:PORT
    #[arg(long, value_name = "URL")]
    url: Url,
    /// The other nodes, if the target is several servers that share one order of events: streams are spread over all
    /// of them, and one that comes back comes to the next; each publisher has a node of its own, or goes round those
    /// that would have none. May be given several times
    #[arg(long, value_name = "URL,...", value_delimiter = ',')]
    nodes: Vec<Url>,
    /// The version of HTTP. Over TLS the server has to agree to it (ALPN); without TLS, 2 is spoken with prior
    /// knowledge
    #[arg(long, value_enum, default_value = "1.1")]
    http: Version,
    /// The number of streams that share a connection, which only HTTP/2 can. Streams share with others of their
    /// behaviour, and of their thread and node. A connection that has lost all of its streams is closed
    #[arg(long, value_name = "N", default_value = "1",
          value_parser = clap::value_parser!(u32).range(1..=STREAMS_PER_CONNECTION_MAX))]
    streams_per_connection: u32,
    /// Certificates, in PEM, of the authority that a server with https:// is trusted by; those of the system if not
    /// given
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// The server whose routes are asked for, where no path is given
    #[arg(long, value_enum, default_value = "fanfare")]
    preset: Preset,
    /// The path that is subscribed to; {channel} and {client} stand for names
    #[arg(long, value_name = "PATH")]
    subscribe_path: Option<Path>,
    /// The path that is published to; {channel} and {client} stand for names
    #[arg(long, value_name = "PATH")]
    publish_path: Option<Path>,
    /// The body of a publish; {data} stands for the data, {data_form} for the data in a form [default: {data}]
    #[arg(long, value_name = "TEXT")]
    body: Option<String>,
    /// A header that goes with every request, as `Name: value`. May be given several times
    #[arg(long, value_name = "HEADER")]
    header: Vec<Header>,
    /// A token or key that goes with every subscribe, as `Authorization: Bearer TOKEN`
    #[arg(long, value_name = "TOKEN")]
    subscribe_token: Option<Token>,
    /// The same for every publish
    #[arg(long, value_name = "TOKEN")]
    publish_token: Option<Token>,
    /// The number of event streams to hold open
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=CONNECTIONS_MAX))]
    pub(crate) connections: u32,
    /// The number of them that connect at the same time, in each process
    #[arg(long, value_name = "N", default_value_t = CONNECTING_MAX,
          value_parser = clap::value_parser!(u32).range(1..=CONNECTIONS_MAX))]
    pub(crate) connecting_max: u32,
    /// Receiving threads (of each process); half of the processors, at most 4, if not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=THREADS_MAX))]
    threads: Option<u16>,
    /// Receiving processes, for more streams than the descriptors of one can hold
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..=THREADS_MAX))]
    processes: u16,
    /// The bound of the whole run (for `idle`: of its opening), in seconds or with a unit: 60, 500ms, 2m
    #[arg(long, value_name = "TIME", default_value = "60", value_parser = parse_duration)]
    pub(crate) timeout: Duration,
}

impl StreamArgs {
    /// So many streams to this server, and everything else as if it were not given.
    pub(crate) fn to(url: Url, connections: u32, threads: u16, timeout: Duration) -> Self {
        Self {
            url,
            nodes: Vec::new(),
            http: Version::Http1,
            streams_per_connection: 1,
            tls_ca: None,
            preset: Preset::Fanfare,
            subscribe_path: None,
            publish_path: None,
            body: None,
            header: Vec::new(),
            subscribe_token: None,
            publish_token: None,
            connections,
            connecting_max: CONNECTING_MAX,
            threads: Some(threads),
            processes: 1,
            timeout,
        }
    }

    /// The number of receiving threads in each process: never more than there are connections.
    pub(crate) fn threads(&self) -> u32 {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let half = u32::try_from(processors / 2).unwrap_or(1).clamp(1, 4);
        self.threads.map_or(half, u32::from).min(self.connections.max(1))
    }

    pub(crate) fn processes(&self) -> u32 {
        u32::from(self.processes).min(self.connections.max(1))
    }

    /// The URL of the target, or of each of its nodes.
    pub(crate) fn urls(&self) -> impl Iterator<Item = &Url> {
        std::iter::once(&self.url).chain(&self.nodes)
    }

    /// The way in which the target is spoken to, or the reason why it cannot be spoken to in this way.
    pub(crate) fn transport(&self) -> Result<Transport, Failure> {
        let is_tls = self.url.is_tls;
        if self.nodes.iter().any(|node| node.is_tls != is_tls) {
            return Err(Failure::MixedNodes);
        }
        if self.http == Version::Http1 && self.streams_per_connection > 1 {
            return Err(Failure::NoSharing);
        }
        if !is_tls && self.tls_ca.is_some() {
            return Err(Failure::NoTls);
        }
        let (tls_ca, streams_per_connection) = (self.tls_ca.clone(), self.streams_per_connection);
        Ok(Transport { version: self.http, is_tls, tls_ca, streams_per_connection })
    }

    pub(crate) fn parts(&self) -> Parts {
        Parts {
            preset: self.preset,
            subscribe: self.subscribe_path.clone(),
            publish: self.publish_path.clone(),
            body: self.body.clone(),
            headers: self.header.clone(),
            subscribe_token: self.subscribe_token.clone(),
            publish_token: self.publish_token.clone(),
        }
    }

    pub(crate) fn knows_batches(&self) -> bool {
        self.preset.knows_batches()
    }
}
