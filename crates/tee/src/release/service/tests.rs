//! Claims that no test can get from true hardware: whose key is for whom.

use std::collections::BTreeMap;

use super::*;
use crate::claims::SimulatedClaims;
use crate::kind::{Assurance, Kind};
use crate::policy::Policy;
use crate::seal::ModelKey;
use crate::statement::{Freshness, Sealing, Statement};
use crate::verify::Collateral;

struct Fixed;

impl Entropy for Fixed {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        bytes.fill(7);
        Ok(())
    }
}

struct Nothing;

impl Store for Nothing {
    fn log(&self, _: Entry, _: &ServiceKey) -> Result<(), String> {
        Ok(())
    }

    fn grant(&self, _: [u8; 16], _: u64, _: u64, _: u64) -> Result<u64, String> {
        Ok(0)
    }
}

fn claims(kind: Kind) -> Claims {
    let statement = Statement {
        version: crate::statement::VERSION,
        direction: Direction::EnclaveToKeys,
        freshness: Freshness::Full { nonce: Hex([0; 32]) },
        encryption_key: Hex([1; 32]),
        signing_key: Hex([2; 32]),
        requests: 1,
        bundle: Hex([3; 32]),
        configuration: Hex([4; 32]),
        model: None,
        sealing: Sealing { provider: "none".into(), rollback: "none".into() },
        remarks: Vec::new(),
    };
    Claims { kind, assurance: kind.assurance(), statement, evidence: [5; 32], age_limit: None }
}

/// What a resource of this namespace says to claims of this kind.
fn decided(simulated: bool, kind: Kind) -> Option<&'static str> {
    let policy = Policy::parse("version = 1\n").unwrap();
    let (collateral, floors) = (Collateral::default(), BTreeMap::new());
    let terms = Terms { policy, collateral, floors, dangerous_any_platform: false };
    let (key, signing) = (ModelKey::from_bytes([1; 32]), ServiceKey::generate(&mut Fixed).unwrap());
    let resource = || Resource::new(("m", 1), simulated, ("{}", [3; 32]), None, &key, &signing);
    let service = Service::new(terms, vec![resource()], Box::new(Nothing), &mut Fixed).unwrap();
    let verdict = Verdict::begin(Hex([0; 32]), 0).conclude(Assurance::None);
    let appraised = match kind {
        Kind::SimProcess => Appraised::Simulated(SimulatedClaims(claims(kind))),
        _ => Appraised::Verified(claims(kind)),
    };
    service.decide(&resource(), &verdict, Some(appraised)).err().map(|no| no.0)
}

#[test]
fn n53_simulators_and_hardware_get_keys_of_their_own_namespace_only() {
    for kind in Kind::ALL {
        let simulator = kind == Kind::SimProcess;
        assert_eq!(decided(true, kind), (!simulator).then_some("namespace"), "sim, {}", kind.name());
        assert_eq!(decided(false, kind), simulator.then_some("namespace"), "hw, {}", kind.name());
    }
}
