//! [`Destination`]: where a single publish goes, as its path says it, or its query: proxies decode `%2F` in a path, and a name
//! with a slash would become two segments.

use fanfare_core::{Channel, ClientId, Target};

use crate::{
    answer::problem::Problem,
    text::query::{Query, decode},
};

/// The destination of a single publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// One target, for the body as it is.
    Target(Target),
    /// The targets in the query, for the body as it is.
    InQuery,
    /// A hello, to this client.
    Ping(ClientId),
}

impl Destination {
    /// The targets, as the path or `query` names them. None if the query is wrong.
    pub(crate) fn targets(&self, query: &str, channels_max: usize) -> Option<Vec<Target>> {
        match self {
            Self::Target(target) => Some(vec![target.clone()]),
            Self::Ping(client) => Some(vec![Target::Client(client.clone())]),
            Self::InQuery => targets(&Query::parse(query).ok()?, channels_max).ok(),
        }
    }
}

/// The parameters that name a target.
const NAMES: [&str; 3] = ["channel", "client", "all"];

/// Whether a query, as it came, names a target. Right or wrong, it was meant for a single publish.
pub(crate) fn is_in(query: &str) -> bool {
    query.split('&').any(|pair| {
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        decode(name).is_ok_and(|name| NAMES.contains(&name.as_str()))
    })
}

/// The targets that the query names: channels, a client, or all.
///
/// # Errors
/// 400 for names that are none, for more than one kind of target, and for more channels than a line of a batch may have.
pub(crate) fn targets(query: &Query, channels_max: usize) -> Result<Vec<Target>, Problem> {
    let channels: Vec<_> = query.all("channel").collect();
    match (channels.is_empty(), query.one("client")?, query.one("all")?) {
        (false, None, None) if channels.len() > channels_max => {
            Err(Problem::bad_request(format!("an event goes to at most {channels_max} channels")))
        }
        (false, None, None) => {
            let channel = |name| Channel::new(name).map(Target::Channel);
            let targets = channels.into_iter().map(channel).collect::<Result<_, _>>();
            targets.map_err(|error| Problem::bad_request(format!("channel: {error}")))
        }
        (true, Some(client), None) => {
            let client = ClientId::new(client).map_err(|error| Problem::bad_request(format!("client: {error}")))?;
            Ok(vec![Target::Client(client)])
        }
        (true, None, Some("true")) => Ok(vec![Target::All]),
        _ => Err(Problem::bad_request("exactly one of channel=, client= and all=true is needed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_names_a_target_whatever_it_is() {
        for query in ["channel=a", "x=1&client=", "all", "all=no", "ch%61nnel=a", "channel=%zz", "event=a&channel"] {
            assert!(is_in(query), "{query}");
        }
        for query in ["", "event=channel", "channels=a", "%zz", "Channel=a", "a=channel&b=client"] {
            assert!(!is_in(query), "{query}");
        }
    }

    #[test]
    fn there_is_exactly_one_kind_of_target() {
        let targets = |query: &str| super::targets(&Query::parse(query).unwrap(), 2);
        let channel = |name| Target::Channel(Channel::new(name).unwrap());
        assert_eq!(targets("channel=orders/42&event=x"), Ok(vec![channel("orders/42")]));
        assert_eq!(targets("channel=a&channel=b"), Ok(vec![channel("a"), channel("b")]));
        assert_eq!(targets("client=a+b"), Ok(vec![Target::Client(ClientId::new("a b").unwrap())]));
        assert_eq!(targets("all=true"), Ok(vec![Target::All]));
        for wrong in [
            "",
            "channel=",
            "client=",
            "client=%0a",
            "all=",
            "all=false",
            "all=yes",
            "channel=a&client=b",
            "client=b&all=true",
            "channel=a&all=true",
            "channel=a&all=false",
            "client=a&client=a",
            "all=true&all=true",
            "channel=a&channel=b&channel=b",
        ] {
            assert!(targets(wrong).is_err(), "{wrong}");
        }
    }
}
