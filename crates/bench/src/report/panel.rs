//! What may stand in one plot: results of one model that give the same, on one network and one machine.

use crate::record::{Measured, Record, Started, is_of};
use crate::report::svg::look::Look;

/// A record, and what its file is called.
#[derive(Clone, Debug)]
pub struct Named {
    /// The file's name, without its folders.
    pub name: String,
    /// What it holds.
    pub record: Record,
}

/// Results that may be compared with each other.
#[derive(Clone, Debug)]
pub struct Panel<'a> {
    /// Where all of them are.
    pub place: Place<'a>,
    /// By who answers, in the order of the kinds, and others' systems last.
    pub series: Vec<Series<'a>>,
    /// The records of its machine.
    pub sources: Vec<&'a Named>,
}

/// What results must have in common to be compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place<'a> {
    /// The processor's name, and its cores.
    pub machine: (&'a str, usize),
    /// The model's name.
    pub model: &'a str,
    /// What the client gets.
    pub reveal: &'a str,
    /// What was asked for; none where only systems were measured that take no accuracy.
    pub accuracy: Option<f64>,
    /// The network's name.
    pub network: &'a str,
}

/// One way to answer.
#[derive(Clone, Debug)]
pub struct Series<'a> {
    /// Whose and which kind: `mpc`, `spu mpc`.
    pub name: String,
    /// By what protocol, from which record, and whether it is SIMULATED; may be empty.
    pub note: String,
    /// How plots tell it from others.
    pub look: Look,
    /// Its results, by requests in flight and rows per request.
    pub points: Vec<&'a Measured>,
    /// The record that it is from.
    pub source: &'a Named,
}

/// Kinds in the order in which they are shown.
const ORDER: [&str; 4] = ["plain", "mpc", "tee", "he"];

impl<'a> Place<'a> {
    fn of(source: &'a Named, result: &'a Measured) -> Self {
        let Record { machine, .. } = &source.record;
        Self {
            machine: (&machine.processor, machine.cores),
            model: &result.model,
            reveal: &result.reveal,
            accuracy: result.accuracy,
            network: &result.network,
        }
    }

    /// Whether a result of another place is shown here too: one that was asked for no accuracy.
    fn takes(&self, other: &Self) -> bool {
        self == other || other.accuracy.is_none() && *self == Self { accuracy: self.accuracy, ..*other }
    }

    /// In words; the machine apart.
    pub fn title(&self) -> String {
        let accuracy = self.accuracy.map_or(String::new(), |accuracy| format!(", accuracy {accuracy:e}"));
        format!("{}, {}{accuracy}, {}", self.model, self.reveal, self.network)
    }
}

/// The panels of records, in the order of their results.
pub fn panels(sources: &[Named]) -> Vec<Panel<'_>> {
    let of_source = |source| results(source).map(|(place, _)| place);
    let (stated, unstated): (Vec<Place<'_>>, Vec<_>) =
        sources.iter().flat_map(of_source).partition(|place| place.accuracy.is_some());
    let mut places: Vec<Place<'_>> = Vec::new();
    for place in stated.into_iter().chain(unstated) {
        if !places.iter().any(|known| known.takes(&place)) {
            places.push(place);
        }
    }
    let mut panels: Vec<Panel<'_>> = places.into_iter().map(|place| panel(place, sources)).collect();
    give_looks(&mut panels);
    panels
}

fn results(source: &Named) -> impl Iterator<Item = (Place<'_>, &Measured)> {
    source.record.results.iter().map(move |result| (Place::of(source, result), result))
}

fn panel<'a>(place: Place<'a>, sources: &'a [Named]) -> Panel<'a> {
    let is_here = |source: &&Named| {
        let machine = &source.record.machine;
        (machine.processor.as_str(), machine.cores) == place.machine
    };
    let sources: Vec<&Named> = sources.iter().filter(is_here).collect();
    let mut series: Vec<Series<'a>> = Vec::new();
    for &source in &sources {
        for (_, result) in results(source).filter(|(of, _)| place.takes(of)) {
            match series.iter_mut().find(|s| s.holds(source, result)) {
                Some(known) => known.points.push(result),
                None => series.push(Series::new(source, result)),
            }
        }
    }
    for one in &mut series {
        one.points.sort_by_key(|m| (m.concurrency, m.batch));
    }
    series.sort_by_key(Series::order);
    tell_apart(&mut series);
    Panel { place, series, sources }
}

impl<'a> Series<'a> {
    fn new(source: &'a Named, result: &'a Measured) -> Self {
        let is_own = result.system == "privet";
        let name = if is_own { result.kind.clone() } else { format!("{} {}", result.system, result.kind) };
        let note = String::new();
        Self { name, note, look: Look(0), points: vec![result], source }
    }

    fn holds(&self, source: &Named, result: &Measured) -> bool {
        std::ptr::eq(self.source, source) && self.points.first().is_some_and(|known| is_alike(known, result))
    }

    /// Whose it is; `privet`'s own come first.
    fn order(&self) -> (bool, usize, String) {
        let (system, kind) = self.points.first().map_or(("", ""), |m| (&m.system, &m.kind));
        let rank = ORDER.iter().position(|known| *known == kind).unwrap_or(ORDER.len());
        (system != "privet", rank, format!("{} {:?}", self.name, self.ways()))
    }

    /// Its protocol, and what it protects.
    fn ways(&self) -> (Option<&str>, Option<&str>) {
        self.points.first().map_or((None, None), |m| (m.protocol.as_deref(), m.protect.as_deref()))
    }

    /// Whether it is privet's plain, against which all others are held.
    pub fn is_plain(&self) -> bool {
        self.points.first().is_some_and(|m| m.system == "privet" && m.kind == "plain")
    }

    /// Whether any of its answers came from what is simulated.
    pub fn is_simulated(&self) -> bool {
        self.points.iter().any(|m| is_simulated(&m.assurance))
    }

    /// Its name and note on one line.
    pub fn full(&self) -> String {
        if self.note.is_empty() { self.name.clone() } else { format!("{} ({})", self.name, self.note) }
    }

    /// Its name alone, and whether it is SIMULATED.
    pub fn marked(&self) -> String {
        if self.is_simulated() { format!("{} (SIMULATED)", self.name) } else { self.name.clone() }
    }

    /// Its results with so many requests in flight.
    pub fn with(&self, concurrency: usize) -> impl Iterator<Item = &'a Measured> {
        self.points.iter().copied().filter(move |m| m.concurrency == concurrency)
    }
}

/// Whether what a reply may be believed to have run under says that it was simulated.
pub fn is_simulated(assurance: &str) -> bool {
    assurance.to_lowercase().contains("simulated")
}

fn is_alike(a: &Measured, b: &Measured) -> bool {
    (&a.system, &a.kind, &a.protocol, &a.protect) == (&b.system, &b.kind, &b.protocol, &b.protect)
}

/// Writes into each note what tells the series from others of its name.
fn tell_apart(series: &mut [Series<'_>]) {
    let same =
        |s: &Series<'_>| series.iter().filter(|other| other.name == s.name).cloned().collect::<Vec<_>>();
    let note = |s: &Series<'_>| {
        let others = same(s);
        let (protocol, protect) = s.ways();
        let is_protect_told = others.iter().any(|other| other.ways().1 != protect);
        let is_source_told = others.iter().any(|other| other.source.name != s.source.name);
        let protect = protect.filter(|_| is_protect_told).map(|what| format!("hides {what}"));
        let parts = [
            protocol.map(str::to_owned),
            protect,
            is_source_told.then(|| s.source.name.clone()),
            s.is_simulated().then(|| "SIMULATED".to_owned()),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    };
    let notes: Vec<String> = series.iter().map(note).collect();
    series.iter_mut().zip(notes).for_each(|(s, note)| s.note = note);
}

/// Who looks how: the same in all panels.
fn give_looks(panels: &mut [Panel<'_>]) {
    let key = |series: &Series<'_>| (series.order(), series.note.clone());
    let mut keys: Vec<_> = panels.iter().flat_map(|panel| panel.series.iter().map(key)).collect();
    keys.sort();
    keys.dedup();
    for series in panels.iter_mut().flat_map(|panel| &mut panel.series) {
        let own = key(series);
        series.look = Look(keys.iter().position(|known| *known == own).unwrap_or(0));
    }
}

/// How many times as long as plain.
#[derive(Clone, Copy, Debug)]
pub struct Slowdown {
    /// Median over median.
    pub ratio: f64,
    /// Whether plain is in the same record.
    pub is_same_run: bool,
}

impl<'a> Panel<'a> {
    /// The least number of requests in flight: what plots by batch size show.
    pub fn alone(&self) -> usize {
        self.series.iter().flat_map(|s| &s.points).map(|m| m.concurrency).min().unwrap_or(1)
    }

    /// The smallest and the largest batch of those.
    pub fn batches(&self) -> (usize, usize) {
        let all = || self.series.iter().flat_map(|s| s.with(self.alone())).map(|m| m.batch);
        (all().min().unwrap_or(1), all().max().unwrap_or(1))
    }

    /// As the record says, or against the plain in it; for a record without plain, against the plain of another run on the same machine.
    pub fn slowdown(&self, result: &Measured) -> Option<Slowdown> {
        if let Some(ratio) = result.ratio_to_plain {
            return Some(Slowdown { ratio, is_same_run: true });
        }
        let plain = self.series.iter().filter(|s| s.is_plain());
        let plain = plain.flat_map(|s| s.points.iter().map(move |m| (s.source, m)));
        let at_once = |m: &Measured| (m.batch, m.concurrency) == (result.batch, result.concurrency);
        let is_own = |source: &Named| source.record.results.iter().any(|m| std::ptr::eq(m, result));
        let bases = plain.filter(|(_, m)| at_once(m)).map(|(source, m)| (is_own(source), m.median_s));
        let bases: Vec<_> = bases.collect();
        let (is_same_run, base) = bases.iter().find(|(is_own, _)| *is_own).or(bases.first())?;
        Some(Slowdown { ratio: result.median_s / base, is_same_run: *is_same_run })
    }

    /// The latest start of each kind, with its series.
    pub fn starts(&self) -> Vec<(&Series<'a>, &'a Started)> {
        let of_series = |series| Some((series, self.start(series)?));
        self.series.iter().filter_map(of_series).collect()
    }

    fn start(&self, series: &Series<'a>) -> Option<&'a Started> {
        let first = series.points.first().filter(|m| m.system == "privet")?;
        let Record { model, starts, .. } = &series.source.record;
        let is_here = |start: &&Started| {
            model == self.place.model
                && is_of(&start.kind, start.protocol.as_deref(), first)
                && start.network == self.place.network
                && (start.reveal.is_empty() || start.reveal == self.place.reveal)
        };
        starts.iter().rfind(is_here)
    }

    /// The result of a series at one request in flight and so many rows.
    pub fn at(&self, series: &Series<'a>, batch: usize) -> Option<&'a Measured> {
        series.with(self.alone()).find(|m| m.batch == batch)
    }
}
