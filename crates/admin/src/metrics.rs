//! `/metrics`: the figures for Prometheus, read once for each scrape. Nothing is kept from scrape to scrape.
//!
//! Two formats are made by `prometheus-client`: OpenMetrics, and protobuf with native histograms. Its encoder takes buckets that were
//! counted elsewhere (`encode_histogram_with_native`), so histograms need no second count. It has no text format 0.0.4, which `text`
//! writes: tools that send no `Accept` expect it, `promtool check metrics` among them.

mod accept;
pub(crate) mod buckets;
mod collector;
mod engine;
mod family;
mod of_channels;
mod process;
mod text;

use std::fmt;

use bytes::Bytes;
use hyper::HeaderMap;
use prometheus_client::{encoding, registry::Registry};

use crate::{
    console::Console,
    metrics::{accept::Format, collector::Scrape, family::Family},
    operate::Operate,
};

/// The content type, and the content.
///
/// # Errors
/// The encoder of a format fails. It writes to memory, so it does not.
pub(crate) fn scrape<O: Operate, C>(
    console: &Console<O, C>,
    headers: &HeaderMap,
) -> Result<(&'static str, Bytes), fmt::Error> {
    let families = families(console);
    let format = Format::of(headers);
    let content = match format {
        Format::Text => text::encode(&families)?.into(),
        Format::OpenMetrics => {
            let mut text = String::new();
            encoding::text::encode(&mut text, &registry(families))?;
            text.into()
        }
        Format::Protobuf => {
            let encoded = encoding::prometheus_protobuf::encode_to_vec(&registry(families));
            encoded.map_err(|_| fmt::Error)?.into()
        }
    };
    Ok((format.content_type(), content))
}

fn families<O: Operate, C>(console: &Console<O, C>) -> Vec<Family> {
    let mut families = engine::families(&console.operator.figures(), &console.state(), console.admin.journal);
    let channels_max = console.admin.channel_metrics_max;
    if channels_max > 0 {
        families.extend(of_channels::families(&console.operator.channels(None, channels_max)));
    }
    families.extend(process::families());
    families
}

fn registry(families: Vec<Family>) -> Registry {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Scrape(families)));
    registry
}
