//! [`Family`]: a metric with its series, before it has a format.

use std::borrow::Cow;

use fanfare_http::Histogram;
use prometheus_client::{metrics::MetricType, registry::Unit};

/// A metric. Its name is that of Prometheus, without the unit and without `_total`.
#[derive(Debug)]
pub(crate) struct Family {
    pub(crate) name: &'static str,
    pub(crate) unit: Option<Unit>,
    pub(crate) kind: Kind,
    pub(crate) help: &'static str,
    pub(crate) series: Vec<Series>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// One series of a metric.
#[derive(Debug)]
pub(crate) struct Series {
    /// Empty, or one label. What has more would multiply.
    pub(crate) labels: Vec<(&'static str, Cow<'static, str>)>,
    pub(crate) value: Number,
}

#[derive(Debug)]
pub(crate) enum Number {
    Whole(u64),
    Float(f64),
    Times(Histogram),
}

impl From<u64> for Number {
    fn from(number: u64) -> Self {
        Self::Whole(number)
    }
}

impl From<usize> for Number {
    fn from(number: usize) -> Self {
        Self::Whole(u64::try_from(number).unwrap_or(u64::MAX))
    }
}

impl From<bool> for Number {
    fn from(is: bool) -> Self {
        Self::Whole(u64::from(is))
    }
}

impl From<f64> for Number {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl Family {
    pub(crate) fn counter(name: &'static str, help: &'static str) -> Self {
        Self { name, unit: None, kind: Kind::Counter, help, series: Vec::new() }
    }

    pub(crate) fn gauge(name: &'static str, help: &'static str) -> Self {
        Self { kind: Kind::Gauge, ..Self::counter(name, help) }
    }

    pub(crate) fn histogram(name: &'static str, help: &'static str, times: &Histogram) -> Self {
        let series = vec![Series { labels: Vec::new(), value: Number::Times(times.clone()) }];
        Self { kind: Kind::Histogram, series, ..Self::counter(name, help).seconds() }
    }

    pub(crate) fn bytes(self) -> Self {
        Self { unit: Some(Unit::Bytes), ..self }
    }

    pub(crate) fn seconds(self) -> Self {
        Self { unit: Some(Unit::Seconds), ..self }
    }

    /// One series without labels.
    pub(crate) fn with(mut self, value: impl Into<Number>) -> Self {
        self.series.push(Series { labels: Vec::new(), value: value.into() });
        self
    }

    /// A series for each value of a label.
    pub(crate) fn by<L: Into<Cow<'static, str>>, N: Into<Number>>(
        mut self,
        label: &'static str,
        values: impl IntoIterator<Item = (L, N)>,
    ) -> Self {
        let series =
            values.into_iter().map(|(name, value)| Series { labels: vec![(label, name.into())], value: value.into() });
        self.series.extend(series);
        self
    }

    /// The name as queries have it, without what a histogram adds.
    pub(crate) fn full_name(&self) -> String {
        let unit = self.unit.as_ref().map(|unit| format!("_{}", unit.as_str())).unwrap_or_default();
        let total = if self.kind == Kind::Counter { "_total" } else { "" };
        format!("{}{unit}{total}", self.name)
    }
}

impl From<Kind> for MetricType {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Counter => Self::Counter,
            Kind::Gauge => Self::Gauge,
            Kind::Histogram => Self::Histogram,
        }
    }
}
