//! [`Signal`]: something that happens once, and for which many wait.

use std::sync::Arc;

use crate::ending::level::{Level, Reached};

/// Level of a signal that was given.
const GIVEN: u8 = 1;

/// Something that happens once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signal(Arc<Level>);

impl Signal {
    /// Lets it happen now, if it has not happened before.
    pub(crate) fn give(&self) {
        self.0.raise(GIVEN);
    }

    /// Waits until it has happened.
    pub(crate) fn given(&self) -> Reached {
        self.0.reached(GIVEN)
    }
}
