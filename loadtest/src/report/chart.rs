//! Charts as SVG for `page.rs` to embed: lines over two axes, and horizontal bars.
//!
//! An SVG made here names classes, and `page.css` has their colours. It is drawn for any data: values that its axes
//! cannot hold are left out, names are escaped, and details below a pixel are not written.

use std::fmt::{self, Display, Formatter};

use crate::report::scale::{Ends, Ruler, Scale, with_unit};

/// Width of a chart. All lengths are in the units of the viewBox, and the page stretches it to its width.
const WIDTH: f64 = 760.0;
const PLOT_HEIGHT: f64 = 240.0;
const PLOT_LEFT: f64 = 52.0;
/// Half the label of the last tick, which may stand at the very end.
const PLOT_RIGHT: f64 = WIDTH - 28.0;
const LEGEND_ROW: f64 = 20.0;
const BAR_ROW: f64 = 30.0;
const BAR_HEIGHT: f64 = 18.0;

/// Average width of a character of the label font. The font is not known here: a label is given this much, not
/// measured.
const CHARACTER: f64 = 7.0;
/// A bold one, in the widest of the usual fonts: a value that did not fit would be cut off.
const BOLD_CHARACTER: f64 = 9.0;
/// A bar's name is cut after this many characters. Hovering shows it whole.
const BAR_NAME_CHARS_MAX: usize = 36;

/// A line keeps two points for each column of this width, the lowest and the highest.
const LINE_COLUMN: f64 = 1.0;
/// The same for points to hover over: a pointer does not hit less.
const HOVER_COLUMN: f64 = 4.0;
/// A line of more points than this is drawn without dots.
const DOTS_MAX: usize = 40;
/// The number of colours in `page.css`. The lines after them are dashed.
const COLOURS: usize = 7;
/// Points of a distribution: its line bends no finer.
const DISTRIBUTION_POINTS: u32 = 400;

/// One side of a chart. The label says the unit: `latency, ms`.
#[derive(Debug)]
pub(crate) struct Axis {
    label: String,
    scale: Scale,
}

impl Axis {
    pub(crate) fn new(label: impl Into<String>, scale: Scale) -> Self {
        Self { label: label.into(), scale }
    }
}

/// One line of a chart: its points in any order.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

impl Series {
    pub(crate) fn new(name: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        Self { name: name.into(), points }
    }

    /// A distribution of `count` values over a `Scale::Quantile`, evenly along it up to the largest value. That one is
    /// drawn at one in `count`, because its own share, 1, is infinitely far.
    pub(crate) fn distribution(name: impl Into<String>, count: u64, quantile: impl Fn(f64) -> Option<f64>) -> Self {
        let nines = (count.max(1) as f64).log10();
        let share = |point: u32| 1.0 - 10_f64.powf(-nines * f64::from(point) / f64::from(DISTRIBUTION_POINTS));
        let below = (0..DISTRIBUTION_POINTS).map(|point| (share(point), quantile(share(point))));
        let largest = (share(DISTRIBUTION_POINTS), quantile(1.0));
        let points = below.chain([largest]).filter_map(|(share, value)| Some((share, value?)));
        Self::new(name, points.collect())
    }
}

/// The kinds of drawings.
#[derive(Debug)]
pub(crate) enum Chart {
    Lines { x: Axis, y: Axis, series: Vec<Series> },
    Bars { unit: String, bars: Vec<(String, f64)> },
}

impl Chart {
    pub(crate) fn lines(x: Axis, y: Axis, series: Vec<Series>) -> Self {
        Self::Lines { x, y, series }
    }

    /// Bars from zero, each with its value at the end: `none` where it is not finite, no length where it is negative.
    pub(crate) fn bars(unit: impl Into<String>, bars: Vec<(String, f64)>) -> Self {
        Self::Bars { unit: unit.into(), bars }
    }

    /// One `<svg>` element. `heading`: its name for a screen reader.
    pub(crate) fn svg(&self, heading: &str) -> String {
        let (height, drawing, said) = match self {
            Self::Lines { x, y, series } => {
                let names: Vec<&str> = series.iter().map(|series| series.name.as_str()).collect();
                let said = format!("{heading}: line chart of {} by {}: {}", y.label, x.label, names.join(", "));
                let (height, drawing) = lines(x, y, series);
                (height, drawing, said)
            }
            Self::Bars { unit, bars } => {
                let said: Vec<String> =
                    bars.iter().map(|(name, value)| format!("{name} {}", with_unit(*value, unit))).collect();
                let (height, drawing) = self::bars(unit, bars);
                (height, drawing, format!("{heading}: bar chart: {}", said.join(", ")))
            }
        };
        let said = Escaped(&said);
        format!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{said}\">\n{drawing}</svg>\n")
    }
}

/// A text that ends up as itself, in an element or in a quoted attribute.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '&' => to.write_str("&amp;"),
            '<' => to.write_str("&lt;"),
            '>' => to.write_str("&gt;"),
            '"' => to.write_str("&quot;"),
            '\'' => to.write_str("&#39;"),
            '\n' | '\t' => write!(to, "{character}"),
            _ if character.is_control() => to.write_str("\u{fffd}"),
            _ => write!(to, "{character}"),
        })
    }
}

/// A point, and where it is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Spot {
    left: f64,
    top: f64,
    point: (f64, f64),
}

fn lines(x: &Axis, y: &Axis, series: &[Series]) -> (f64, String) {
    let held = |series: &Series| {
        let points = series.points.iter().copied();
        let mut held: Vec<_> = points.filter(|point| x.scale.holds(point.0) && y.scale.holds(point.1)).collect();
        held.sort_by(|one, other| one.0.total_cmp(&other.0));
        held
    };
    let points: Vec<Vec<(f64, f64)>> = series.iter().map(held).collect();
    let along_x = Ruler::new(x.scale, Ends::Data, 10, points.iter().flatten().map(|point| point.0));
    // Steps of 1, 2 and 5 tell more of a logarithmic axis than of a linear one, whose steps are all alike.
    let ticks_max = if y.scale == Scale::Log { 12 } else { 8 };
    let along_y = Ruler::new(y.scale, Ends::Ticks, ticks_max, points.iter().flatten().map(|point| point.1));

    let (legend_height, legend) = legend(series);
    let top = legend_height + 28.0;
    let bottom = top + PLOT_HEIGHT;
    let mut svg = legend + &axes(x, y, &along_x, &along_y, top);
    if points.iter().all(Vec::is_empty) {
        let (middle, half) = ((PLOT_LEFT + PLOT_RIGHT) / 2.0, (top + bottom) / 2.0);
        svg += &format!("<text class=\"middle\" x=\"{middle}\" y=\"{half}\">no data</text>\n");
    }
    for (index, (series, points)) in series.iter().zip(&points).enumerate() {
        let spot = |&point: &(f64, f64)| {
            let left = PLOT_LEFT + along_x.at(point.0)? * (PLOT_RIGHT - PLOT_LEFT);
            Some(Spot { left, top: bottom - along_y.at(point.1)? * PLOT_HEIGHT, point })
        };
        let spots: Vec<Spot> = points.iter().filter_map(spot).collect();
        svg += &line(index, series, &spots, x, y);
    }
    (bottom + 46.0, svg)
}

/// The grid, the ticks and the labels.
fn axes(x: &Axis, y: &Axis, along_x: &Ruler, along_y: &Ruler, top: f64) -> String {
    let bottom = top + PLOT_HEIGHT;
    let (mut grid, mut labels) = (String::new(), String::new());
    for tick in along_y.ticks() {
        let height = bottom - tick.at * PLOT_HEIGHT;
        grid += &format!("M{PLOT_LEFT} {height:.1}H{PLOT_RIGHT}");
        let (right, base, label) = (PLOT_LEFT - 8.0, height + 4.0, Escaped(&tick.label));
        labels += &format!("<text class=\"end\" x=\"{right}\" y=\"{base:.1}\">{label}</text>\n");
    }
    let mut marks = format!("M{PLOT_LEFT} {bottom}H{PLOT_RIGHT}");
    for tick in along_x.ticks() {
        let left = PLOT_LEFT + tick.at * (PLOT_RIGHT - PLOT_LEFT);
        marks += &format!("M{left:.1} {bottom}v5");
        let (base, label) = (bottom + 20.0, Escaped(&tick.label));
        labels += &format!("<text class=\"middle\" x=\"{left:.1}\" y=\"{base}\">{label}</text>\n");
    }
    let (middle, under, over) = ((PLOT_LEFT + PLOT_RIGHT) / 2.0, bottom + 40.0, top - 14.0);
    let (x_label, y_label) = (Escaped(&x.label), Escaped(&y.label));
    format!(
        "<path class=\"grid\" d=\"{grid}\"/>\n<path class=\"axis\" d=\"{marks}\"/>\n{labels}\
         <text class=\"label middle\" x=\"{middle}\" y=\"{under}\">{x_label}</text>\n\
         <text class=\"label\" x=\"0\" y=\"{over}\">{y_label}</text>\n"
    )
}

fn line(index: usize, series: &Series, spots: &[Spot], x: &Axis, y: &Axis) -> String {
    let drawn = thin(spots, LINE_COLUMN);
    let path: Vec<String> = drawn.iter().map(|spot| format!("{:.1} {:.1}", spot.left, spot.top)).collect();
    let mut svg = format!("<g class=\"{}\">\n", class(index));
    if path.len() > 1 {
        svg += &format!("<path class=\"line\" d=\"M{}\"/>\n", path.join("L"));
    }
    // Dots show where the data is. More of them than this would be a thicker line.
    let (dot, radius) = if spots.len() <= DOTS_MAX { ("dot", 3.5) } else { ("spot", 5.0) };
    for Spot { left, top, point } in thin(spots, HOVER_COLUMN) {
        let over = format!("{}\n{}: {}", series.name, x.label, x.scale.say(point.0));
        let over = format!("{over}\n{}: {}", y.label, y.scale.say(point.1));
        let (place, over) = (format!("cx=\"{left:.1}\" cy=\"{top:.1}\" r=\"{radius}\""), Escaped(&over));
        svg += &format!("<circle class=\"{dot}\" {place}><title>{over}</title></circle>\n");
    }
    svg + "</g>\n"
}

/// The lowest and the highest spot of each column, in the order that they had.
fn thin(spots: &[Spot], column: f64) -> Vec<Spot> {
    let column_of = |spot: &Spot| (spot.left / column) as i64;
    let columns = spots.chunk_by(|one, next| column_of(one) == column_of(next));
    let extremes = columns.flat_map(|spots| {
        let by_height = |one: &usize, other: &usize| spots[*one].top.total_cmp(&spots[*other].top);
        let one = (0..spots.len()).min_by(by_height).unwrap_or(0);
        let other = (0..spots.len()).max_by(by_height).unwrap_or(0);
        let (first, last) = (one.min(other), one.max(other));
        [Some(spots[first]), (first < last).then(|| spots[last])].into_iter().flatten()
    });
    extremes.collect()
}

/// Rows of keys above the plot. Nothing if there is nothing to tell apart.
fn legend(series: &[Series]) -> (f64, String) {
    if series.len() < 2 {
        return (0.0, String::new());
    }
    let (mut left, mut row, mut svg) = (0.0, 0.0, String::new());
    for (index, Series { name, .. }) in series.iter().enumerate() {
        let width = 28.0 + name.chars().count() as f64 * CHARACTER + 16.0;
        if left > 0.0 && left + width > WIDTH {
            (left, row) = (0.0, row + 1.0);
        }
        let (line, base, class) = (row * LEGEND_ROW + 10.0, row * LEGEND_ROW + 14.0, class(index));
        let (name, text) = (Escaped(name), left + 28.0);
        svg += &format!("<path class=\"line {class}\" d=\"M{left} {line}h20\"/>");
        svg += &format!("<text class=\"name\" x=\"{text}\" y=\"{base}\">{name}</text>\n");
        left += width;
    }
    ((row + 1.0) * LEGEND_ROW + 8.0, svg)
}

fn class(index: usize) -> String {
    let dashed = if index < COLOURS { "" } else { " dashed" };
    format!("hue-{}{dashed}", index % COLOURS)
}

fn bars(unit: &str, bars: &[(String, f64)]) -> (f64, String) {
    let name_chars = bars.iter().map(|(name, _)| name.chars().count().min(BAR_NAME_CHARS_MAX)).max();
    let value_chars = bars.iter().map(|(_, value)| with_unit(*value, unit).chars().count()).max();
    let name_width = name_chars.unwrap_or(0) as f64 * CHARACTER;
    let value_width = value_chars.unwrap_or(0) as f64 * BOLD_CHARACTER;
    let left = name_width + 12.0;
    let width = (WIDTH - left - value_width - 8.0).max(BAR_HEIGHT);
    let ruler = Ruler::new(Scale::Linear, Ends::Data, 2, bars.iter().map(|(_, value)| value.max(0.0)));

    let mut svg = String::new();
    for (row, (name, value)) in bars.iter().enumerate() {
        let top = row as f64 * BAR_ROW + (BAR_ROW - BAR_HEIGHT) / 2.0;
        let (base, right) = (top + BAR_HEIGHT - 5.0, left - 8.0);
        let long = ruler.at(value.max(0.0)).filter(|_| value.is_finite()).unwrap_or(0.0) * width;
        let (end, said) = (left + long + 8.0, with_unit(*value, unit));
        let short: String = name.chars().take(BAR_NAME_CHARS_MAX - 1).collect();
        let short = if name.chars().count() > BAR_NAME_CHARS_MAX { short + "…" } else { name.clone() };
        let (name, short, said) = (Escaped(name), Escaped(&short), Escaped(&said));
        svg += &format!(
            "<g class=\"hue-0\"><title>{name}: {said}</title>\n\
             <rect class=\"bar\" x=\"{left}\" y=\"{top}\" width=\"{long:.1}\" height=\"{BAR_HEIGHT}\"/>\n\
             <text class=\"name end\" x=\"{right}\" y=\"{base}\">{short}</text>\n\
             <text class=\"value\" x=\"{end:.1}\" y=\"{base}\">{said}</text></g>\n"
        );
    }
    if bars.is_empty() {
        svg += "<text x=\"0\" y=\"19\">no data</text>\n";
    }
    let height = bars.len().max(1) as f64 * BAR_ROW;
    (height, format!("{svg}<path class=\"axis\" d=\"M{left} 0V{height}\"/>\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(scale: Scale, points: &[(f64, f64)]) -> String {
        let series = vec![Series::new("one", points.to_vec()), Series::new("two", points.to_vec())];
        let svg = Chart::lines(Axis::new("x", scale), Axis::new("y", scale), series).svg("a chart");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        svg
    }

    #[test]
    fn a_zero_is_left_out_of_a_log_axis() {
        let svg = drawn(Scale::Log, &[(1.0, 0.0), (2.0, 3.0), (3.0, 4.0), (0.0, 5.0)]);
        assert_eq!(svg.matches("<circle").count(), 4);
        assert_eq!(svg.matches("class=\"line\" d=\"M").count(), 2);
    }

    #[test]
    fn any_data_is_drawn() {
        let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN_POSITIVE, 0.0, -1.0, 0.5, 7.0];
        for scale in [Scale::Linear, Scale::Log, Scale::Quantile] {
            assert!(drawn(scale, &[]).contains("no data"));
            assert_eq!(drawn(scale, &[(0.5, 0.5)]).matches("<circle").count(), 2);
            drawn(scale, &[(0.5, 0.5); 3]);
            odd.into_iter().for_each(|x| drop(drawn(scale, &odd.map(|y| (x, y)))));
        }
        let svg = Chart::bars("ms", odd.map(|value| (value.to_string(), value)).to_vec()).svg("odd");
        assert!(!svg.contains("\"NaN\"") && !svg.contains("\"inf") && svg.contains("NaN: none"), "{svg}");
        assert!(Chart::bars("ms", Vec::new()).svg("none").contains("no data"));
    }

    #[test]
    fn a_name_cannot_become_markup() {
        let name = "<script>alert(\"1\" & '2')</script>\0";
        let axis = || Axis::new(name, Scale::Linear);
        let series = || Series::new(name, vec![(1.0, 2.0)]);
        let lines = Chart::lines(axis(), axis(), vec![series(), series()]);
        for svg in [lines.svg(name), Chart::bars(name, vec![(name.to_owned(), 1.0)]).svg(name)] {
            assert!(!svg.contains("<script") && !svg.contains("alert(\"") && !svg.contains('\0'), "{svg}");
            assert!(
                svg.contains("&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)&lt;/script&gt;\u{fffd}"),
                "{svg}"
            );
        }
    }

    #[test]
    fn thinning_keeps_the_extremes() {
        let top = |index: usize| if index == 70_007 { -9.0 } else { (index % 13) as f64 };
        let spot = |index| Spot { left: index as f64 / 1000.0, top: top(index), point: (index as f64, 0.0) };
        let spots: Vec<Spot> = (0..100_000).map(spot).collect();
        let thinned = thin(&spots, LINE_COLUMN);
        assert_eq!(thinned.len(), 200);
        assert!(thinned.contains(&spots[70_007]));
        assert!(thinned.is_sorted_by(|one, next| one.point.0 < next.point.0));
        assert_eq!(thin(&spots[..1], LINE_COLUMN), spots[..1]);
    }

    #[test]
    fn a_distribution_ends_at_its_largest_value() {
        let series = Series::distribution("latency", 1000, |share| Some(share * 8.0));
        let (share, value) = series.points[series.points.len() - 1];
        assert!((share - 0.999).abs() < 1e-9 && value == 8.0, "{share} {value}");
        assert_eq!(series.points[0], (0.0, 0.0));
        assert!(Series::distribution("none", 0, |_| None).points.is_empty());
    }
}
