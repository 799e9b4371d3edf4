//! Finds the primary of an [`Address`]. The journal asks before each connection, so that it knows of every change:
//! connections that find a new primary by themselves would hide the moment at which events can be lost.
//!
//! Every search is bounded in time. An error says which servers were asked, and why that did not help.

use std::time::Duration;

use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, FromRedisValue, IntoConnectionInfo as _,
    RedisConnectionInfo, RedisError, Value, aio::MultiplexedConnection, cmd, io::tcp::TcpSettings,
};
use rustls::crypto::{CryptoProvider, ring};
use tokio::{task::JoinSet, time::timeout};

use crate::{
    address::{Address, Login, Topology},
    host::Host,
    primary_error::{Failure, Failures, PrimaryError},
};

/// Time for the name lookup, TCP, TLS and login together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// Time without an answer after which the next server is asked as well. A silent server costs no more than this.
const NEXT_AFTER: Duration = Duration::from_millis(250);

impl Address {
    /// A client of the server that has `key` now. A single server is not asked whether it is there, or primary. A
    /// server that another one names has said that it is primary.
    pub(crate) async fn primary(&self, key: &str) -> Result<Client, PrimaryError> {
        match &self.topology {
            Topology::Server(host) => {
                let client = self.client(host, self.login.as_ref(), self.db);
                client.map_err(|source| PrimaryError::Address { host: host.to_string(), source })
            }
            Topology::Sentinels { sentinels, master, .. } => {
                let refused = |failures| PrimaryError::Sentinels { master: master.clone(), failures };
                self.search(sentinels, key).await.map_err(refused)
            }
            Topology::Cluster(nodes) => {
                let refused = |failures| PrimaryError::Cluster { key: key.to_owned(), failures };
                self.search(nodes, key).await.map_err(refused)
            }
        }
    }

    /// Asks one server after the other, until one has named a primary. Takes at most [`NEXT_AFTER`] for each, and for
    /// the last one the time to ask two servers.
    async fn search(&self, hosts: &[Host], key: &str) -> Result<Client, Failures> {
        let mut failures = Vec::new();
        let mut waiting = hosts.iter().cloned().enumerate();
        // Dropping the set ends all tasks that still run.
        let mut asked = JoinSet::new();
        loop {
            if let Some((index, host)) = waiting.next() {
                let (address, key) = (self.clone(), key.to_owned());
                asked.spawn(async move { (index, address.ask(&host, &key).await, host) });
            }
            let is_last = waiting.len() == 0;
            let answer = async {
                match is_last {
                    true => Ok(asked.join_next().await),
                    false => timeout(NEXT_AFTER, asked.join_next()).await,
                }
            };
            match answer.await {
                Ok(Some(Ok((_, Ok(client), _)))) => return Ok(client),
                Ok(Some(Ok((index, Err(failure), host)))) => failures.push((index, host, failure)),
                Ok(None) if is_last => break,
                // The next one's turn; or a task has panicked, which was logged.
                Err(_) | Ok(None | Some(Err(_))) => {}
            }
        }
        failures.sort_by_key(|(index, ..)| *index);
        Err(Failures::new(failures.into_iter().map(|(_, host, failure)| (host, failure)).collect()))
    }

    /// The server that `host` names, if it is primary.
    async fn ask(&self, host: &Host, key: &str) -> Result<Client, Failure> {
        let named = match &self.topology {
            // A single server names itself.
            Topology::Server(host) => host.clone(),
            // Sentinels have no databases, and logins of their own.
            Topology::Sentinels { master, login, .. } => {
                named_by_sentinel(self.client(host, login.as_ref(), 0)?, master).await?
            }
            Topology::Cluster(_) => named_by_node(self.client(host, self.login.as_ref(), 0)?, host, key).await?,
        };
        self.verify(&named).await.map_err(|failure| Failure::Named(named, Box::new(failure)))
    }

    /// A client of `host`, if it is primary. The server that names it may not have heard yet that it is a replica now.
    async fn verify(&self, host: &Host) -> Result<Client, Failure> {
        let client = self.client(host, self.login.as_ref(), self.db)?;
        let answer: Vec<Value> = cmd("ROLE").query_async(&mut connect(&client).await?).await?;
        match text(answer.first())?.as_str() {
            "master" => Ok(client),
            role => Err(Failure::NotPrimary(role.to_owned())),
        }
    }

    /// A client of a server, a sentinel or a node.
    fn client(&self, host: &Host, login: Option<&Login>, db: u32) -> Result<Client, RedisError> {
        let Host { name, port } = host.clone();
        let address = if self.is_tls() {
            provide_cryptography();
            ConnectionAddr::TcpTls { host: name, port, insecure: false, tls_params: None }
        } else {
            ConnectionAddr::Tcp(name, port)
        };
        // Shown in CLIENT LIST of the server.
        let mut settings = RedisConnectionInfo::default().set_lib_name("fanfare", env!("CARGO_PKG_VERSION"));
        settings = settings.set_db(i64::from(db));
        if let Some(Login { user, password }) = login {
            settings = settings.set_password(password);
            if let Some(user) = user {
                settings = settings.set_username(user);
            }
        }
        let info: ConnectionInfo = address.into_connection_info()?;
        Client::open(info.set_redis_settings(settings).set_tcp_settings(TcpSettings::default().set_nodelay(true)))
    }
}

/// Installs the cryptography of rustls. rustls takes the only one of a program by itself, but a dependency may bring
/// another.
fn provide_cryptography() {
    if CryptoProvider::get_default().is_none() {
        // Another thread may have been faster.
        let _ = ring::default_provider().install_default();
    }
}

async fn connect(client: &Client) -> Result<MultiplexedConnection, RedisError> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(ANSWER_TIMEOUT));
    client.get_multiplexed_async_connection_with_config(&config).await
}

/// Asks a sentinel: <https://redis.io/docs/latest/develop/reference/sentinel-clients/>
async fn named_by_sentinel(sentinel: Client, master: &str) -> Result<Host, Failure> {
    let mut ask = cmd("SENTINEL");
    ask.arg("GET-MASTER-ADDR-BY-NAME").arg(master);
    let answer: Option<Vec<Value>> = ask.query_async(&mut connect(&sentinel).await?).await?;
    let answer = answer.ok_or(Failure::Unknown)?;
    Ok(Host { name: text(answer.first())?, port: port(answer.get(1))? })
}

/// Asks a node of a cluster: <https://redis.io/docs/latest/commands/cluster-slots/>
async fn named_by_node(node: Client, asked: &Host, key: &str) -> Result<Host, Failure> {
    let mut connection = connect(&node).await?;
    let slot: u16 = cmd("CLUSTER").arg("KEYSLOT").arg(key).query_async(&mut connection).await?;
    let ranges: Vec<Vec<Value>> = cmd("CLUSTER").arg("SLOTS").query_async(&mut connection).await?;
    for range in ranges {
        let [first, last, primary, ..] = &range[..] else { return Err(Failure::Answer) };
        if (port(Some(first))?..=port(Some(last))?).contains(&slot) {
            let Value::Array(primary) = primary else { return Err(Failure::Answer) };
            let name = match primary.first() {
                // A node may not know its own name. Its own is the one that it was asked by.
                Some(Value::Nil) => asked.name.clone(),
                name => Some(text(name)?).filter(|name| !name.is_empty()).unwrap_or_else(|| asked.name.clone()),
            };
            return Ok(Host { name, port: port(primary.get(1))? });
        }
    }
    Err(Failure::Unknown)
}

fn text(value: Option<&Value>) -> Result<String, Failure> {
    read(value)
}

fn port(value: Option<&Value>) -> Result<u16, Failure> {
    read(value)
}

fn read<T: FromRedisValue>(value: Option<&Value>) -> Result<T, Failure> {
    let value = value.ok_or(Failure::Answer)?;
    T::from_redis_value_ref(value).map_err(|_| Failure::Answer)
}
