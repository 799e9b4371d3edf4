//! [`Scrape`]: the metrics of one scrape, as `prometheus-client` encodes them.

use std::fmt;

use fanfare_http::Histogram;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, MetricEncoder, NativeHistogram, NativeHistogramBuckets},
};

use crate::metrics::{
    buckets,
    family::{Family, Kind, Number},
};

/// What lies this near to 0 belongs to the zero bucket. Prometheus' libraries have the same. The engine counts nothing there, but the
/// threshold says that the histogram is native, also while it is empty.
const ZERO_THRESHOLD: f64 = 1.0 / (1_u128 << 127) as f64 / 2.0;

/// No labels and no exemplars.
type None_ = [(&'static str, &'static str); 0];

/// The metrics of one scrape.
#[derive(Debug)]
pub(crate) struct Scrape(pub(crate) Vec<Family>);

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        for family in &self.0 {
            let mut metric =
                encoder.encode_descriptor(family.name, family.help, family.unit.as_ref(), family.kind.into())?;
            for series in &family.series {
                let labels = series.labels.as_slice();
                match labels.is_empty() {
                    true => encode(&mut metric, family.kind, &series.value)?,
                    false => encode(&mut metric.encode_family(&labels)?, family.kind, &series.value)?,
                }
            }
        }
        Ok(())
    }
}

fn encode(metric: &mut MetricEncoder<'_>, kind: Kind, value: &Number) -> fmt::Result {
    match (kind, value) {
        (Kind::Counter, Number::Whole(number)) => metric.encode_counter::<None_, _, u64>(number, None),
        (Kind::Counter, Number::Float(number)) => metric.encode_counter::<None_, _, u64>(number, None),
        (Kind::Gauge, Number::Whole(number)) => metric.encode_gauge(number),
        (Kind::Gauge, Number::Float(number)) => metric.encode_gauge(number),
        (Kind::Histogram, Number::Times(times)) => encode_times(metric, times),
        _ => Err(fmt::Error),
    }
}

fn encode_times(metric: &mut MetricEncoder<'_>, times: &Histogram) -> fmt::Result {
    let (spans, deltas) = buckets::native(&times.buckets);
    let native = NativeHistogram {
        schema: buckets::SCHEMA,
        zero_threshold: ZERO_THRESHOLD,
        zero_count: 0,
        negative: NativeHistogramBuckets { spans: &[], deltas: &[] },
        positive: NativeHistogramBuckets { spans: &spans, deltas: &deltas },
        created: None,
    };
    let (classic, count) = (buckets::classic(&times.buckets), buckets::count(&times.buckets));
    metric.encode_histogram_with_native::<None_>(times.sum, count, &classic, None, native)
}
