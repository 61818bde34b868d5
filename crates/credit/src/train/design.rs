//! Which features a model has, and how each is prepared.

use std::collections::{HashMap, HashSet};

use super::options::{Columns, Data, Placement, Scaling};
use super::outcome::Prepared;
use super::rule::{Rule, rounded, to_f32};
use super::split::Split;
use super::spread::unclipped;
use super::table::Table;
use crate::failure::Failure;
use crate::features::names;

/// The features of a table that are asked for, before any is dropped.
pub(crate) fn chosen(table: &Table, columns: Columns) -> Vec<String> {
    let of_application: HashSet<String> = names::all().into_iter().take(names::of_application()).collect();
    let wanted = |name: &&String| columns == Columns::All || of_application.contains(*name);
    table.features.iter().filter(wanted).cloned().collect()
}

/// Places of the features that stay.
pub(crate) fn kept(features: &[String], drop: &[String]) -> Result<Vec<usize>, Failure> {
    if let Some(unknown) = drop.iter().find(|name| !features.contains(*name)) {
        let what = format!("`--drop {unknown}` names no feature of this model");
        let near =
            features.iter().find(|name| name.eq_ignore_ascii_case(unknown) || name.contains(&**unknown));
        let hint = near.map_or_else(String::new, |name| format!(" Did you mean `{name}`?"));
        return Err(Failure::usage("C406", format!("{what}.{hint} Names are those of the table's columns.")));
    }
    let kept: Vec<usize> = (0..features.len()).filter(|&i| !drop.contains(&features[i])).collect();
    if kept.is_empty() {
        return Err(Failure::usage(
            "C407",
            "No feature is left to train on. Drop fewer, or give a table that has some.",
        ));
    }
    Ok(kept)
}

/// How these features are prepared, as float32 holds it, so that the exported model does exactly what was trained.
pub(crate) fn prepared(
    table: &Table,
    fitted: &[Prepared],
    features: &[String],
    data: &Data,
    split: &Split,
    threads: usize,
) -> Result<Vec<Prepared>, Failure> {
    let by_name: HashMap<&str, &Prepared> = fitted.iter().map(|p| (p.name.as_str(), p)).collect();
    let of = |name: &String| {
        let prepared = by_name.get(name.as_str()).ok_or_else(|| {
            let what = format!("The preparation does not know the feature `{name}`");
            Failure::refused("C405", format!("{what}; give the one that was written with this table."))
        })?;
        checked(prepared)
    };
    let found: Vec<Prepared> = features.iter().map(of).collect::<Result<_, _>>()?;
    let found = match data.placement {
        Placement::Beside => found,
        Placement::Inside => unclipped(table, &found, split, threads)?,
    };
    Ok(found.into_iter().map(|prepared| scaled(prepared, data.scaling)).collect())
}

fn checked(prepared: &Prepared) -> Result<Prepared, Failure> {
    let p = prepared;
    let finite = [p.fill, p.low, p.high, p.mean, p.scale].iter().all(|x| to_f32(*x).is_finite());
    if finite && p.low <= p.high && p.scale > 0.0 {
        return Ok(p.clone());
    }
    let what = format!("The preparation of `{}` makes no sense: {p:?}", p.name);
    Err(Failure::refused(
        "C408",
        format!("{what}. Expected finite numbers, low ≤ high and scale > 0; make it again."),
    ))
}

/// With the offset and the scale that the model will use.
fn scaled(prepared: Prepared, scaling: Scaling) -> Prepared {
    let (offset, scale) = match scaling {
        Scaling::Standard => (prepared.mean, prepared.scale),
        Scaling::MinMax => (prepared.low, prepared.high - prepared.low),
    };
    // What float32 holds as 0 or not at all is no scale.
    let scale = if to_f32(scale).is_normal() { rounded(scale) } else { 1.0 };
    Prepared { mean: rounded(offset), scale, ..prepared }
}

/// Each feature with its rule.
pub(crate) fn rules(prepared: &[Prepared], placement: Placement) -> Vec<(String, Rule)> {
    prepared.iter().map(|p| (p.name.clone(), Rule::new(p, placement))).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp)] // exact values are meant

    use super::*;

    fn prepared(low: f64, high: f64, mean: f64, scale: f64) -> Prepared {
        Prepared { name: "x".into(), fill: 0.0, low, high, mean, scale }
    }

    #[test]
    fn both_scalings() {
        let p = prepared(1.0, 9.0, 0.1, 0.3);
        let standard = scaled(p.clone(), Scaling::Standard);
        assert_eq!((standard.mean, standard.scale), (f64::from(0.1_f32), f64::from(0.3_f32)));
        let range = scaled(p, Scaling::MinMax);
        assert_eq!((range.mean, range.scale), (1.0, 8.0));
        assert_eq!(scaled(prepared(2.0, 2.0, 2.0, 1.0), Scaling::MinMax).scale, 1.0);
        assert_eq!(scaled(prepared(0.0, 1.0, 0.0, 1e-60), Scaling::Standard).scale, 1.0);
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(checked(&prepared(0.0, 1.0, 0.5, 0.2)).is_ok());
        for p in
            [prepared(2.0, 1.0, 0.0, 1.0), prepared(0.0, 1.0, f64::NAN, 1.0), prepared(0.0, 1.0, 0.0, 0.0)]
        {
            assert!(checked(&p).is_err());
        }
    }

    #[test]
    fn drops_by_name_alone() {
        let features: Vec<String> = ["A", "A_B", "C"].map(String::from).to_vec();
        assert_eq!(kept(&features, &["A".into()]).unwrap(), [1, 2]);
        assert!(kept(&features, &["B".into()]).is_err());
        assert!(kept(&features, &features).is_err());
    }
}
