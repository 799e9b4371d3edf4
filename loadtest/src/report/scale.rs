//! Where a value stands along an axis, which ticks the axis has, and how a number is said in few characters.
//!
//! Only numbers: nothing here knows pixels or markup. A value without a place on an axis (NaN, infinity, zero on a
//! logarithmic one) is `None` and never a number, so that no such value can reach a drawing.

use std::iter;

/// A larger value has no place, a smaller one counts as zero: sums, ratios and roundings of the rest stay finite.
const VALUE_MAX: f64 = 1e100;
const VALUE_MIN: f64 = 1e-100;

/// A hair, so that 0.3 / 0.1 counts as three steps.
const ROUNDING: f64 = 1e-9;

/// How an axis is divided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scale {
    /// Always holds zero: a difference is shown as large as it is.
    Linear,
    /// Values above zero, a decade as long as any other.
    Log,
    /// Shares from 0 up to, not including, 1, as HDR histograms plot them: each further nine is as long as the first.
    Quantile,
}

impl Scale {
    /// Whether the value can be drawn.
    pub(crate) fn holds(self, value: f64) -> bool {
        match self {
            Self::Linear => value.abs() <= VALUE_MAX,
            Self::Log => (VALUE_MIN..=VALUE_MAX).contains(&value),
            Self::Quantile => (0.0..1.0).contains(&value),
        }
    }

    /// The value in words as short as the scale allows.
    pub(crate) fn say(self, value: f64) -> String {
        match self {
            Self::Linear | Self::Log => short(value),
            Self::Quantile => percent(value),
        }
    }

    /// The place of a value that the scale holds, before the axis is stretched to its length.
    fn place(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Log => value.log10(),
            Self::Quantile => -(1.0 - value).log10(),
        }
    }
}

/// Where an axis begins and ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Ends {
    /// The axis ends at the data, and no room is left empty.
    Data,
    /// The axis ends at the ticks around the data.
    Ticks,
}

/// A tick: how far along the axis, from 0 to 1, and its label.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tick {
    pub(crate) at: f64,
    pub(crate) label: String,
}

/// A scale laid along the values that it has to show.
#[derive(Debug)]
pub(crate) struct Ruler {
    scale: Scale,
    low: f64,
    high: f64,
    /// The values with a tick.
    marks: Vec<f64>,
}

impl Ruler {
    /// About `ticks_max` ticks at most. Without any value that the scale holds, the ruler is still one.
    pub(crate) fn new(scale: Scale, ends: Ends, ticks_max: u32, values: impl Iterator<Item = f64>) -> Self {
        let places = values.filter(|&value| scale.holds(value)).map(|value| scale.place(value));
        let range = places.fold(None, |range: Option<(f64, f64)>, place| {
            let (low, high) = range.unwrap_or((place, place));
            Some((low.min(place), high.max(place)))
        });
        let (low, high) = range.unwrap_or((0.0, 0.0));
        let (low, high, marks) = match scale {
            Scale::Linear => linear(low, high, ends, ticks_max),
            Scale::Log => log(low, high, ends, ticks_max),
            Scale::Quantile => quantile(high, ticks_max),
        };
        Self { scale, low, high, marks }
    }

    /// How far along the value stands, from 0 to 1.
    pub(crate) fn at(&self, value: f64) -> Option<f64> {
        self.scale.holds(value).then(|| self.stretched(value))
    }

    pub(crate) fn ticks(&self) -> Vec<Tick> {
        let tick = |&mark: &f64| Tick { at: self.stretched(mark), label: self.scale.say(mark) };
        self.marks.iter().map(tick).collect()
    }

    fn stretched(&self, value: f64) -> f64 {
        ((self.scale.place(value) - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }
}

fn linear(low: f64, high: f64, ends: Ends, ticks_max: u32) -> (f64, f64, Vec<f64>) {
    let (low, mut high) = (low.min(0.0), high.max(0.0));
    if high - low < VALUE_MIN {
        high = low + 1.0;
    }
    let step = nice_step((high - low) / f64::from(ticks_max.max(3) - 1));
    let (from, to) = (low / step, high / step);
    let (first, last) = match ends {
        Ends::Data => ((from - ROUNDING).ceil(), (to + ROUNDING).floor()),
        Ends::Ticks => ((from + ROUNDING).floor(), (to - ROUNDING).ceil()),
    };
    let marks: Vec<f64> = (first as i64..=last as i64).map(|steps| steps as f64 * step).collect();
    match ends {
        Ends::Data => (low, high, marks),
        Ends::Ticks => (first * step, last * step, marks),
    }
}

/// 1, 2 or 5 times a power of ten: the smallest of them that is not below `step`.
fn nice_step(step: f64) -> f64 {
    let decade = 10_f64.powf(step.log10().floor());
    let times = [1.0, 2.0, 5.0].into_iter().find(|times| times * decade >= step * (1.0 - ROUNDING));
    times.unwrap_or(10.0) * decade
}

fn log(low: f64, high: f64, ends: Ends, ticks_max: u32) -> (f64, f64, Vec<f64>) {
    let decades = (low.floor() as i32 - 1)..=(high.floor() as i32 + 1);
    let fine: Vec<(i32, i32)> = decades.clone().flat_map(|decade| [1, 2, 5].map(|times| (times, decade))).collect();
    let place = |&(times, decade): &(i32, i32)| f64::from(times).log10() + f64::from(decade);
    let inside =
        |low: f64, high: f64| move |tick: &(i32, i32)| (low - ROUNDING..=high + ROUNDING).contains(&place(tick));
    let (mut low, mut high) = (low, high);
    // An axis with fewer than two ticks would not show that it is logarithmic.
    if ends == Ends::Ticks || fine.iter().filter(|tick| inside(low, high)(tick)).count() < 2 {
        low = fine.iter().map(place).filter(|&place| place <= low + ROUNDING).fold(low - 1.0, f64::max);
        let above = fine.iter().map(place).filter(|&place| place > low + ROUNDING && place >= high - ROUNDING);
        high = above.fold(high + 1.0, f64::min);
    }

    let mut ticks: Vec<(i32, i32)> = fine.into_iter().filter(inside(low, high)).collect();
    let mut every = 1;
    while ticks.len() > ticks_max.max(2) as usize {
        let decades = decades.clone().filter(|decade| decade % every == 0).map(|decade| (1, decade));
        ticks = decades.filter(inside(low, high)).collect();
        every += 1;
    }
    // By way of the decimal notation: 10^-5 times 2 is not the float nearest to 0.00002.
    let marks = ticks.into_iter().filter_map(|(times, decade)| format!("{times}e{decade}").parse().ok()).collect();
    (low, high, marks)
}

fn quantile(high: f64, ticks_max: u32) -> (f64, f64, Vec<f64>) {
    // Without anything above 0 %, up to 90 %.
    let high = if high > 0.0 { high } else { 1.0 };
    let nines = (high + ROUNDING).floor() as i32;
    // The half stands at a third of the first nine: only where the nines are wide has its label room.
    let half = (2 * nines <= ticks_max as i32).then_some(0.5);
    let shares = (1..=nines).map(|nines| 1.0 - 10_f64.powi(-nines));
    (0.0, high, iter::once(0.0).chain(half).chain(shares).collect())
}

/// Text of three significant digits: `0.05`, `1.5 k`, `200 k`, `2 M`. NaN and infinity are `none`.
pub(crate) fn short(value: f64) -> String {
    let (number, prefix) = parts(value);
    if prefix.is_empty() { number } else { format!("{number} {prefix}") }
}

/// The number of [`short`] with its unit: `183 k/s`, `1.5 kB`, `2 M events`, `0.72 ms`.
pub(crate) fn with_unit(value: f64, unit: &str) -> String {
    let (number, prefix) = parts(value);
    let symbol = unit.chars().count() == 1 || unit.starts_with('/');
    match (unit, prefix) {
        _ if !value.is_finite() => number,
        ("", _) => short(value),
        // A symbol carries its prefix. A word, or ms, would become another word.
        (_, "") if unit.starts_with('/') => format!("{number}{unit}"),
        (_, "") => format!("{number} {unit}"),
        _ if symbol => format!("{number} {prefix}{unit}"),
        _ => format!("{number} {prefix} {unit}"),
    }
}

fn parts(value: f64) -> (String, &'static str) {
    if !value.is_finite() {
        return ("none".to_owned(), "");
    }
    // Rounded before it is divided: 999.9 is 1 k, not 1000.
    let rounded: f64 = format!("{value:.2e}").parse().unwrap_or(value);
    let (unit, prefix) = match rounded.abs() {
        0.0 => return ("0".to_owned(), ""),
        1e-6..1e3 => (1.0, ""),
        1e3..1e6 => (1e3, "k"),
        1e6..1e9 => (1e6, "M"),
        1e9..1e12 => (1e9, "G"),
        _ => return (format!("{rounded:e}"), ""),
    };
    ((rounded / unit).to_string(), prefix)
}

/// A share in percent, with as many digits as it has nines and one more.
fn percent(share: f64) -> String {
    let nines = Scale::Quantile.place(share);
    let digits = (nines.ceil() as usize).saturating_sub(1);
    let number = format!("{:.digits$}", share * 100.0);
    let number = if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { &number };
    format!("{number} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: Scale, ends: Ends, values: &[f64]) -> Vec<String> {
        let ticks = Ruler::new(scale, ends, 8, values.iter().copied()).ticks();
        assert!(ticks.iter().all(|tick| (0.0..=1.0).contains(&tick.at)), "{ticks:?}");
        assert!(ticks.is_sorted_by(|one, next| one.at < next.at), "{ticks:?}");
        ticks.into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn a_linear_axis_has_round_steps_from_zero() {
        assert_eq!(labels(Scale::Linear, Ends::Ticks, &[120e3, 190e3]), ["0", "50 k", "100 k", "150 k", "200 k"]);
        assert_eq!(labels(Scale::Linear, Ends::Data, &[120e3, 190e3]), ["0", "50 k", "100 k", "150 k"]);
        assert_eq!(labels(Scale::Linear, Ends::Ticks, &[0.3]), ["0", "0.05", "0.1", "0.15", "0.2", "0.25", "0.3"]);
        assert_eq!(labels(Scale::Linear, Ends::Ticks, &[-3.0, 7.0]), ["-4", "-2", "0", "2", "4", "6", "8"]);
        assert_eq!(labels(Scale::Linear, Ends::Ticks, &[]).len(), 6);
    }

    #[test]
    fn a_log_axis_has_1_2_5_and_then_decades_only() {
        assert_eq!(labels(Scale::Log, Ends::Ticks, &[0.06, 1.5]), ["0.05", "0.1", "0.2", "0.5", "1", "2"]);
        assert_eq!(labels(Scale::Log, Ends::Ticks, &[3.0, 4_000.0]), ["10", "100", "1 k"]);
        assert_eq!(labels(Scale::Log, Ends::Ticks, &[2.0]), ["2", "5"]);
        assert_eq!(labels(Scale::Log, Ends::Data, &[100.0, 1500.0]), ["100", "200", "500", "1 k"]);
        assert_eq!(labels(Scale::Log, Ends::Data, &[2.5, 4.5]), ["2", "5"]);
        assert_eq!(labels(Scale::Log, Ends::Ticks, &[1e-12, 1e12]).len(), 7);
    }

    #[test]
    fn a_quantile_axis_has_a_tick_at_each_nine() {
        let expected = ["0 %", "50 %", "90 %", "99 %", "99.9 %", "99.99 %"];
        assert_eq!(labels(Scale::Quantile, Ends::Data, &[0.9999999])[..3], ["0 %", "90 %", "99 %"]);
        assert_eq!(labels(Scale::Quantile, Ends::Data, &[0.0, 0.99995]), expected);
        assert_eq!(labels(Scale::Quantile, Ends::Data, &[0.0]), ["0 %", "50 %", "90 %"]);
        let ruler = Ruler::new(Scale::Quantile, Ends::Data, 8, [0.9999].into_iter());
        assert!((ruler.at(0.99).unwrap() - 0.5).abs() < 1e-6);
        assert_eq!(ruler.at(1.0), None);
        assert_eq!(Scale::Quantile.say(0.99973), "99.973 %");
    }

    #[test]
    fn what_has_no_place_is_left_out() {
        let ruler = Ruler::new(Scale::Log, Ends::Ticks, 8, [0.0, -1.0, f64::NAN, f64::INFINITY, 30.0].into_iter());
        assert_eq!((ruler.at(0.0), ruler.at(f64::NAN)), (None, None));
        assert_eq!(ruler.ticks().len(), 2);
    }

    #[test]
    fn no_value_breaks_a_ruler() {
        let odd =
            [f64::MIN, f64::MAX, f64::NAN, f64::MIN_POSITIVE, 5e-324, -0.0, 1.0, f64::INFINITY, 1.0 - 1e-16, 1e100];
        for scale in [Scale::Linear, Scale::Log, Scale::Quantile] {
            for ends in [Ends::Data, Ends::Ticks] {
                labels(scale, ends, &odd);
                for value in odd {
                    assert!(labels(scale, ends, &[value]).len() >= 2, "{scale:?} {value}");
                    assert!(labels(scale, ends, &[value, value, 1.0]).len() < 20);
                }
            }
        }
    }

    #[test]
    fn numbers_are_short() {
        let said = [0.0, 0.05, 0.001234, 12.345, 999.96, 1500.0, 200e3, 2e6, 1.234e9, -4e3, 5e20].map(short);
        assert_eq!(said, ["0", "0.05", "0.00123", "12.3", "1 k", "1.5 k", "200 k", "2 M", "1.23 G", "-4 k", "5e20"]);
        let said = [(183_204.0, "/s"), (12.0, "/s"), (1500.0, "B"), (0.72, "ms"), (2e6, "events"), (f64::NAN, "B")];
        let said = said.map(|(value, unit)| with_unit(value, unit));
        assert_eq!(said, ["183 k/s", "12/s", "1.5 kB", "0.72 ms", "2 M events", "none"]);
    }
}
