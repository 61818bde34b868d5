//! Who gets a model's key: N53 (a simulator wants a key of `hw`), N56 (wrong program, model, version) and N57 (a substituted key
//! service), and how rows are granted.

#![allow(clippy::unwrap_used)]

mod world;

use privet_tee::release::asker::{AskError, challenged, hello, stamp_wanted, stamped};
use privet_tee::release::message::{Ask, LONGEST, LONGEST_REPLY, Reply};
use privet_tee::release::service::{Service, Unfit, lot};
use privet_tee::release::{GrantSession, Resource};
use privet_tee::statement::{Direction, Freshness, Hex, Stamp};
use privet_tee::token::Token;
use proptest::prelude::*;
use world::{BUNDLE, Enclave, Memory, NOW, Owner, Random, SIMULATED, code, policy};

fn challenge(service: &Service, bundle: [u8; 32], now: u64) -> Vec<u8> {
    service.answer(&hello(bundle), now, &mut Random(now))
}

/// A claim for a nonce that was given at `NOW`.
fn claim(service: &Service, enclave: &Enclave) -> Vec<u8> {
    let challenged = challenged(BUNDLE, &challenge(service, BUNDLE, NOW)).unwrap();
    let evidence = enclave.evidence(Freshness::Full { nonce: challenged.nonce() });
    challenged.claim(evidence).0
}

fn refusal(service: &Service, message: &[u8], now: u64) -> String {
    match Reply::parse(&service.answer(message, now, &mut Random(1))).unwrap() {
        Reply::Refused { code, .. } => code,
        _ => "none".into(),
    }
}

fn outcomes(memory: &Memory) -> Vec<String> {
    memory.0.lock().unwrap().entries.iter().map(|e| e.outcome.clone()).collect()
}

#[test]
fn the_key_goes_to_the_program_that_the_owner_named_and_the_log_says_so() {
    let (owner, memory) = (Owner::new(), Memory::default());
    let service = owner.service(&memory);
    let released = Enclave::new(2).ask(&service, &owner).unwrap();
    assert!(released.key.expose() == owner.key.expose());
    let entry = memory.0.lock().unwrap().entries[0].clone();
    assert_eq!(
        (entry.outcome.as_str(), entry.kind.as_str(), entry.assurance.as_str()),
        ("released", "sim-process", "simulated")
    );
    assert_eq!((entry.model.as_str(), entry.version, entry.time), ("credit", 3, NOW));
    assert_eq!(entry.measurements[0].1, "ab".repeat(32));
}

#[test]
fn n56_another_program_or_bundle_gets_nothing() {
    let (owner, memory) = (Owner::new(), Memory::default());
    let service = owner.service(&memory);
    let other_program = Enclave { measurement: [1; 32], ..Enclave::new(2) };
    assert_eq!(code(other_program.ask(&service, &owner)), "measurement-unknown");
    let other_bundle = Enclave { bundle: [9; 32], ..Enclave::new(2) };
    assert_eq!(code(other_bundle.ask(&service, &owner)), "bundle-unknown");
    // It asks for the bundle that the service has, and its evidence speaks of another.
    assert_eq!(refusal(&service, &claim(&service, &other_bundle), NOW), "bundle-mismatch");
    let to_clients = Enclave { direction: Direction::EnclaveToClient, ..Enclave::new(2) };
    assert_eq!(code(to_clients.ask(&service, &owner)), "direction-mismatch");
    assert_eq!(outcomes(&memory), ["measurement-unknown", "bundle-mismatch", "direction-mismatch"]);
}

#[test]
fn n56_a_version_below_the_floor_gets_nothing() {
    let owner = Owner::new();
    for (floor, fits) in [(2, true), (3, true), (4, false)] {
        let mut terms = owner.terms(policy(SIMULATED));
        terms.floors.insert("credit".into(), floor);
        let service = owner.try_service(terms, &Memory::default()).unwrap();
        let asked = Enclave::new(2).ask(&service, &owner);
        assert_eq!(asked.is_ok(), fits, "floor {floor}");
        if !fits {
            assert_eq!(code(asked), "below-floor");
        }
    }
}

#[test]
fn an_epochs_evidence_gets_no_key_even_where_the_policy_takes_epochs() {
    let owner = Owner::new();
    let stamp_key = owner.service_key.public();
    let text = format!("[channel]\nmax_evidence_age = \"5m\"\nstamp_keys = [\"{stamp_key}\"]\n{SIMULATED}");
    let service = owner.try_service(owner.terms(policy(&text)), &Memory::default()).unwrap();
    let stamp = stamped(&service.answer(&stamp_wanted(BUNDLE), NOW, &mut Random(5)), &stamp_key).unwrap();
    let challenged = challenged(BUNDLE, &challenge(&service, BUNDLE, NOW)).unwrap();
    let (claim, _) = challenged.claim(Enclave::new(2).evidence(Freshness::Epoch { stamp }));
    assert_eq!(refusal(&service, &claim, NOW), "session-signature-invalid");
}

#[test]
fn a_nonce_is_good_for_one_release_for_its_bundle_and_for_a_minute() {
    let (owner, memory) = (Owner::new(), Memory::default());
    let service = owner.service(&memory);
    let claimed = claim(&service, &Enclave::new(2));
    assert_eq!(refusal(&service, &claimed, NOW + 61), "nonce-unknown");
    assert_eq!(refusal(&service, &claimed, NOW + 60), "none");
    assert_eq!(refusal(&service, &claimed, NOW + 60), "nonce-unknown");
    assert_eq!(outcomes(&memory), ["released", "nonce-unknown"]);
    // Another service of the same owner has other nonces, as one that was started again has.
    let again = Service::new(
        owner.terms(policy(SIMULATED)),
        vec![owner.resource(BUNDLE)],
        Box::new(memory),
        &mut Random(6),
    );
    assert_eq!(refusal(&again.unwrap(), &claim(&service, &Enclave::new(2)), NOW), "nonce-unknown");
}

#[test]
fn a_flood_of_questions_pushes_no_nonce_out() {
    let owner = Owner::new();
    let service = owner.service(&Memory::default());
    let claimed = claim(&service, &Enclave::new(2));
    for n in 0..20_000 {
        challenge(&service, BUNDLE, NOW + n / 1000);
    }
    assert_eq!(refusal(&service, &claimed, NOW + 20), "none");
}

#[test]
fn nothing_is_released_that_could_not_be_logged() {
    let (owner, memory) = (Owner::new(), Memory::default());
    let service = owner.service(&memory);
    memory.0.lock().unwrap().broken = true;
    assert_eq!(code(Enclave::new(2).ask(&service, &owner)), "log-failed");
}

#[test]
fn n57_a_substituted_key_service_gives_nothing() {
    let (owner, other) = (Owner::new(), Owner::seeded(2));
    let substitute = other.service(&Memory::default());
    assert_eq!(Enclave::new(2).ask(&substitute, &owner).err(), Some(AskError::NotSigned));
    let reply = substitute.answer(&stamp_wanted(BUNDLE), NOW, &mut Random(5));
    assert_eq!(stamped(&reply, &owner.service_key.public()).err(), Some(AskError::NotSigned));
}

#[test]
fn n57_a_reply_to_another_enclave_or_another_question_gives_nothing() {
    let owner = Owner::new();
    let service = owner.service(&Memory::default());
    let (one, other) = (Enclave::new(2), Enclave::new(3));
    let begin = |seed| {
        let challenged = challenged(BUNDLE, &service.answer(&hello(BUNDLE), NOW, &mut Random(seed))).unwrap();
        let evidence = one.evidence(Freshness::Full { nonce: challenged.nonce() });
        challenged.claim(evidence)
    };
    let ((first, claiming_first), (second, claiming_second)) = (begin(10), begin(11));
    let answer = |claim: &[u8]| service.answer(claim, NOW, &mut Random(12));
    let (reply_first, reply_second) = (answer(&first), answer(&second));
    let key = owner.service_key.public();
    assert_eq!(claiming_first.released(&reply_second, &key, &one.receiver).err(), Some(AskError::NotSigned));
    assert_eq!(
        claiming_second.released(&reply_second, &key, &other.receiver).err(),
        Some(AskError::NotForUs)
    );
    drop(reply_first);
}

#[test]
fn every_flipped_bit_of_a_release_is_refused() {
    let owner = Owner::new();
    let (service, enclave) = (owner.service(&Memory::default()), Enclave::new(2));
    let key = owner.service_key.public();
    let mut refused = 0;
    let mut seed = 100;
    let mut at = 0;
    loop {
        seed += 1;
        let challenged = challenged(BUNDLE, &service.answer(&hello(BUNDLE), NOW, &mut Random(seed))).unwrap();
        let evidence = enclave.evidence(Freshness::Full { nonce: challenged.nonce() });
        let (claim, claiming) = challenged.claim(evidence);
        let reply = service.answer(&claim, NOW, &mut Random(seed));
        let Some(byte) = reply.get(at) else { break };
        let mut changed = reply.clone();
        changed[at] = byte ^ (1 << (at % 7));
        // A letter of a hexadecimal number may be written small or large.
        if !changed[at].eq_ignore_ascii_case(byte) {
            assert!(claiming.released(&changed, &key, &enclave.receiver).is_err(), "byte {at}");
            refused += 1;
        }
        at += 1;
    }
    println!("{refused} flipped bits of a release refused");
    assert!(refused > 300);
}

#[test]
fn n53_a_policy_that_takes_simulators_serves_no_key_of_hw() {
    let owner = Owner { simulated: false, ..Owner::new() };
    let hardware = "[[accept]]\nkind = \"nitro\"\npcr = { 0 = [\"PCR\"], 4 = [\"PCR\"] }\n"
        .replace("PCR", &"11".repeat(48));
    let start = |text: &str| owner.try_service(owner.terms(policy(text)), &Memory::default());
    let why = |result: Result<Service, Unfit>| result.err().unwrap().to_string();
    for text in [SIMULATED.to_owned(), format!("{SIMULATED}{hardware}")] {
        assert!(why(start(&text)).contains("admits simulators"), "{text}");
    }
    // With a policy for hardware it starts, and then a simulator gets nothing.
    let service = start(&hardware).unwrap();
    assert_eq!(code(Enclave::new(2).ask(&service, &owner)), "simulator-not-accepted");
}

#[test]
fn a_key_of_hw_wants_named_machines() {
    let owner = Owner { simulated: false, ..Owner::new() };
    let anywhere = format!("[[accept]]\nkind = \"nitro\"\npcr = {{ 0 = [\"{}\"] }}\n", "11".repeat(48));
    let start = |any| {
        let mut terms = owner.terms(policy(&anywhere));
        terms.dangerous_any_platform = any;
        owner.try_service(terms, &Memory::default()).map(drop)
    };
    assert!(start(false).err().unwrap().to_string().contains("dangerous_any_platform"));
    assert!(start(true).is_ok());
}

#[test]
fn damaged_or_repeated_models_do_not_start() {
    let owner = Owner::new();
    let start = |resources: Vec<Resource>| {
        Service::new(owner.terms(policy(SIMULATED)), resources, Box::new(Memory::default()), &mut Random(1))
            .map(drop)
    };
    assert!(start(vec![owner.resource([1; 32]), owner.resource([2; 32])]).is_ok());
    assert!(start(vec![owner.resource(BUNDLE), owner.resource(BUNDLE)]).is_err());
    for damage in [
        |r: &mut Resource| r.namespace = "both".into(),
        |r: &mut Resource| r.bundle.truncate(10),
        |r: &mut Resource| r.tokens = "none".into(),
    ] {
        let mut resource = owner.resource(BUNDLE);
        damage(&mut resource);
        assert!(start(vec![resource]).is_err());
    }
}

#[test]
fn a_stamp_is_the_services_word_for_the_time() {
    let owner = Owner::new();
    let service = owner.service(&Memory::default());
    let key = owner.service_key.public();
    let reply = service.answer(&stamp_wanted(BUNDLE), NOW, &mut Random(5));
    let stamp = stamped(&reply, &key).unwrap();
    assert_eq!(stamp.time, NOW);
    for changed in [
        Stamp { time: NOW + 1, ..stamp.clone() },
        Stamp { nonce: Hex([0; 32]), ..stamp.clone() },
        Stamp { signature: Hex([0; 64]), ..stamp },
    ] {
        let reply = Reply::Stamp { stamp: changed }.to_bytes();
        assert_eq!(stamped(&reply, &key).err(), Some(AskError::NotSigned));
    }
}

/// A session, and the service that it is with.
fn session(memory: &Memory) -> (Owner, Service, GrantSession) {
    session_of(memory, 500)
}

/// Another one for each seed.
fn session_of(memory: &Memory, seed: u64) -> (Owner, Service, GrantSession) {
    let owner = Owner::new();
    let service = owner.service(memory);
    let session = Enclave::new(2).ask_with(&service, &owner, seed).unwrap().session;
    (owner, service, session)
}

fn grant(
    service: &Service,
    session: &mut GrantSession,
    token: &Token,
    needed: u64,
    ahead: u64,
    now: u64,
) -> Result<u64, AskError> {
    let (ask, granting) = session.ask(token, needed, ahead);
    session.granted(granting, &service.answer(&ask, now, &mut Random(1)))
}

#[test]
fn rows_are_granted_until_they_are_used_up_or_the_token_ends() {
    let memory = Memory::default();
    let (owner, service, mut session) = session(&memory);
    let token = Token::verify(&owner.token(100, Some(NOW + 10)), &owner.tokens.public(), &BUNDLE).unwrap();
    assert_eq!(grant(&service, &mut session, &token, 60, 0, NOW).unwrap(), 60);
    assert_eq!(code(grant(&service, &mut session, &token, 1, 0, NOW + 11)), "token-expired");
    assert_eq!(code(grant(&service, &mut session, &token, 41, 0, NOW)), "rows-used-up");
    assert_eq!(grant(&service, &mut session, &token, 40, 256, NOW + 10).unwrap(), 40);
    assert_eq!(code(grant(&service, &mut session, &token, 1, 0, NOW)), "rows-used-up");
    memory.0.lock().unwrap().broken = true;
    assert_eq!(code(grant(&service, &mut session, &token, 1, 0, NOW)), "grant-failed");
}

#[test]
fn a_restart_of_service_and_enclave_gains_no_rows() {
    let memory = Memory::default();
    let (owner, service, mut old) = session(&memory);
    let token = Token::verify(&owner.token(100, None), &owner.tokens.public(), &BUNDLE).unwrap();
    assert_eq!(grant(&service, &mut old, &token, 60, 0, NOW).unwrap(), 60);
    let (_, service, mut new) = session_of(&memory, 501);
    assert_eq!(code(grant(&service, &mut old, &token, 1, 0, NOW)), "session-unknown");
    assert_eq!(code(grant(&service, &mut new, &token, 41, 0, NOW)), "rows-used-up");
    assert_eq!(grant(&service, &mut new, &token, 40, 0, NOW).unwrap(), 40);
}

#[test]
fn a_grant_is_counted_once_and_its_reply_is_good_for_its_question() {
    let memory = Memory::default();
    let (owner, service, mut session) = session(&memory);
    let token = Token::verify(&owner.token(100, None), &owner.tokens.public(), &BUNDLE).unwrap();
    let (ask, granting) = session.ask(&token, 10, 0);
    let reply = service.answer(&ask, NOW, &mut Random(1));
    assert_eq!(refusal(&service, &ask, NOW), "replayed");
    assert_eq!(memory.0.lock().unwrap().granted[&[5; 16]], 10);
    // The host keeps the reply for the next question.
    let (_, next) = session.ask(&token, 10, 0);
    assert_eq!(session.granted(next, &reply).err(), Some(AskError::NotSigned));
    assert_eq!(session.granted(granting, &reply).unwrap(), 10);
}

#[test]
fn the_host_can_change_no_grant() {
    let memory = Memory::default();
    let (owner, service, mut session) = session(&memory);
    let token = Token::verify(&owner.token(100, None), &owner.tokens.public(), &BUNDLE).unwrap();
    let (ask, granting) = session.ask(&token, 10, 0);
    let Ask::Grant { session: name, counter, token: text, needed, ahead, mac } = Ask::parse(&ask).unwrap()
    else {
        panic!()
    };
    let with = |counter, needed, ahead, text: &str, mac| {
        Ask::Grant { session: name, counter, token: text.into(), needed, ahead, mac }.to_bytes()
    };
    let other = owner.token(1_000_000, None);
    for changed in [
        with(counter + 1, needed, ahead, &text, mac),
        with(counter, needed + 1, ahead, &text, mac),
        with(counter, needed, ahead + 1, &text, mac),
        with(counter, needed, ahead, &other, mac),
        with(counter, needed, ahead, &text, Hex([0; 32])),
    ] {
        assert_eq!(refusal(&service, &changed, NOW), "session-unknown");
    }
    let Reply::Granted { rows, mac } = Reply::parse(&service.answer(&ask, NOW, &mut Random(1))).unwrap()
    else {
        panic!()
    };
    let more = Reply::Granted { rows: rows + 1, mac }.to_bytes();
    assert_eq!(session.granted(granting, &more).err(), Some(AskError::NotSigned));
}

#[test]
fn a_lot_is_no_more_than_is_left_and_leaves_most_to_others() {
    for (left, needed, ahead, expected) in [
        (100, 60, 0, 60),
        (100, 101, 0, 0),
        (100, 100, 256, 100),
        (10_000, 1, 256, 257),
        (801, 1, 256, 101),
        (0, 0, 256, 0),
        (u64::MAX, u64::MAX, u64::MAX, u64::MAX),
        (u64::MAX, 0, u64::MAX, u64::MAX / 8),
    ] {
        assert_eq!(lot(left, needed, ahead), expected, "{left} {needed} {ahead}");
    }
}

#[test]
fn messages_are_read_strictly_and_have_a_longest_length() {
    let hex = "00".repeat(32);
    assert!(Ask::parse(format!("{{\"hello\":{{\"bundle\":\"{hex}\"}}}}").as_bytes()).is_some());
    for odd in [
        format!("{{\"hello\":{{\"bundle\":\"{hex}\",\"more\":1}}}}"),
        format!("{{\"hello\":{{\"bundle\":\"{hex}\",\"bundle\":\"{hex}\"}}}}"),
        format!("{{\"hello\":{{\"bundle\":\"{hex}\"}},\"stamp\":{{\"bundle\":\"{hex}\"}}}}"),
        format!("{{\"hello\":{{\"bundle\":\"{hex}\"}}}} x"),
        format!("{{\"hallo\":{{\"bundle\":\"{hex}\"}}}}"),
        format!("{{\"hello\":{{\"bundle\":\"{}\"}}}}", &hex[1..]),
    ] {
        assert!(Ask::parse(odd.as_bytes()).is_none(), "{odd}");
    }
    let padded =
        |length| format!("{{\"hello\":{{\"bundle\":\"{hex}\"}}}}{}", " ".repeat(length)).into_bytes();
    assert!(Ask::parse(&padded(LONGEST - 100)).is_some() && Ask::parse(&padded(LONGEST)).is_none());
    let reply = Reply::Refused { code: "c".into(), message: "m".repeat(LONGEST_REPLY) };
    assert!(Reply::parse(&reply.to_bytes()).is_none());
}

proptest! {
    #[test]
    fn whatever_comes_is_answered_with_a_refusal(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let service = Owner::new().service(&Memory::default());
        prop_assert_eq!(refusal(&service, &bytes, NOW), "malformed");
    }

    /// True messages with a changed, dropped or added byte: answered, and never with a key that their asker could open.
    #[test]
    fn changed_messages_release_nothing(which in 0..4_usize, at in any::<prop::sample::Index>(), new in any::<u8>(), how in 0..3) {
        let memory = Memory::default();
        let (owner, service, mut session) = session(&memory);
        let token = Token::verify(&owner.token(100, None), &owner.tokens.public(), &BUNDLE).unwrap();
        let mut message = match which {
            0 => hello(BUNDLE),
            1 => claim(&service, &Enclave::new(2)),
            2 => stamp_wanted(BUNDLE),
            _ => session.ask(&token, 1, 0).0,
        };
        let at = at.index(message.len());
        let old = message[at];
        match how {
            0 => message[at] = new,
            1 => { message.remove(at); }
            _ => message.insert(at, new),
        }
        let reply = Reply::parse(&service.answer(&message, NOW, &mut Random(1)));
        prop_assert!(reply.is_some());
        let released = matches!(reply, Some(Reply::Released { .. } | Reply::Granted { .. }));
        // White space, or a hexadecimal digit that is written large, changes nothing that was said.
        let same = new.eq_ignore_ascii_case(&old) || (how == 2 && new.is_ascii_whitespace());
        prop_assert!(!released || same, "{}", String::from_utf8_lossy(&message));
    }
}
