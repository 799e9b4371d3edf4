//! The values of one figure over the rounds, as a median between the least and the largest.

/// A median, and how far the rounds lie apart.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    /// The number of rounds. A round without a result has no value.
    pub(crate) rounds: usize,
}

impl Spread {
    /// `None` if there is no value.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        let (&min, &max) = (values.first()?, values.last()?);
        let middle = values.len() / 2;
        let median =
            if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) };
        Some(Self { median, min, max, rounds: values.len() })
    }

    /// The median of the ratios within each round: over minutes a machine drifts, within a round hardly. There is no ratio
    /// to nothing, nor to less.
    pub(crate) fn of_ratios(over: &[Option<f64>], under: &[Option<f64>]) -> Option<Self> {
        let ratio = |over: f64, under: f64| (under > 0.0).then(|| over / under);
        let pairs = over.iter().zip(under).filter_map(|(over, under)| ratio((*over)?, (*under)?));
        Self::of(pairs)
    }
}

/// A number with as many digits as mean something.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size >= 10_000.0 => grouped(value),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// A whole number with a comma before every three digits.
fn grouped(value: f64) -> String {
    let text = format!("{value:.0}");
    let digits = text.trim_start_matches('-').len();
    let mut grouped = String::new();
    for (index, digit) in text.chars().enumerate() {
        let left = text.len() - index;
        if left < digits && left.is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        let spread = |values: &[f64]| Spread::of(values.iter().copied()).map(|s| (s.median, s.min, s.max, s.rounds));
        assert_eq!(spread(&[3.0, 1.0, 2.0]), Some((2.0, 1.0, 3.0, 3)));
        assert_eq!(spread(&[4.0, 1.0, 2.0, 3.0]), Some((2.5, 1.0, 4.0, 4)));
        assert_eq!(spread(&[f64::NAN, 1.0]), Some((1.0, 1.0, 1.0, 1)));
        assert_eq!(spread(&[]), None);
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        let ratios =
            Spread::of_ratios(&[Some(2.0), Some(30.0), None, Some(4.0)], &[Some(1.0), Some(10.0), Some(1.0), None]);
        assert_eq!(ratios.map(|spread| (spread.median, spread.rounds)), Some((2.5, 2)));
        assert_eq!(Spread::of_ratios(&[Some(1.0), Some(1.0)], &[Some(0.0), Some(-2.0)]), None);
    }

    #[test]
    fn numbers_have_the_digits_that_mean_something() {
        for (value, text) in [
            (0.0, "0"),
            (0.0471, "0.047"),
            (1.2345, "1.23"),
            (12.345, "12.3"),
            (-812.4, "-812"),
            (12_345.6, "12,346"),
            (1_234_567.0, "1,234,567"),
            (-123_456.0, "-123,456"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
