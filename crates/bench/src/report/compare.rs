//! Two records side by side: what changed, and whether by more than noise.

use serde::Serialize;

use crate::record::{Measured, Record};
use crate::report::noise::Interval;
use crate::report::panel::is_simulated;

/// What changed from one record to another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// In what the two differ besides their numbers, in words.
    pub differences: Vec<String>,
    /// What the verdicts are on.
    pub judged_by: Judged,
    /// What both records have, in the order of the first.
    pub results: Vec<Change>,
    /// What only the first has.
    pub only_before: Vec<Alone>,
    /// What only the second has.
    pub only_after: Vec<Alone>,
}

/// What a verdict is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Judged {
    /// Seconds: one machine, one model.
    Time,
    /// Ratios to plain, each of its own record: machines or models differ, and their seconds do not compare.
    RatioToPlain,
}

/// Where a result was measured: all that must agree for two to be compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Place {
    /// Whose.
    pub system: String,
    /// The model's name.
    pub model: String,
    /// `plain`, `mpc`, …
    pub kind: String,
    /// The protocol, where there is one.
    pub protocol: Option<String>,
    /// What is hidden from the parties.
    pub protect: Option<String>,
    /// What the client gets.
    pub reveal: String,
    /// What was asked for.
    pub accuracy: Option<f64>,
    /// The network's name.
    pub network: String,
    /// Requests in flight.
    pub concurrency: usize,
    /// Rows per request.
    pub batch: usize,
}

/// A place that one record has and the other has not.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Alone {
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// Whether it was simulated.
    pub is_simulated: bool,
}

/// One place in both records.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// Whether either was simulated.
    pub is_simulated: bool,
    /// In the first record.
    pub before: Side,
    /// In the second record.
    pub after: Side,
    /// By how much the median's seconds grew, in percent of the first.
    pub change_percent: f64,
    /// By how much the median's ratio to plain grew, in percent of the first.
    pub ratio_change_percent: Option<f64>,
    /// Whether that is more than noise.
    pub verdict: Verdict,
}

/// One place in one record.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Side {
    /// Median seconds, as the record says.
    pub median_s: f64,
    /// The 95 % interval of that median; none without samples.
    pub interval_s: Option<Interval>,
    /// The ratio to plain of the same record, with its 95 % interval; none of plain itself, and where plain or samples are
    /// not there.
    pub ratio_to_plain: Option<Interval>,
    /// Largest error found.
    pub max_error: f64,
    /// Its proven bound.
    pub bound: Option<f64>,
}

/// Whether a place changed by more than noise: whether the two 95 % intervals have no number in common. Where nothing
/// changed that happens in about one place of two hundred, so that among many places a few verdicts are chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The second is faster.
    Faster,
    /// The second is slower.
    Slower,
    /// The intervals overlap.
    WithinNoise,
    /// There are no samples, or no plain, to judge by; or it is plain itself, judged by ratios to plain.
    NotKnown,
}

impl Verdict {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Faster => "faster",
            Self::Slower => "slower",
            Self::WithinNoise => "within noise",
            Self::NotKnown => "not known",
        }
    }

    /// On two intervals of what is better when it is small.
    pub fn on(before: Option<Interval>, after: Option<Interval>) -> Self {
        match before.zip(after) {
            None => Self::NotKnown,
            Some((before, after)) if !before.is_apart_from(&after) => Self::WithinNoise,
            Some((before, after)) if after.high < before.low => Self::Faster,
            Some(_) => Self::Slower,
        }
    }
}

/// Compares two records.
pub fn compare(before: &Record, after: &Record) -> Comparison {
    let judged_by = if is_one_setting(before, after) { Judged::Time } else { Judged::RatioToPlain };
    let in_after = |place: &Place| after.results.iter().find(|m| place_of(m) == *place);
    let mut results: Vec<Change> = Vec::new();
    for old in &before.results {
        let place = place_of(old);
        if let Some(new) = in_after(&place).filter(|_| results.iter().all(|known| known.place != place)) {
            results.push(change(place, (before, old), (after, new), judged_by));
        }
    }
    Comparison {
        differences: differences(before, after),
        judged_by,
        only_before: only(before, after),
        only_after: only(after, before),
        results,
    }
}

/// Whether seconds of the two may be compared.
fn is_one_setting(a: &Record, b: &Record) -> bool {
    let setting = |r: &Record| (r.machine.processor.clone(), r.machine.cores, r.model_digest.clone());
    setting(a) == setting(b)
}

fn differences(before: &Record, after: &Record) -> Vec<String> {
    type Of = fn(&Record) -> String;
    let facts: [(&str, Of); 9] = [
        ("processor", |r| r.machine.processor.clone()),
        ("cores", |r| r.machine.cores.to_string()),
        ("kernel", |r| r.machine.kernel.clone()),
        ("load when it began", |r| r.machine.load.clone()),
        ("version", |r| r.machine.version.clone()),
        ("commit", |r| r.machine.commit.clone()),
        ("model", |r| r.model.clone()),
        ("the model's hash", |r| r.model_digest.clone()),
        ("the rows' hash", |r| r.rows_digest.clone()),
    ];
    let said = |text: String| if text.is_empty() { "nothing".into() } else { text };
    let differing = facts.into_iter().filter(|(_, of)| of(before) != of(after));
    differing
        .map(|(what, of)| format!("{what}: {} before, {} after", said(of(before)), said(of(after))))
        .collect()
}

fn only(here: &Record, there: &Record) -> Vec<Alone> {
    let theirs: Vec<Place> = there.results.iter().map(place_of).collect();
    let ours = here.results.iter();
    let ours = ours.map(|m| Alone { place: place_of(m), is_simulated: is_simulated(&m.assurance) });
    ours.filter(|alone| !theirs.contains(&alone.place)).collect()
}

fn place_of(m: &Measured) -> Place {
    Place {
        system: m.system.clone(),
        model: m.model.clone(),
        kind: m.kind.clone(),
        protocol: m.protocol.clone(),
        protect: m.protect.clone(),
        reveal: m.reveal.clone(),
        accuracy: m.accuracy,
        network: m.network.clone(),
        concurrency: m.concurrency,
        batch: m.batch,
    }
}

fn change(
    place: Place,
    before: (&Record, &Measured),
    after: (&Record, &Measured),
    judged_by: Judged,
) -> Change {
    let is_simulated = [before, after].iter().any(|(_, m)| is_simulated(&m.assurance));
    let (before, after) = (side(before), side(after));
    let grown = |a: f64, b: f64| 100.0 * (b / a - 1.0);
    let ratios = before.ratio_to_plain.zip(after.ratio_to_plain);
    let verdict = match judged_by {
        Judged::Time => Verdict::on(before.interval_s, after.interval_s),
        Judged::RatioToPlain => Verdict::on(before.ratio_to_plain, after.ratio_to_plain),
    };
    Change {
        place,
        is_simulated,
        before,
        after,
        change_percent: grown(before.median_s, after.median_s),
        ratio_change_percent: ratios.map(|(a, b)| grown(a.median, b.median)),
        verdict,
    }
}

fn side((record, m): (&Record, &Measured)) -> Side {
    let is_plain = |other: &&Measured| other.system == "privet" && other.kind == "plain";
    let base = || record.results.iter().filter(is_plain).find(|plain| plain.is_beside(m));
    let plain = if is_plain(&m) { None } else { base() };
    Side {
        median_s: m.median_s,
        interval_s: Interval::of(&m.samples_s),
        ratio_to_plain: plain.and_then(|plain| Interval::of_ratio(&m.samples_s, &plain.samples_s)),
        max_error: m.max_error,
        bound: m.bound,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::report::tests::fixture;

    #[test]
    fn a_record_does_not_differ_from_itself() {
        let record = fixture();
        let found = compare(&record, &record);
        assert!(found.differences.is_empty() && found.only_before.is_empty() && found.only_after.is_empty());
        assert_eq!((found.judged_by, found.results.len()), (Judged::Time, record.results.len()));
        assert!(found.results.iter().all(|c| c.verdict == Verdict::WithinNoise && c.change_percent == 0.0));
    }

    #[test]
    fn far_more_time_is_slower_and_on_another_machine_the_same() {
        let (before, mut after) = (fixture(), fixture());
        for m in &mut after.results {
            m.median_s *= 100.0;
            m.samples_s.iter_mut().for_each(|s| *s *= 100.0);
        }
        let found = compare(&before, &after);
        assert!(
            found.results.iter().filter(|c| c.place.system == "privet").all(|c| c.verdict == Verdict::Slower)
        );
        after.machine.processor = "another".into();
        let found = compare(&before, &after);
        assert_eq!((found.judged_by, found.differences.len()), (Judged::RatioToPlain, 1));
        assert!(found.results.iter().all(|c| !matches!(c.verdict, Verdict::Slower | Verdict::Faster)));
    }

    #[test]
    fn what_only_one_has_is_named() {
        let (before, mut after) = (fixture(), fixture());
        let gone = after.results.remove(0);
        let found = compare(&before, &after);
        assert_eq!(found.only_before, [Alone { place: place_of(&gone), is_simulated: false }]);
        assert!(found.only_after.is_empty());
    }

    proptest! {
        #[test]
        fn verdicts_are_symmetric(
            a in prop::collection::vec(1e-4..1.0_f64, 0..40),
            b in prop::collection::vec(1e-4..1.0_f64, 0..40),
        ) {
            let (a, b) = (Interval::of(&a), Interval::of(&b));
            let mirrored = match Verdict::on(b, a) {
                Verdict::Faster => Verdict::Slower,
                Verdict::Slower => Verdict::Faster,
                same => same,
            };
            prop_assert_eq!(Verdict::on(a, b), mirrored);
            prop_assert!(a.is_none() || Verdict::on(a, a) == Verdict::WithinNoise);
        }
    }
}
