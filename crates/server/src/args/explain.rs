//! Arguments of `fanfare explain`.

use fanfare_core::EventId;

use super::sendable::sendable;
use crate::{client::Reach, failure::Failure, settings::number, url::Url};

/// Where a server listens for operators by default.
const ADMIN: &str = "http://127.0.0.1:3001";

/// Arguments of `fanfare explain`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("whose").required(true))]
pub(crate) struct Explain {
    /// The id of the event, as the answer to its publish has it.
    #[arg(value_parser = event_id)]
    event: EventId,

    /// What became of it for this client.
    #[arg(long, value_name = "ID", group = "whose")]
    client: Option<String>,

    /// What became of it on the connection with this number.
    #[arg(long, value_name = "N", group = "whose", value_parser = number(1_u64, u64::MAX))]
    connection: Option<u64>,

    /// The admin listener of the server.
    #[arg(long, env = "FANFARE_ADMIN_URL", value_name = "URL", default_value = ADMIN, value_parser = Url::parse)]
    admin: Url,

    /// The token of the admin listener.
    #[arg(long, env = "FANFARE_ADMIN_TOKEN", value_name = "KEY", hide_env_values = true)]
    admin_token: Option<String>,

    /// Print the answer of the server as it is.
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) reach: Reach,
}

fn event_id(text: &str) -> Result<EventId, String> {
    text.parse().map_err(|error| format!("{error}, as in 1796023882123-3"))
}

impl Explain {
    /// The question.
    pub(crate) fn url(&self) -> Url {
        let url = self.admin.clone().or_path("/api/v1/explain", &["", "/"]).with("event", &self.event.to_string());
        let url = self.client.iter().fold(url, |url, client| url.with("client", client));
        self.connection.iter().fold(url, |url, connection| url.with("connection", &connection.to_string()))
    }

    /// The token, if there is one.
    ///
    /// # Errors
    /// It cannot be sent.
    pub(crate) fn token(&self) -> Result<Option<&str>, Failure> {
        sendable("--admin-token (FANFARE_ADMIN_TOKEN)", self.admin_token.as_deref())
    }
}
