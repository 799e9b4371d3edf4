//! [`Parameters`]: the query parameters that a route has, and what becomes of any other.
//!
//! A publish refuses unknown parameters: without an option something else would be published than was meant, and no cache stands
//! between a publisher and the server. A request for a stream or a page of history may come with a parameter
//! that somebody added so that no cache answers (`_=1700000000`, `nocache=1`): it is ignored, unless it was probably meant to
//! be one of ours, because it is near one or has the name of one elsewhere. An `EventSource` gives up at a refusal, and its page
//! shows nothing at all. That is better than a page that shows everything but the channel that was misspelt.

use crate::{
    answer::problem::Problem,
    text::{nearest::nearest, query::Query},
};

/// Names in one request that the route does not know. Each is compared with all names that it knows.
const UNKNOWN_MAX: usize = 8;
/// Characters of a name in a note or an error.
const SHOWN_CHARACTERS_MAX: usize = 64;

/// The names that a route knows.
#[derive(Debug)]
pub(crate) struct Parameters {
    /// Parameters that name targets or channels.
    targets: &'static [&'static str],
    options: &'static [&'static str],
    /// Options under the names that libraries use.
    also: &'static [&'static str],
    /// Names of other servers, and names that are none here, each with a sentence that cures.
    cures: &'static [(&'static str, &'static str)],
}

const EVENT_OPTIONS: &[&str] = &["event", "id", "retry", "keep", "encoding", "wait", ACCESS_TOKEN];
/// The parameter that may hold a token (RFC 6750 2.3). Its value is never shown.
pub(crate) const ACCESS_TOKEN: &str = "access_token";

/// Parameters of an event stream.
pub(crate) const STREAM: Parameters = Parameters {
    targets: &["channel", "id"],
    options: &["since", "last_event_id", "heartbeat", "envelope", ACCESS_TOKEN],
    also: &["lastEventID", "lastEventId", "Last-Event-ID"],
    cures: &[
        ("client", "the parameter \"client\" is for a publish; a stream names its client with id="),
        ("clientid", "the parameter \"clientid\" is unknown; a stream names its client with id="),
        ("user", "the parameter \"user\" is unknown; a stream names its client with id="),
        ("topic", "the parameter \"topic\" is unknown; a stream names its channels with channel="),
        ("topics", "the parameter \"topics\" is unknown; a stream names its channels with channel="),
        ("event", "the parameter \"event\" is for a publish; a stream cannot choose among types of events"),
        ("all", "the parameter \"all\" is for a publish; every stream gets what is for all"),
        ("format", "the parameter \"format\" is unknown; events come as JSON with envelope=json"),
    ],
};
/// Parameters of a page of history.
pub(crate) const HISTORY: Parameters =
    Parameters { targets: &[], options: &["after", "since", "limit", ACCESS_TOKEN], also: &[], cures: &[] };
/// Parameters of a publish whose path says where it goes.
pub(crate) const PUBLISH: Parameters = Parameters { targets: &[], options: EVENT_OPTIONS, also: &[], cures: &[] };
/// Parameters of `POST /publish`.
pub(crate) const PUBLISH_TO: Parameters =
    Parameters { targets: &["channel", "client", "all"], options: EVENT_OPTIONS, also: &[], cures: &[] };

impl Parameters {
    /// Refuses every parameter that the route does not have.
    ///
    /// # Errors
    /// 400, with the name that is near or all that there are.
    pub(crate) fn check(&self, query: &Query) -> Result<(), Problem> {
        match self.unknown(query).next() {
            None => Ok(()),
            Some(name) => Err(self.cure(name).unwrap_or_else(|| {
                let known = self.names().collect::<Vec<_>>().join(", ");
                Problem::bad_request(format!("unknown parameter {}; this route has {known}", shown(name)))
            })),
        }
    }

    /// Refuses a parameter that was probably meant to be one of the route's. The others are ignored, with a note about each.
    ///
    /// # Errors
    /// 400, with the name that was probably meant, or because there are too many to look at.
    pub(crate) fn check_near(&self, query: &Query) -> Result<Vec<String>, Problem> {
        let mut notes = Vec::new();
        for name in self.unknown(query) {
            if let Some(cure) = self.cure(name) {
                return Err(cure);
            }
            if notes.len() == UNKNOWN_MAX {
                return Err(Problem::bad_request(format!("more than {UNKNOWN_MAX} unknown parameters")));
            }
            notes.push(format!("the parameter {} is unknown and ignored", shown(name)));
        }
        Ok(notes)
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.targets.iter().chain(self.options).copied()
    }

    fn unknown<'a>(&self, query: &'a Query) -> impl Iterator<Item = &'a str> {
        query.names().filter(|name| !self.names().any(|known| known == *name) && !self.also.contains(name))
    }

    fn cure(&self, name: &str) -> Option<Problem> {
        if let Some((_, cure)) = self.cures.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)) {
            return Some(Problem::bad_request(*cure));
        }
        let near = nearest(name, self.names())?;
        Some(Problem::bad_request(format!("unknown parameter {}; did you mean {near:?}?", shown(name))))
    }
}

/// A text of a client in quotes, escaped and not too long.
pub(crate) fn shown(name: &str) -> String {
    let mut characters = name.chars();
    let begin: String = characters.by_ref().take(SHOWN_CHARACTERS_MAX).collect();
    let rest = if characters.next().is_some() { "..." } else { "" };
    format!("{begin:?}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Query {
        Query::parse(text).unwrap()
    }

    #[test]
    fn a_stream_refuses_what_was_meant_to_be_one_of_its_own_and_ignores_what_is_another_word() {
        for misspelt in ["channels=a", "chanel=a", "Channel=a", "ids=1", "last-event-id=1", "envelop=json", "sinc=1m"] {
            assert!(STREAM.check_near(&query(misspelt)).is_err(), "{misspelt}");
        }
        for other in ["client=42", "topic=a", "Event=tick"] {
            let said = STREAM.check_near(&query(other)).unwrap_err();
            assert!(said.detail().contains("a stream "), "{said:?}");
        }
        for known in ["channel=a&channel=b&id=x", "lastEventId=1", "Last-Event-ID=1", "lastEventID=1", ""] {
            assert_eq!(STREAM.check_near(&query(known)), Ok(Vec::new()), "{known}");
        }
        let notes = STREAM.check_near(&query("_=1&nocache=2&%0a=3&api=4")).unwrap();
        assert_eq!((notes.len(), &*notes[2]), (4, "the parameter \"\\n\" is unknown and ignored"));
    }

    #[test]
    fn a_request_with_too_many_unknown_names_is_refused() {
        assert_eq!(STREAM.check_near(&query(&"_=1&".repeat(UNKNOWN_MAX))).unwrap().len(), UNKNOWN_MAX);
        let said = STREAM.check_near(&query(&"_=1&".repeat(UNKNOWN_MAX + 1))).unwrap_err();
        assert_eq!(said.detail(), "more than 8 unknown parameters");
    }

    #[test]
    fn a_publish_refuses_all_it_does_not_know() {
        let said = |text| PUBLISH.check(&query(text)).map_err(|problem| problem.detail().to_owned());
        assert_eq!(said("event=a&id=b&retry=1&keep=no&encoding=base64&wait=written"), Ok(()));
        assert_eq!(said("evnt=a"), Err("unknown parameter \"evnt\"; did you mean \"event\"?".to_owned()));
        let known = "event, id, retry, keep, encoding, wait, access_token";
        assert_eq!(said("_=1"), Err(format!("unknown parameter \"_\"; this route has {known}")));
        assert!(said("channel=a").is_err(), "the path says where it goes");
        assert_eq!(PUBLISH_TO.check(&query("channel=a")), Ok(()));
    }

    #[test]
    fn a_long_name_is_cut_off() {
        assert_eq!(shown(&"x".repeat(65)), format!("\"{}\"...", "x".repeat(64)));
    }
}
