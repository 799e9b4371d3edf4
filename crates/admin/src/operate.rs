//! [`Operate`]: what the admin listener asks the server and tells it. [`Operator`] is the server itself. Tests have figures that they
//! make up.

use fanfare_http::{
    Channel, ChannelAccount, ClientId, Connection, ConnectionQuery, EventId, Explanation, Figures, Operator,
    PublishError, Whose,
};

/// The operator's side of a server. See [`Operator`] for what each method does.
pub trait Operate: Send + 'static {
    /// The figures.
    fn figures(&self) -> Figures;
    /// The connections that a query wants.
    fn connections(&self, query: ConnectionQuery) -> impl Future<Output = Vec<Connection>>;
    /// One connection.
    fn connection(&self, connection: u64) -> impl Future<Output = Option<Connection>>;
    /// Channels that somebody follows, by name, behind `after`, at most `limit`.
    fn channels(&self, after: Option<&Channel>, limit: usize) -> Vec<(Channel, ChannelAccount)>;
    /// Those with the most connections.
    fn busiest_channels(&self, limit: usize) -> Vec<(Channel, ChannelAccount)>;
    /// The figures of one channel, if somebody follows it, and the number and bytes of its kept events.
    fn channel(&self, channel: &Channel) -> (Option<ChannelAccount>, usize, usize);
    /// Clients and the number of their connections, by name, behind `after`, at most `limit`.
    fn clients(&self, after: Option<&ClientId>, limit: usize) -> Vec<(ClientId, usize)>;
    /// Ends streams in good order. Returns how many.
    fn disconnect(&self, whose: Whose) -> impl Future<Output = usize>;
    /// Throws the kept events of a channel away. Returns how many there were.
    ///
    /// # Errors
    /// [`PublishError`]: nothing was thrown away, except that [`PublishError::Unknown`] leaves it open.
    fn purge(&self, channel: &Channel) -> impl Future<Output = Result<usize, PublishError>>;
    /// What became of an event for a client.
    fn explain(&self, event: EventId, client: &ClientId) -> impl Future<Output = Explanation>;
    /// What became of an event on one connection.
    fn explain_connection(&self, event: EventId, connection: u64) -> impl Future<Output = Option<Explanation>>;
}

impl Operate for Operator {
    fn figures(&self) -> Figures {
        self.figures()
    }

    async fn connections(&self, query: ConnectionQuery) -> Vec<Connection> {
        self.connections(query).await
    }

    async fn connection(&self, connection: u64) -> Option<Connection> {
        self.connection(connection).await
    }

    fn channels(&self, after: Option<&Channel>, limit: usize) -> Vec<(Channel, ChannelAccount)> {
        self.channels(after, limit)
    }

    fn busiest_channels(&self, limit: usize) -> Vec<(Channel, ChannelAccount)> {
        self.busiest_channels(limit)
    }

    fn channel(&self, channel: &Channel) -> (Option<ChannelAccount>, usize, usize) {
        self.channel(channel)
    }

    fn clients(&self, after: Option<&ClientId>, limit: usize) -> Vec<(ClientId, usize)> {
        self.clients(after, limit)
    }

    async fn disconnect(&self, whose: Whose) -> usize {
        self.disconnect(whose).await
    }

    async fn purge(&self, channel: &Channel) -> Result<usize, PublishError> {
        self.purge(channel).await
    }

    async fn explain(&self, event: EventId, client: &ClientId) -> Explanation {
        self.explain(event, client).await
    }

    async fn explain_connection(&self, event: EventId, connection: u64) -> Option<Explanation> {
        self.explain_connection(event, connection).await
    }
}
