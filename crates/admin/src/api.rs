//! What is asked for, a file for each kind of thing. Each gives JSON as `openapi.json` describes it, and knows nothing of HTTP.

pub(crate) mod act;
pub(crate) mod channels;
pub(crate) mod clients;
pub(crate) mod connections;
pub(crate) mod explain;
pub(crate) mod figures;
pub(crate) mod publish;
pub(crate) mod rates;
pub(crate) mod status;
