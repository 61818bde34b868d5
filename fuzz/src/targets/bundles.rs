//! What an owner hands out: the public half, and each role's own.

use std::sync::Arc;
use std::time::Duration;

use privet_deploy::bundle::{Manifest, MpcPart, PartyFile, PublicBundle, salted_digest};
use privet_deploy::caller::Caller;
use privet_deploy::check::planned;
use privet_deploy::dealer2::caller::DealtCaller;
use privet_deploy::he::bundle::{HeFile, for_he};
use privet_deploy::he::caller::HeCaller;
use privet_deploy::he::host::HeHost;
use privet_deploy::kind::{Kind, Reveal};
use privet_deploy::mpc::{MpcCaller, PartyHost};
use privet_deploy::oip::Host as _;
use privet_deploy::tee::package::{Choices, package};
use privet_mpc::meeting::meeting;
use privet_mpc::protect::Protect;
use privet_mpc::protocols::{dealer2, replicated3, replicated3_malicious};
use privet_mpc::world::World;
use serde_json::{Value, json};

use super::exported::zeros;
use super::world::{bundle, entropy, linear, made, network, rows};
use crate::target::{Target, joined, parts, split, theirs};

pub(super) const TARGETS: &[Target] = &[
    Target::new("public_bundle", public_bundle, publics).with_memory(64, 4096),
    Target::new("party_bundle", party_bundle, halves).with_memory(64, 4096),
];

pub(super) fn public() -> PublicBundle {
    bundle(&linear(3, 2), &replicated3::HEADER, Protect::Both).0
}

fn ciphertexts() -> (PublicBundle, HeFile) {
    let planned = made(planned(&linear(3, 2), 1e-4, Some(&rows(3, 9))));
    made(for_he(&planned, "m", Reveal::Score, &mut entropy(1)))
}

fn publics() -> Vec<Vec<u8>> {
    let choices = Choices {
        name: "m".into(),
        reveal: Reveal::Score,
        version: 1,
        tokens: None,
        now: 1,
        dangerous_simulated: true,
    };
    let enclave = made(package(&linear(3, 2), &choices, &mut entropy(2))).public;
    let all = [
        public(),
        bundle(&network(3), &replicated3_malicious::HEADER, Protect::Both).0,
        bundle(&network(3), &dealer2::HEADER, Protect::Input).0,
        ciphertexts().0,
        enclave,
    ];
    all.map(|public| public.json().as_bytes().to_vec()).into()
}

fn public_bundle(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some(public) = theirs(PublicBundle::parse(text)) else { return };
    let sealed = made(PublicBundle::seal(public.manifest().clone()));
    let again =
        PublicBundle::parse(sealed.json()).unwrap_or_else(|e| panic!("what was written is refused: {e}"));
    assert!(
        again.manifest() == public.manifest() && again.digest() == sealed.digest(),
        "it is read as another"
    );
    assert!(!public.trust_card().to_string().is_empty());
    match public.manifest().kind {
        Kind::Mpc if public.mpc().is_ok_and(MpcPart::has_dealer) => asks(DealtCaller::new(&public)),
        Kind::Mpc => asks(MpcCaller::new(&public)),
        Kind::He => asks(HeCaller::new(&public)),
        Kind::Plain | Kind::Tee => {}
    }
}

/// A client that has it asks about a row of zeros, where the model is not too large for an input's time.
fn asks<C>(caller: Result<Arc<C>, privet_deploy::Error>)
where
    Arc<C>: Caller,
{
    let Some(caller) = theirs(caller) else { return };
    if caller.inputs().iter().map(|port| port.width).sum::<usize>() > 4096 {
        return;
    }
    let rows = caller.inputs().iter().map(zeros).collect();
    for mut job in theirs(caller.jobs(Arc::new(rows), &mut entropy(3))).into_iter().flatten() {
        if job.is_ready() {
            let _ = theirs(job.ask(&mut entropy(4)));
        }
    }
}

/// The public half, which role, and the words of each of its tensors.
fn halves() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    let worlds = [
        bundle(&linear(3, 2), &replicated3::HEADER, Protect::Both),
        bundle(&network(3), &replicated3::HEADER, Protect::Both),
        bundle(&linear(3, 2), &dealer2::HEADER, Protect::Input),
    ];
    for (public, files) in worlds {
        for file in files {
            let value = made(serde_json::to_value(&file));
            let tensors = value["tensors"].to_string();
            all.push([&[file.party][..], &joined(&[public.json().as_bytes(), tensors.as_bytes()])].concat());
        }
    }
    let (public, file) = ciphertexts();
    let value = made(serde_json::to_value(&file));
    let tensors = json!([[value["weights"], value["bias"]]]).to_string();
    all.push([&[3][..], &joined(&[public.json().as_bytes(), tensors.as_bytes()])].concat());
    all
}

/// A half whose digest is the one that its public half has, and the host that has it.
fn party_bundle(bytes: &[u8]) {
    let (role, rest) = split(bytes);
    let parts = parts(rest);
    let [public, tensors, ..] = &parts[..] else { return };
    let Ok(tensors) = serde_json::from_slice::<Vec<Vec<String>>>(tensors) else { return };
    let Ok(mut manifest) = serde_json::from_slice::<Manifest>(public) else { return };
    let who = u8::try_from(role % 4).unwrap_or(0);
    let salt = "salt";
    if who == 3 {
        let [ref both] = tensors[..] else { return };
        let [weights, bias] = &both[..] else { return };
        manifest.secrets = vec![salted_digest(salt, &tensors, Kind::He as u8)];
        let value = json!({ "public": sealed(manifest), "salt": salt, "weights": weights, "bias": bias });
        return ciphertext_server(value);
    }
    manifest.secrets = (0..3).map(|role| salted_digest(salt, &tensors, role)).collect();
    party_server(json!({ "public": sealed(manifest), "salt": salt, "party": who, "tensors": tensors }));
}

fn sealed(manifest: Manifest) -> String {
    made(PublicBundle::seal(manifest)).json().into()
}

fn ciphertext_server(value: Value) {
    let file: HeFile = made(serde_json::from_value(value));
    let Some((public, integers, secret)) = theirs(file.open()) else { return };
    let source = Box::new(|| Box::new(entropy(5)) as Box<dyn privet_ring::entropy::Entropy>);
    let _ = theirs(HeHost::new(&public, integers, secret, source));
}

fn party_server(value: Value) {
    let file: PartyFile = made(serde_json::from_value(value));
    let Some((public, role, secret)) = theirs(file.open()) else { return };
    let world = World::new(4).deadline(Duration::from_millis(1));
    let (keys, mut peers) = (world.keys(), meeting(world).into_iter());
    let source = Box::new(|| Box::new(entropy(5)) as Box<dyn privet_ring::entropy::Entropy>);
    let peers = peers.nth(role.index());
    let Some(host) = theirs(PartyHost::new(&public, role, secret, keys[role.index()].clone(), peers, source))
    else {
        return;
    };
    let Some(caller) = theirs(MpcCaller::new(&public)) else { return };
    if caller.inputs().iter().map(|port| port.width).sum::<usize>() > 4096 {
        return;
    }
    let rows = caller.inputs().iter().map(zeros).collect();
    let jobs = theirs(caller.jobs(Arc::new(rows), &mut entropy(3)));
    for job in jobs.into_iter().flatten().take(1) {
        let Some(asked) = theirs(job.ask(&mut entropy(4))) else { return };
        let _ = theirs(host.infer(asked.messages[role.index()].clone()));
    }
}
