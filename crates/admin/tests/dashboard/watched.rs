//! [`Watched`]: the made-up side of a server, which writes down what it is told to do.

use std::sync::{Arc, Mutex};

use fanfare_admin::{Control, Operate, ReloadError, Reloaded};
use fanfare_http::{
    Channel, ChannelAccount, ClientId, Connection, ConnectionQuery, EventId, Explanation, Figures, PublishError, Whose,
};

use crate::support::{listener::Program, made_up::MadeUp};

/// What was done, in order.
#[derive(Clone, Default)]
pub(crate) struct Deeds(Arc<Mutex<Vec<String>>>);

impl Deeds {
    fn add(&self, deed: impl Into<String>) {
        self.0.lock().unwrap().push(deed.into());
    }

    /// All that was done since this was asked last.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

pub(crate) struct Watched {
    pub(crate) made_up: MadeUp,
    pub(crate) deeds: Deeds,
}

impl Operate for Watched {
    fn figures(&self) -> Figures {
        Operate::figures(&self.made_up)
    }

    async fn connections(&self, query: ConnectionQuery) -> Vec<Connection> {
        Operate::connections(&self.made_up, query).await
    }

    async fn connection(&self, connection: u64) -> Option<Connection> {
        Operate::connection(&self.made_up, connection).await
    }

    fn channels(&self, after: Option<&Channel>, limit: usize) -> Vec<(Channel, ChannelAccount)> {
        Operate::channels(&self.made_up, after, limit)
    }

    fn busiest_channels(&self, limit: usize) -> Vec<(Channel, ChannelAccount)> {
        Operate::busiest_channels(&self.made_up, limit)
    }

    fn channel(&self, channel: &Channel) -> (Option<ChannelAccount>, usize, usize) {
        Operate::channel(&self.made_up, channel)
    }

    fn clients(&self, after: Option<&ClientId>, limit: usize) -> Vec<(ClientId, usize)> {
        Operate::clients(&self.made_up, after, limit)
    }

    async fn disconnect(&self, whose: Whose) -> usize {
        self.deeds.add(match &whose {
            Whose::Connection(number) => format!("disconnect connection {number}"),
            Whose::Client(client) => format!("disconnect client {}", client.as_str()),
            Whose::Channel(channel) => format!("disconnect channel {}", channel.as_str()),
        });
        Operate::disconnect(&self.made_up, whose).await
    }

    async fn purge(&self, channel: &Channel) -> Result<usize, PublishError> {
        self.deeds.add(format!("purge {}", channel.as_str()));
        Operate::purge(&self.made_up, channel).await
    }

    async fn explain(&self, event: EventId, client: &ClientId) -> Explanation {
        self.deeds.add(format!("explain {event} client {}", client.as_str()));
        Operate::explain(&self.made_up, event, client).await
    }

    async fn explain_connection(&self, event: EventId, connection: u64) -> Option<Explanation> {
        self.deeds.add(format!("explain {event} connection {connection}"));
        Operate::explain_connection(&self.made_up, event, connection).await
    }
}

/// The program around it, which does the same.
pub(crate) struct WatchedProgram {
    pub(crate) program: Program,
    pub(crate) deeds: Deeds,
}

impl Control for WatchedProgram {
    fn drain(&self) {
        self.deeds.add("drain");
        self.program.drain();
    }

    async fn reload(&self) -> Result<Reloaded, ReloadError> {
        self.deeds.add("reload");
        self.program.reload().await
    }
}
