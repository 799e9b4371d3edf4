//! [`sink`]: where traces of publishes go. The variables of the OpenTelemetry specification name the collector.
//!
//! - `otlp`: the way there, which a program has that is built with the feature `otlp`.

#[cfg(feature = "otlp")]
mod otlp;

use std::{env, sync::Arc};

use fanfare_http::TraceSink;
use tracing::info;

/// Variables that name a collector, the more special one first. Without one of them no spans leave.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// The sink of this process, if a variable names a collector.
///
/// # Errors
/// A sentence: a variable is wrong.
pub(crate) fn sink() -> Result<Option<Arc<dyn TraceSink>>, String> {
    let value = |name: &'static str| env::var(name).ok().filter(|value| !value.is_empty()).map(|value| (name, value));
    let is_off = env::var("OTEL_SDK_DISABLED").is_ok_and(|value| value.eq_ignore_ascii_case("true"));
    match ENDPOINTS.into_iter().find_map(value) {
        Some((name, address)) if !is_off => made(name, &address),
        _ => Ok(None),
    }
}

#[cfg(feature = "otlp")]
fn made(name: &str, address: &str) -> Result<Option<Arc<dyn TraceSink>>, String> {
    let sink = otlp::Otlp::new(address).map_err(|reason| format!("{name}: {reason}"))?;
    info!("traces of publishes go to the collector of {name}");
    Ok(Some(Arc::new(sink)))
}

#[cfg(not(feature = "otlp"))]
fn made(name: &str, _: &str) -> Result<Option<Arc<dyn TraceSink>>, String> {
    info!("{name} names a collector, and this program is built without the feature otlp: no spans leave");
    Ok(None)
}
