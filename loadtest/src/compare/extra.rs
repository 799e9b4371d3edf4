//! [`Extra`]: what a run asks of a server beyond its load, to be compared with the same run without it.

/// What is different in a run. Only Fanfare is asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extra {
    Nothing,
    /// The server lets in nobody without a token, and every subscribe and publish has one.
    Tokens,
    /// The server's figures are read each second, as Prometheus does.
    Scrapes,
}

impl Extra {
    /// The flag of a server that can have it.
    pub(crate) fn flag(self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::Tokens => Some("--token-key"),
            Self::Scrapes => Some("--admin "),
        }
    }

    /// What a server that cannot have it does not know.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Tokens => "tokens",
            Self::Scrapes => "scrapes",
        }
    }
}
