//! The answer to a batch: it has to count every line that was sent as published.

use serde::Deserialize;

use crate::publish::error::PublishError;

/// The target's answer about the lines.
#[derive(Debug, Deserialize)]
struct Answer {
    published: u32,
    failed: u32,
    /// How many of the failed lines may be published all the same.
    #[serde(default)]
    unknown: u32,
    #[serde(default)]
    errors: Vec<LineError>,
}

#[derive(Debug, Deserialize)]
struct LineError {
    line: u32,
    title: String,
}

/// `event` was the first of so many lines, counted from 1.
pub(crate) fn check(event: u32, lines: u32, text: &[u8]) -> Result<(), PublishError> {
    let answer: Answer = serde_json::from_slice(text).map_err(|cause| PublishError::Count { event, cause })?;
    let Answer { published, failed, unknown, errors } = answer;
    if (published, failed, unknown) == (lines, 0, 0) {
        return Ok(());
    }
    let first =
        errors.first().map_or(String::new(), |error| format!("; the first, line {}: {}", error.line, error.title));
    // It came from the network, and a terminal is no place for control characters.
    let first = first.chars().filter(|c| !c.is_control()).take(200).collect();
    Err(PublishError::NotAll { event, lines, published, failed, unknown, first })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Result<(), String> {
        check(7, 3, text.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn every_line_has_to_be_published() {
        assert_eq!(told("{\"published\":3,\"failed\":0,\"first\":\"1-0\",\"last\":\"1-2\",\"errors\":[]}"), Ok(()));
        let failed =
            told("{\"published\":2,\"failed\":1,\"unknown\":1,\"errors\":[{\"line\":2,\"title\":\"no\\nroom\"}]}");
        let text = "publishing event 7: of a batch of 3, 2 were published, 1 failed, 1 of them unknown; the first, line 2: noroom";
        assert_eq!(failed, Err(text.to_owned()));
        for short in
            ["{\"published\":2,\"failed\":0}", "{\"published\":4,\"failed\":0}", "{\"published\":3,\"failed\":1}"]
        {
            assert!(told(short).is_err(), "{short}");
        }
    }

    #[test]
    fn an_answer_without_counts_is_none() {
        for other in ["", "{\"id\":\"1-1\",\"matched\":1}", "ok"] {
            assert!(
                told(other).unwrap_err().starts_with("publishing event 7: the answer does not say how many"),
                "{other}"
            );
        }
    }
}
