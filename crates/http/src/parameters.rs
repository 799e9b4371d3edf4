//! [`Parameters`]: the query parameters that a route has, and what becomes of any other.
//!
//! A publish refuses what it does not know: an option that is left out would publish something else than was meant, and no
//! cache stands between a publisher and the server. A request for a stream or a page of history may come with a parameter
//! that somebody added so that no cache answers (`_=1700000000`, `nocache=1`): it is ignored, unless it is near one of ours
//! and so was probably meant to be that one. An `EventSource` gives up at a refusal, and its page shows nothing at all; that is
//! better than a page that shows everything but the channel that was misspelt.

use crate::{nearest::nearest, problem::Problem, query::Query};

/// Notes of one stream: a client cannot make its first lines long.
const NOTES_MAX: usize = 4;
/// What a note or an error says of a name.
const SHOWN_CHARACTERS_MAX: usize = 64;

/// The names that a route knows.
#[derive(Debug)]
pub(crate) struct Parameters {
    /// What there is to say to a person.
    told: &'static [&'static str],
    /// What else is known: the same under the names that libraries use.
    also: &'static [&'static str],
}

/// Of an event stream.
pub(crate) const STREAM: Parameters = Parameters {
    told: &["channel", "id", "since", "last_event_id", "heartbeat", "envelope"],
    also: &["lastEventID", "lastEventId", "Last-Event-ID"],
};
/// Of a page of history.
pub(crate) const HISTORY: Parameters = Parameters { told: &["after", "limit"], also: &[] };
/// Of a publish whose path says where it goes.
pub(crate) const PUBLISH: Parameters =
    Parameters { told: &["event", "id", "retry", "keep", "encoding", "wait"], also: &[] };
/// Of `POST /publish`.
pub(crate) const PUBLISH_TO: Parameters =
    Parameters { told: &["channel", "client", "all", "event", "id", "retry", "keep", "encoding", "wait"], also: &[] };

impl Parameters {
    /// Refuses every parameter that the route does not have.
    ///
    /// # Errors
    /// 400, with the name that is near or all that there are.
    pub(crate) fn check(&self, query: &Query) -> Result<(), Problem> {
        match self.unknown(query).next() {
            None => Ok(()),
            Some(name) => Err(self.nearest(name).map_or_else(|| self.refused(name), |near| misspelt(name, near))),
        }
    }

    /// Refuses a parameter that is near one of the route's; what is said of the others, which are ignored.
    ///
    /// # Errors
    /// 400, with the name that is near.
    pub(crate) fn check_near(&self, query: &Query) -> Result<Vec<String>, Problem> {
        let mut notes = Vec::new();
        for name in self.unknown(query) {
            if let Some(near) = self.nearest(name) {
                return Err(misspelt(name, near));
            }
            if notes.len() < NOTES_MAX {
                notes.push(format!("the parameter {} is unknown and ignored", shown(name)));
            }
        }
        Ok(notes)
    }

    fn unknown<'a>(&self, query: &'a Query) -> impl Iterator<Item = &'a str> {
        query.names().filter(|name| !self.told.contains(name) && !self.also.contains(name))
    }

    fn nearest(&self, name: &str) -> Option<&'static str> {
        nearest(name, self.told.iter().copied())
    }

    fn refused(&self, name: &str) -> Problem {
        let known = self.told.join(", ");
        Problem::bad_request(format!("the parameter {} is unknown; this route has {known}", shown(name)))
    }
}

fn misspelt(name: &str, near: &str) -> Problem {
    Problem::bad_request(format!("the parameter {} is unknown; the nearest is {near:?}", shown(name)))
}

/// A name in quotes, escaped and not too long.
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
    fn a_stream_refuses_what_is_misspelt_and_ignores_what_is_another_word() {
        for misspelt in ["channels=a", "chanel=a", "Channel=a", "ids=1", "last-event-id=1", "envelop=json", "sinc=1m"] {
            assert!(STREAM.check_near(&query(misspelt)).is_err(), "{misspelt}");
        }
        for known in ["channel=a&channel=b&id=x", "lastEventId=1", "Last-Event-ID=1", "lastEventID=1", ""] {
            assert_eq!(STREAM.check_near(&query(known)), Ok(Vec::new()), "{known}");
        }
        let notes = STREAM.check_near(&query("_=1&nocache=2&%0a=3&access_token=4&b=5")).unwrap();
        assert_eq!(notes.len(), NOTES_MAX);
        assert_eq!(notes[2], "the parameter \"\\n\" is unknown and ignored");
    }

    #[test]
    fn a_publish_refuses_all_it_does_not_know() {
        let said = |text| PUBLISH.check(&query(text)).map_err(|problem| problem.detail().to_owned());
        assert_eq!(said("event=a&id=b&retry=1&keep=no&encoding=base64&wait=written"), Ok(()));
        assert_eq!(said("evnt=a"), Err("the parameter \"evnt\" is unknown; the nearest is \"event\"".to_owned()));
        let known = "event, id, retry, keep, encoding, wait";
        assert_eq!(said("_=1"), Err(format!("the parameter \"_\" is unknown; this route has {known}")));
        assert!(said("channel=a").is_err(), "the path says where it goes");
        assert_eq!(PUBLISH_TO.check(&query("channel=a")), Ok(()));
    }

    #[test]
    fn a_long_name_is_cut_off() {
        assert_eq!(shown(&"x".repeat(65)), format!("\"{}\"...", "x".repeat(64)));
    }
}
