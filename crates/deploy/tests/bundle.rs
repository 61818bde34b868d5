//! What the owner hands out: salted, checked, and refused when anything in it was changed.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

mod common;

use common::{World3, bundle, entropy, is_even, plan_of};
use privet_deploy::bundle::{FORMAT, OLDEST, PartyFile, PartySecret, PublicBundle};
use privet_deploy::mpc::{MpcCaller, PartyHost};
use privet_mpc::protect::Protect;
use privet_mpc::world::World;
use proptest::prelude::*;
use serde_json::{Value, json};

fn manifest() -> Value {
    serde_json::from_str(World3::new(Protect::Both, 4, 2).public.json()).unwrap()
}

/// Every place in `value`, as a pointer.
fn places(value: &Value, at: &str, out: &mut Vec<String>) {
    out.push(at.to_owned());
    match value {
        Value::Object(map) => map.iter().for_each(|(key, v)| places(v, &format!("{at}/{key}"), out)),
        Value::Array(list) => list.iter().enumerate().for_each(|(i, v)| places(v, &format!("{at}/{i}"), out)),
        _ => {}
    }
}

fn refusal(json: &Value) -> String {
    let error = PublicBundle::parse(&json.to_string()).map(|_| ()).unwrap_err();
    assert_eq!((error.code, error.blame.exit_code()), ("E231", 3), "{error}");
    error.message
}

#[test]
fn two_bundles_of_one_model_differ_in_everything_that_is_digested() {
    let planned = plan_of(4, 2);
    let ((a, files_a), (b, files_b)) =
        (bundle(&planned, Protect::Input, 1), bundle(&planned, Protect::Input, 2));
    assert_ne!(a.digest(), b.digest());
    assert_ne!(a.manifest().id, b.manifest().id);
    for (x, y) in a.manifest().secrets.iter().zip(&b.manifest().secrets) {
        assert_ne!(x, y);
    }
    // With `input` the weights themselves are in every share: it is the salt that keeps their digests apart.
    let [x, y] = [&files_a, &files_b].map(|files| serde_json::to_value(&files[0]).unwrap());
    assert_eq!(x["tensors"][0], y["tensors"][0]);
    assert_ne!(x["salt"], y["salt"]);
    let secrets = &a.manifest().secrets;
    assert!(secrets[0] != secrets[1] && secrets[1] != secrets[2] && secrets[0] != secrets[2]);
}

#[test]
fn two_bundles_of_one_model_have_unrelated_shares() {
    let planned = plan_of(2000, 4);
    let (first, second) = (bundle(&planned, Protect::Both, 1).1, bundle(&planned, Protect::Both, 2).1);
    for (a, b) in first.iter().zip(&second) {
        let (PartySecret::Linear(a), PartySecret::Linear(b)) = (a.open().unwrap().2, b.open().unwrap().2)
        else {
            panic!("a linear model has a linear share");
        };
        for (a, b) in a.factors.iter().zip(&b.factors) {
            for shift in [0, 28, 56] {
                let off = a.iter().zip(b).map(|(a, b)| (a.wrapping_sub(*b) >> shift) as usize & 255);
                assert!(is_even(off, 256));
            }
        }
    }
}

#[test]
fn a_manifest_changed_in_any_place_is_refused_or_has_another_digest() {
    let whole = manifest();
    let digest = PublicBundle::parse(&whole.to_string()).unwrap().digest();
    let mut all = Vec::new();
    places(&whole, "", &mut all);
    assert!(all.len() > 60);
    for place in all {
        for other in
            [json!(null), json!(-1), json!(1e300), json!("x"), json!([]), json!({}), json!(true), json!(3)]
        {
            let mut changed = whole.clone();
            *changed.pointer_mut(&place).unwrap() = other;
            if changed != whole
                && let Ok(public) = PublicBundle::parse(&changed.to_string())
            {
                assert_ne!(public.digest(), digest, "{place}");
            }
        }
    }
}

#[test]
fn unknown_and_missing_fields_are_refused() {
    let places = [
        "",
        "/mpc",
        "/mpc/numbers/linear",
        "/mpc/head",
        "/mpc/head/columns/0/Value",
        "/mpc/head/features/0/Raw",
    ];
    for place in
        places.into_iter().chain(["/mpc/tail", "/mpc/tail/nodes/0", "/mpc/tail/nodes/0/origin", "/inputs/0"])
    {
        let mut changed = manifest();
        changed.pointer_mut(place).unwrap()["surprise"] = json!(1);
        assert!(refusal(&changed).contains("surprise"), "{place}");
    }
    for field in ["format", "id", "name", "kind", "reveal", "inputs", "outputs", "mpc", "secrets"] {
        let mut changed = manifest();
        changed.as_object_mut().unwrap().remove(field);
        refusal(&changed);
    }
}

#[test]
fn another_format_says_whose_turn_it_is() {
    let mut newer = json!({ "format": FORMAT + 1, "a_field_of_the_future": [] });
    assert!(refusal(&newer).ends_with(&format!(
        "format {}, this program reads {OLDEST} to {FORMAT}. Upgrade the program that reads it.",
        FORMAT + 1
    )));
    newer["format"] = json!(u32::MAX);
    assert!(refusal(&newer).contains("Upgrade the program that reads it."));
    let mut older = manifest();
    older["format"] = json!(0);
    assert!(refusal(&older).contains("Make it again"));
}

#[test]
fn parts_that_do_not_fit_each_other_are_refused() {
    let all: &[(&str, Value)] = &[
        ("/kind", json!("plain")),
        ("/mpc", json!(null)),
        ("/secrets", json!([])),
        ("/inputs/0/name", json!("y")),
        ("/inputs/0/width", json!(5)),
        ("/outputs/0/name", json!("q")),
        ("/outputs", json!([])),
        ("/mpc/protocol", json!("replicated4")),
        ("/mpc/parties", json!(["a", "b"])),
        ("/mpc/scores", json!(0)),
        ("/mpc/scores", json!(3)),
        ("/mpc/scores", json!(1)),
        ("/mpc/scores", json!(usize::MAX)),
        ("/mpc/numbers/linear/k", json!(0)),
        ("/mpc/numbers/linear/k", json!(65)),
        ("/mpc/numbers/linear/k", json!(u32::MAX)),
        ("/mpc/numbers/linear/k", json!(3)),
        ("/mpc/numbers/linear/input_bits", json!(0)),
        ("/mpc/numbers/linear/input_bits", json!(51)),
        ("/mpc/numbers/linear/input_bits", json!(u32::MAX)),
        ("/mpc/numbers/linear/weight_bits", json!(u32::MAX)),
        ("/mpc/numbers/linear/weight_bits", json!(901)),
        ("/mpc/numbers/linear/score_exponent", json!(i32::MAX)),
        ("/mpc/numbers/linear/score_exponent", json!(i32::MIN)),
        ("/mpc/numbers/linear/range_exponents/0", json!(501)),
        ("/mpc/numbers/linear/range_exponents/0", json!(i32::MIN)),
        ("/mpc/numbers/linear/range_exponents", json!([])),
        ("/mpc/numbers/linear/range_exponents", json!([2, 2, 2, 2, 2])),
        ("/mpc/numbers/linear/bound", json!(0.0)),
        ("/mpc/numbers/linear/bound", json!(-1.0)),
        ("/mpc/numbers/linear/bound", json!(1.0)),
        ("/mpc/head/columns", json!([])),
        ("/mpc/head/columns/0/Value/feature", json!(99)),
        ("/mpc/head/columns/0/Value/feature", json!(usize::MAX)),
        ("/mpc/head/columns/0", json!({ "Level": { "feature": 0, "category": 0, "level": 0 } })),
        ("/mpc/head/features/0/Raw/input", json!(1)),
        ("/mpc/head/features/0/Raw/element", json!(4)),
        ("/mpc/head/features/0", json!({ "Normalized": { "group": 0, "member": 0 } })),
        ("/mpc/head/features", json!([])),
        ("/mpc/tail/spread/0/0", json!({ "Score": 2 })),
        ("/mpc/tail/spread/0/0", json!({ "Minus": usize::MAX })),
        ("/mpc/tail/spread/0", json!([])),
        ("/mpc/tail/spread", json!([])),
        ("/mpc/tail/nodes/0/op", json!({ "Input": 7 })),
        ("/mpc/tail/nodes/0/width", json!(1u64 << 40)),
        ("/mpc/tail/nodes/1/inputs", json!([])),
        ("/mpc/tail/nodes/1/inputs", json!([1])),
        ("/mpc/tail/nodes/1/inputs", json!([usize::MAX])),
        ("/mpc/tail/nodes/1/op", json!({ "Select": [2] })),
        ("/mpc/tail/nodes/1/op", json!({ "Label": { "Int": [] } })),
        ("/mpc/tail/outputs/0/1", json!(2)),
        ("/mpc/tail/outputs/0/0/width", json!(1)),
    ];
    for (place, value) in all {
        let mut changed = manifest();
        *changed.pointer_mut(place).unwrap() = value.clone();
        assert!(PublicBundle::parse(&changed.to_string()).is_err(), "{place} = {value} was taken");
    }
}

/// Each node doubles the width: forty of them would ask the client for a terabyte.
#[test]
fn a_tail_that_grows_without_bound_is_refused() {
    let mut changed = manifest();
    let nodes = changed.pointer_mut("/mpc/tail/nodes").unwrap().as_array_mut().unwrap();
    for at in 2..42u32 {
        let mut node = nodes[1].clone();
        node["op"] = json!("Concat");
        node["inputs"] = json!([at - 1, at - 1]);
        node["width"] = json!(2u64 << (at - 1));
        nodes.push(node);
    }
    refusal(&changed);
}

/// A feature that is a row of rows of rows: reading one value would take 2^60 steps.
#[test]
fn a_head_that_grows_without_bound_is_refused() {
    let mut changed = manifest();
    let head = changed.pointer_mut("/mpc/head").unwrap();
    let (mut features, mut groups) = (head["features"].as_array().unwrap().clone(), Vec::new());
    for group in 0..60 {
        let last = features.len() - 1;
        groups.push(json!({ "norm": "L2", "members": [last, last] }));
        features.push(json!({ "Normalized": { "group": group, "member": 0 } }));
    }
    head["features"] = json!(features);
    head["groups"] = json!(groups);
    refusal(&changed);
}

#[test]
fn a_share_that_was_changed_is_refused() {
    let world = World3::new(Protect::Both, 4, 2);
    for (file, other) in world.files.iter().zip(world.files.iter().cycle().skip(1)) {
        let (whole, other) = (serde_json::to_value(file).unwrap(), serde_json::to_value(other).unwrap());
        let flipped = |text: &str| {
            text.strip_prefix('A').map_or_else(|| format!("A{}", &text[1..]), |rest| format!("B{rest}"))
        };
        for place in ["/tensors/0/0", "/tensors/0/1", "/tensors/1/0", "/salt", "/party", "/tensors/0"] {
            let now = whole.pointer(place).unwrap();
            let mut others = vec![other.pointer(place).unwrap().clone()];
            others.extend(now.as_str().map(|text| json!(flipped(text))));
            others.extend(now.as_str().map(|text| json!(text[1..])));
            others.extend(now.as_array().map(|list| json!(list[1..])));
            for change in others {
                let mut changed = whole.clone();
                *changed.pointer_mut(place).unwrap() = change;
                let file: PartyFile = serde_json::from_value(changed).unwrap();
                assert_eq!(file.open().map(|_| ()).unwrap_err().code, "E230", "{place}");
            }
        }
        assert!(file.open().is_ok());
        let mut surprise = whole.clone();
        surprise["more"] = json!(1);
        assert!(serde_json::from_value::<PartyFile>(surprise).is_err());
        let mut nobody = whole.clone();
        nobody["party"] = json!(3);
        assert_eq!(
            serde_json::from_value::<PartyFile>(nobody).unwrap().open().map(|_| ()).unwrap_err().code,
            "E230"
        );
    }
}

#[test]
fn a_share_of_another_shape_is_refused() {
    let (small, large) = (World3::new(Protect::Both, 4, 2), World3::new(Protect::Both, 5, 2));
    let (_, role, weights) = large.files[0].open().unwrap();
    let keys = World::new(1).keys()[0].clone();
    let error = PartyHost::new(&small.public, role, weights, keys, None, Box::new(|| Box::new(entropy(5))))
        .map(|_| ())
        .unwrap_err();
    assert_eq!(error.code, "E230");
}

fn any_json() -> impl Strategy<Value = Value> {
    let numbers = prop_oneof![
        any::<i64>().prop_map(|n| json!(n)),
        any::<f64>().prop_map(|x| json!(x)),
        (0i64..70).prop_map(|n| json!(n))
    ];
    prop_oneof![
        numbers,
        any::<bool>().prop_map(|b| json!(b)),
        "[a-zA-Z0-9]{0,8}".prop_map(|s| json!(s)),
        Just(json!(null)),
        proptest::collection::vec(0u64..9, 0..6).prop_map(|v| json!(v)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// What is taken can also be used.
    #[test]
    fn a_changed_manifest_is_refused_or_usable(
        place in any::<prop::sample::Index>(),
        (from, remove) in (any::<prop::sample::Index>(), any::<bool>()),
        value in any_json(),
        copy: bool,
    ) {
        thread_local! { static WHOLE: (Value, Vec<String>) = {
            let whole = manifest();
            let mut all = Vec::new();
            places(&whole, "", &mut all);
            (whole, all)
        } }
        let mut changed = WHOLE.with(|w| w.0.clone());
        let [place, from] = [place, from].map(|i| WHOLE.with(|w| i.get(&w.1).clone()));
        let value = if copy { changed.pointer(&from).unwrap().clone() } else { value };
        match (changed.pointer_mut(&place), remove) {
            (Some(Value::Array(list)), true) => drop(list.pop()),
            (Some(there), _) => *there = value,
            (None, _) => {}
        }
        if let Ok(public) = PublicBundle::parse(&changed.to_string()) && public.mpc().is_ok() {
            use privet_deploy::caller::Caller;
            let caller = MpcCaller::new(&public).unwrap();
            let _ = caller.jobs(std::sync::Arc::new(common::rows(1, 3, 4)), &mut entropy(1))
                .map(|jobs| jobs.into_iter().map(|job| job.ask(&mut entropy(9)).map(|_| ())).collect::<Vec<_>>());
            let part = public.mpc().unwrap();
            let _ = part.tail.finish(&vec![0.5; 3 * part.scores], part.scores);
        }
    }

    #[test]
    fn mutated_text_never_panics(at in any::<prop::sample::Index>(), byte: u8, cut: bool) {
        thread_local! { static TEXT: String = manifest().to_string(); }
        let mut bytes = TEXT.with(|t| t.clone().into_bytes());
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if cut { bytes.truncate(at) }
        let _ = PublicBundle::parse(&String::from_utf8_lossy(&bytes));
    }
}
