//! [`Wanted`]: the stream that a request asks for.

use fanfare_core::{Channel, ClientId, Form, Heartbeat, Pattern, Start, Target};
use hyper::HeaderMap;

use crate::{
    answer::problem::Problem,
    app::unix_ms,
    config::Config,
    request::{
        parameters::{self, ACCESS_TOKEN, shown},
        start,
    },
    text::query::Query,
};

/// A stream as it is asked for. Whether it may be had is for others to say.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// The id that the client gives itself, if it gives one.
    pub(crate) client: Option<ClientId>,
    pub(crate) channels: Vec<Channel>,
    pub(crate) patterns: Vec<Pattern>,
    pub(crate) start: Start,
    pub(crate) heartbeat: Heartbeat,
    pub(crate) form: Form,
    /// Oddities of the request that are no errors.
    pub(crate) notes: Vec<String>,
}

impl Wanted {
    /// Reads a request. `first` is the channel, or the pattern, of its path.
    ///
    /// # Errors
    /// 400 for what is wrong.
    pub(crate) fn parse(
        config: &Config,
        first: Option<&Pattern>,
        query: &str,
        headers: &HeaderMap,
    ) -> Result<Self, Problem> {
        let query = Query::parse(query).map_err(|error| Problem::bad_request(format!("query: {error}")))?;
        let mut notes = parameters::STREAM.check_near(&query)?;
        query.one(ACCESS_TOKEN)?;
        let client = query.one("id")?.map(ClientId::new).transpose();
        let client = client.map_err(|error| Problem::bad_request(format!("id: {error}")))?;
        let (channels, patterns) = followed(config, first, &query)?;
        notes.extend(channels.iter().find_map(note_on_comma));
        let start = start::of_stream(headers, &query, unix_ms())?;
        Ok(Self { client, channels, patterns, start, heartbeat: heartbeat(&query)?, form: form(&query)?, notes })
    }

    /// The channels and patterns as they were named.
    pub(crate) fn names(&self) -> Vec<&str> {
        let channels = self.channels.iter().map(Channel::as_str);
        channels.chain(self.patterns.iter().map(Pattern::as_str)).collect()
    }

    /// The targets of the stream, without those of its patterns.
    pub(crate) fn targets(&self) -> Vec<Target> {
        let client = self.client.iter().cloned().map(Target::Client);
        let channels = self.channels.iter().cloned().map(Target::Channel);
        [Target::All].into_iter().chain(client).chain(channels).collect()
    }
}

/// The channels and patterns that the path and the query name.
fn followed(config: &Config, first: Option<&Pattern>, query: &Query) -> Result<(Vec<Channel>, Vec<Pattern>), Problem> {
    let (mut channels, mut patterns) = (Vec::new(), Vec::new());
    let wrong = |error| Problem::bad_request(format!("channel: {error}"));
    let named = query.all("channel").map(|name| Pattern::subscribed(name).map_err(wrong));
    for pattern in first.cloned().map(Ok).into_iter().chain(named) {
        let pattern = pattern?;
        let (channels_max, patterns_max) = (config.channels_max, config.patterns_max);
        if channels.len() + patterns.len() == channels_max {
            return Err(Problem::bad_request(format!("a connection follows at most {channels_max} channels")));
        }
        if pattern.is_exact() {
            channels.push(Channel::new(pattern.as_str()).map_err(wrong)?);
        } else if patterns.len() == patterns_max {
            return Err(Problem::bad_request(format!("a connection follows at most {patterns_max} patterns")));
        } else {
            patterns.push(pattern);
        }
    }
    Ok((channels, patterns))
}

fn heartbeat(query: &Query) -> Result<Heartbeat, Problem> {
    match query.one("heartbeat")? {
        None => Ok(Heartbeat::Comment),
        Some("cursor") => Ok(Heartbeat::Cursor),
        // What is in a query may be a secret, and errors are logged.
        Some(_) => Err(Problem::bad_request("heartbeat: only \"cursor\" is known")),
    }
}

fn form(query: &Query) -> Result<Form, Problem> {
    match query.one("envelope")? {
        None => Ok(Form::Plain),
        Some("json") => Ok(Form::Envelope),
        Some(_) => Err(Problem::bad_request("envelope: only \"json\" is known")),
    }
}

/// A note on a name that may be meant for two. A comma may be part of a name, but stands between two names in many other servers,
/// as a semicolon does between parameters.
fn note_on_comma(channel: &Channel) -> Option<String> {
    let name = channel.as_str();
    let is_list = name.contains(',') || name.contains(";channel=");
    is_list.then(|| format!("this follows one channel named {}; to follow two, write channel=a&channel=b", shown(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> Result<Wanted, Problem> {
        let config = Config { channels_max: 4, patterns_max: 2, ..Config::default() };
        Wanted::parse(&config, None, query, &HeaderMap::new())
    }

    #[test]
    fn a_star_makes_a_pattern_and_both_have_their_limits() {
        let wanted = parse("channel=a&channel=orders.*&channel=b").unwrap();
        assert_eq!(wanted.names(), ["a", "b", "orders.*"]);
        assert_eq!((wanted.channels.len(), wanted.patterns.len()), (2, 1));
        assert!(parse("channel=a*&channel=b*&channel=c&channel=d").is_ok());
        let said = |query| parse(query).unwrap_err().detail().to_owned();
        assert_eq!(said("channel=a*&channel=b*&channel=c*"), "a connection follows at most 2 patterns");
        assert_eq!(
            said("channel=a&channel=b&channel=c&channel=d&channel=e"),
            "a connection follows at most 4 channels"
        );
        assert!(said("channel={id}").starts_with("channel: "));
    }
}
