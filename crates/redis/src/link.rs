//! [`Link`]: connections to the server that has the Stream now, and all commands that go over them. Any error ends the
//! link as a whole, and a new one begins with [`Link::attach`]. So nothing happens to the Stream unnoticed.

use std::{fmt, time::Duration};

use fanfare_core::EventId;
use redis::{
    AsyncConnectionConfig, Cmd, ConnectionInfo, ErrorKind, InfoDict, Pipeline, RedisResult, Value,
    aio::MultiplexedConnection,
};
use tracing::warn;

use crate::{
    config::{Config, Keys},
    entry::Entry,
    link_error::LinkError,
    position::Position,
    scripts,
};

/// Time that a server may take to accept a connection.
const CONNECT_TIME: Duration = Duration::from_secs(2);
/// Time that a read waits for an entry. After it the node looks at the Stream.
const BLOCK_TIME: Duration = Duration::from_secs(2);
/// The oldest version of Redis with all commands and options in use.
const VERSION_MIN: (u32, u32) = (6, 2);

/// The state of the Stream.
#[derive(Clone, Debug)]
pub(crate) struct Attached {
    pub(crate) epoch: Box<str>,
    /// The number of the newest entry of Fanfare.
    pub(crate) n: u64,
    /// The beginning of the Stream, in Unix time.
    pub(crate) born_ms: u64,
    /// The newest entry that said that events may be lost.
    pub(crate) lost: EventId,
    /// The newest id given.
    pub(crate) last: EventId,
}

/// Connections to one server: one that appends, one that reads and waits, one for all else.
pub(crate) struct Link {
    pub(crate) info: ConnectionInfo,
    keys: Keys,
    appending: MultiplexedConnection,
    reading: MultiplexedConnection,
    asking: MultiplexedConnection,
    /// Name of the server's process. Empty if another process would have all data of this one.
    run: String,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("to", &self.info.addr().to_string()).finish_non_exhaustive()
    }
}

impl Link {
    /// Finds the server and connects to it.
    ///
    /// # Errors
    /// The server cannot be found or reached, refuses the login, or is too old.
    pub(crate) async fn open(config: &Config) -> Result<Self, LinkError> {
        let client = config.address.primary(&Keys::new(&config.name, 0).events).await?;
        let (info, is_tls) = (client.get_connection_info().clone(), config.address.is_tls());
        let open = async {
            let connect = async |timeout, name: &str| {
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(CONNECT_TIME))
                    .set_response_timeout(Some(timeout));
                let connection = client.get_multiplexed_async_connection_with_config(&config).await;
                let mut connection = connection.map_err(|error| LinkError::connecting(error, is_tls))?;
                // For the reader of CLIENT LIST. A server that refuses the command is as good.
                let mut named = redis::cmd("CLIENT");
                named.arg("SETNAME").arg(name);
                let _: RedisResult<()> = named.query_async(&mut connection).await;
                Ok::<_, LinkError>(connection)
            };
            let mut asking = connect(config.timeout, "fanfare-ask").await?;
            let run = check_server(&mut asking).await?;
            Ok(Self {
                // In other topologies a replica takes over, and has the data it was given.
                run: run.filter(|_| config.address.is_one_server()).unwrap_or_default(),
                appending: connect(config.timeout, "fanfare-append").await?,
                reading: connect(BLOCK_TIME + config.timeout, "fanfare-read").await?,
                asking,
                keys: Keys::new(&config.name, info.redis_settings().db()),
                info: info.clone(),
            })
        };
        open.await.map_err(|error: LinkError| error.of(&info))
    }

    /// Adds the address of the server to an error.
    pub(crate) fn named(&self, error: LinkError) -> LinkError {
        error.of(&self.info)
    }

    /// The Pub/Sub channel on which the lease changes hands.
    pub(crate) fn said(&self) -> &str {
        &self.keys.said
    }

    /// Reads the state of the Stream, for a node that has come to `position` and has read up to `cursor`. A Stream that
    /// has gone back since goes on above that.
    ///
    /// # Errors
    /// The link fails, or the server has become a replica, which refuses nothing but writes.
    pub(crate) async fn attach(&self, position: Option<&Position>, cursor: EventId) -> Result<Attached, LinkError> {
        let mut asking = self.asking.clone();
        let role: Vec<Value> = redis::cmd("ROLE").query_async(&mut asking).await?;
        if role.first() != Some(&Value::BulkString(b"master".to_vec())) {
            return Err(LinkError::new("it is a replica"));
        }
        let mut command = self.script(scripts::ATTACH);
        command.arg(fresh_name()).arg(&self.run);
        if let Some(Position { id, epoch, n }) = position {
            command.arg(id.to_string()).arg(&**epoch).arg(*n).arg(cursor.max(*id).to_string());
        }
        let reply: (String, u64, u64, String, String) = command.query_async(&mut asking).await?;
        let (epoch, n, born_ms, lost, last) = reply;
        let id = |text: &str| text.parse().unwrap_or(EventId::ZERO);
        Ok(Attached { epoch: epoch.into(), n, born_ms, lost: id(&lost), last: id(&last) })
    }

    /// Reads at most `count` entries behind `cursor`. Empty if none came in time, or at once unless `may_wait`.
    pub(crate) async fn read(&self, cursor: EventId, count: usize, may_wait: bool) -> Result<Vec<Entry>, LinkError> {
        let mut command = redis::cmd("XREAD");
        command.arg("COUNT").arg(count);
        if may_wait {
            command.arg("BLOCK").arg(millis(BLOCK_TIME));
        }
        command.arg("STREAMS").arg(&self.keys.events).arg(cursor.to_string());
        let reply = self.reading.clone().send_packed_command(&command).await.and_then(Value::extract_error)?;
        Entry::of_reply(reply).ok_or_else(|| LinkError::new("an answer to XREAD that is none"))
    }

    /// The last id that the Stream has given.
    ///
    /// # Errors
    /// The link fails.
    pub(crate) async fn end(&self) -> Result<EventId, LinkError> {
        let end: Option<String> = self.script(scripts::END).query_async(&mut self.asking.clone()).await?;
        Ok(end.and_then(|id| id.parse().ok()).unwrap_or(EventId::ZERO))
    }

    /// The command that appends, without its arguments. See `append.lua`.
    pub(crate) fn append(&self) -> Cmd {
        self.script(scripts::APPEND)
    }

    /// Sends the command that [`Link::append`] began. Waits until `replicas` have the events, at most half of
    /// `timeout`. Returns the answer, and whether the replicas had them.
    pub(crate) async fn send(
        mut connection: MultiplexedConnection,
        command: Cmd,
        replicas: usize,
        timeout: Duration,
    ) -> RedisResult<(Value, bool)> {
        if replicas == 0 {
            let reply = connection.send_packed_command(&command).await?;
            return Ok((reply, true));
        }
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.add_command(command).cmd("WAIT").arg(replicas).arg(millis(timeout / 2));
        let mut replies = connection.send_packed_commands(&pipeline, 0, 2).await?.into_iter();
        let (Some(reply), Some(waited)) = (replies.next(), replies.next()) else {
            return Err((ErrorKind::Client, "two answers were due").into());
        };
        let is_safe = matches!(waited, Value::Int(had) if usize::try_from(had).is_ok_and(|had| had >= replicas));
        Ok((reply, is_safe))
    }

    /// The connection for commands that are sent beside others.
    pub(crate) fn appending(&self) -> MultiplexedConnection {
        self.appending.clone()
    }

    /// The connection for commands whose sender waits for the answer.
    pub(crate) fn asking(&self) -> MultiplexedConnection {
        self.asking.clone()
    }

    /// Takes or keeps the lease for `patterns` under the name `token`. Returns `None`, or the patterns of the node that
    /// holds it. If `is_said_again`, all nodes are told once more that the lease is this node's.
    pub(crate) async fn lease(
        &self,
        token: &str,
        patterns: &str,
        time: Duration,
        is_said_again: bool,
    ) -> Result<Option<String>, LinkError> {
        let mut command = self.script(scripts::LEASE);
        command.arg(token).arg(patterns).arg(millis(time)).arg(&self.keys.said).arg(u8::from(is_said_again));
        let held: String = command.query_async(&mut self.asking.clone()).await?;
        Ok(Some(held).filter(|held| !held.is_empty()))
    }

    /// Gives the lease up.
    pub(crate) async fn release(&self, token: &str) -> Result<(), LinkError> {
        let mut command = self.script(scripts::RELEASE);
        command.arg(token).arg(&self.keys.said);
        Ok(command.query_async(&mut self.asking.clone()).await?)
    }

    /// Keeps the Stream within `bytes_max` bytes of memory, about.
    pub(crate) async fn trim(&self, bytes_max: u64) -> Result<(), LinkError> {
        let mut command = self.script(scripts::TRIM);
        command.arg(bytes_max);
        Ok(command.query_async(&mut self.asking.clone()).await?)
    }

    fn script(&self, text: &str) -> Cmd {
        let mut command = redis::cmd("EVAL");
        command.arg(text).arg(self.keys.all.len()).arg(&self.keys.all);
        command
    }
}

/// Checks that the server is new enough. Returns the name of its process if the next process goes on from a snapshot. A
/// log has all data of the process before, and so has a promoted replica.
async fn check_server(connection: &mut MultiplexedConnection) -> Result<Option<String>, LinkError> {
    let info: InfoDict = redis::cmd("INFO").query_async(connection).await?;
    let text = |name: &str| info.get::<String>(name).unwrap_or_default();
    let version = text("redis_version");
    let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
    let number = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if number < VERSION_MIN {
        let (major, minor) = VERSION_MIN;
        return Err(LinkError::setting(format!(
            "its version is {version}; {major}.{minor} is the oldest that will do"
        )));
    }
    if text("loading") == "1" {
        // A server that is loading also says that it has no log.
        return Err(LinkError::new("it is still reading its data from disk"));
    }
    let policy = text("maxmemory_policy");
    if policy.starts_with("allkeys") {
        warn!(%policy, "Redis may throw the Stream away when its memory is full: set maxmemory-policy to noeviction");
    }
    let was_replica = text("master_replid2").bytes().any(|digit| digit != b'0');
    let has_log = text("aof_enabled") == "1";
    Ok((!has_log && !was_replica).then(|| text("run_id")))
}

/// A name that was never used before, for an epoch or a node.
pub(crate) fn fresh_name() -> String {
    format!("{:016x}", rand::random::<u64>())
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
