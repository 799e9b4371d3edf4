//! [`Format`]: the format that a scrape asks for (RFC 9110 12.5.1).

use hyper::{HeaderMap, header::ACCEPT};

/// A format of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// The text format 0.0.4, for whoever asks for nothing else.
    Text,
    OpenMetrics,
    /// The only one with native histograms.
    Protobuf,
}

impl Format {
    /// The format of the greatest weight. Of equal ones the first.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let offers = values.flat_map(|value| value.split(',')).filter_map(offer);
        let best = offers.fold(None, |best: Option<(Self, u16)>, offer| match best {
            Some((_, weight)) if weight >= offer.1 => best,
            _ => Some(offer),
        });
        best.map_or(Self::Text, |(format, _)| format)
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
        }
    }
}

/// The format that one range means, and its weight in thousandths. None if it means no format, or that it is not wanted.
fn offer(range: &str) -> Option<(Format, u16)> {
    let mut parts = range.split(';').map(str::trim);
    let kind = parts.next()?.to_ascii_lowercase();
    let parameters: Vec<_> = parts.filter_map(|part| part.split_once('=')).collect();
    let says = |name: &str| {
        let found = parameters.iter().find(|(other, _)| other.trim().eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim().trim_matches('"'))
    };
    let format = match kind.as_str() {
        "application/vnd.google.protobuf"
            if says("proto") == Some("io.prometheus.client.MetricFamily") && says("encoding") == Some("delimited") =>
        {
            Format::Protobuf
        }
        "application/openmetrics-text" if matches!(says("version"), None | Some("0.0.1" | "1.0.0")) => {
            Format::OpenMetrics
        }
        "text/plain" | "text/*" | "*/*" => Format::Text,
        _ => return None,
    };
    let weight = weight(says("q").unwrap_or("1"))?;
    (weight > 0).then_some((format, weight))
}

/// `0` to `1`, with at most three decimals.
fn weight(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let decimals: u16 = format!("{decimals:0<3}").get(..3)?.parse().ok()?;
    match whole {
        "0" => Some(decimals),
        "1" => Some(1_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(accept: &str) -> Format {
        Format::of(&HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]))
    }

    #[test]
    fn prometheus_gets_what_it_asks_for() {
        // Prometheus 2.42 with native histograms, and without.
        let native = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,\
            application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,\
            text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let plain = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
            text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        assert_eq!((format(native), format(plain)), (Format::Protobuf, Format::OpenMetrics));
    }

    #[test]
    fn everybody_else_gets_text() {
        assert_eq!(Format::of(&HeaderMap::new()), Format::Text);
        for accept in
            ["*/*", "text/html", "", "application/openmetrics-text;version=2.0.0", "application/openmetrics-text;q=0"]
        {
            assert_eq!(format(accept), Format::Text, "{accept}");
        }
        assert_eq!(format("application/vnd.google.protobuf"), Format::Text, "another message");
    }

    #[test]
    fn the_greater_weight_counts_and_then_the_first() {
        assert_eq!(format("text/plain;q=0.9, application/openmetrics-text;q=0.91"), Format::OpenMetrics);
        assert_eq!(format("text/plain, application/openmetrics-text"), Format::Text);
        assert_eq!(format("text/plain;q=x, Application/OpenMetrics-Text; Q=0.1"), Format::OpenMetrics);
    }
}
