//! [`Report`]: what came of a reload, as a sentence and as JSON.

use std::fmt;

use fanfare_admin::{ReloadError, Reloaded};
use serde::Serialize;

use crate::settings::Change;

/// What came of a reload.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Report {
    outcome: Outcome,
    /// Settings with another value, which is in use from now on.
    changed: Vec<Change>,
    /// Settings with another value, which is in use after a restart.
    needs_restart: Vec<Change>,
    /// Why nothing has changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    /// A setting has changed.
    Changed,
    /// There was nothing to change.
    Unchanged,
    /// Something is wrong with the settings, and nothing has changed.
    Refused,
}

impl Report {
    /// The report on these changes, of which some need a restart.
    pub(super) fn of(changes: Vec<Change>) -> Self {
        let (changed, needs_restart): (Vec<_>, _) = changes.into_iter().partition(|change| change.part.can_change());
        let outcome = if changed.is_empty() { Outcome::Unchanged } else { Outcome::Changed };
        Self { outcome, changed, needs_restart, reason: None }
    }

    /// Nothing has changed, for this reason.
    pub(super) fn refused(reason: String) -> Self {
        Self { outcome: Outcome::Refused, changed: Vec::new(), needs_restart: Vec::new(), reason: Some(reason) }
    }
}

impl Report {
    /// The report for whoever has asked over the admin listener.
    ///
    /// # Errors
    /// Nothing has changed, because something is wrong.
    pub(crate) fn for_operators(self) -> Result<Reloaded, ReloadError> {
        let names = |changes: Vec<Change>| changes.into_iter().map(|change| change.setting).collect();
        match self.reason {
            Some(reason) => Err(ReloadError(reason)),
            None => Ok(Reloaded {
                applied: names(self.changed),
                unchanged: Vec::new(),
                needs_restart: names(self.needs_restart),
            }),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names =
            |changes: &[Change]| changes.iter().map(|change| change.setting.as_str()).collect::<Vec<_>>().join(", ");
        match (self.outcome, &self.reason) {
            (Outcome::Refused, reason) => {
                return write!(f, "nothing has changed: {}", reason.as_deref().unwrap_or_default());
            }
            (Outcome::Unchanged, _) => write!(f, "no setting has changed")?,
            (Outcome::Changed, _) => write!(f, "changed: {}", names(&self.changed))?,
        }
        if !self.needs_restart.is_empty() {
            write!(f, "; needs a restart: {}", names(&self.needs_restart))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::settings::Part;

    fn change(setting: &str, part: Part) -> Change {
        Change { setting: setting.to_owned(), line: format!("{setting} = 1"), part }
    }

    #[test]
    fn it_is_a_sentence_and_json() {
        let report = Report::of(vec![
            change("log", Part::Log),
            change("shards", Part::Start),
            change("[limits] ring-messages", Part::Start),
            change("[[issuer]] login", Part::Access),
        ]);
        let text = "changed: log, [[issuer]] login; needs a restart: shards, [limits] ring-messages";
        assert_eq!(report.to_string(), text);
        let expected = json!({
            "outcome": "changed",
            "changed": [
                { "setting": "log", "line": "log = 1" },
                { "setting": "[[issuer]] login", "line": "[[issuer]] login = 1" },
            ],
            "needs_restart": [
                { "setting": "shards", "line": "shards = 1" },
                { "setting": "[limits] ring-messages", "line": "[limits] ring-messages = 1" },
            ],
        });
        assert_eq!(serde_json::to_value(&report).unwrap(), expected);

        let later = Report::of(vec![change("shards", Part::Start)]);
        assert_eq!(later.to_string(), "no setting has changed; needs a restart: shards");
        assert_eq!(serde_json::to_value(&later).unwrap()["outcome"], "unchanged");

        let refused = Report::refused("line 3: no".to_owned());
        assert_eq!(refused.to_string(), "nothing has changed: line 3: no");
        let json = serde_json::to_value(&refused).unwrap();
        assert_eq!((&json["outcome"], &json["reason"]), (&json!("refused"), &json!("line 3: no")));
    }
}
