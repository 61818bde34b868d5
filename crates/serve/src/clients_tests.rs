#![allow(clippy::unwrap_used)]

use std::net::Ipv4Addr;

use super::*;
use crate::keys::MachineKey;

fn named(name: &str) -> ClientConfig {
    ClientConfig { name: name.into(), ..ClientConfig::default() }
}

fn with_token(name: &str, token: &str) -> ClientConfig {
    ClientConfig { token_digest: Some(blake3::hash(token.as_bytes()).to_hex().to_string()), ..named(name) }
}

fn showing(token: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    headers
}

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

#[test]
fn a_client_is_known_by_its_key_or_by_its_token_and_nobody_else_is() {
    let key = MachineKey::generate("clinic").unwrap();
    let by_key = ClientConfig { key: Some(key.public().to_string()), ..named("clinic") };
    let clients = Clients::new(&[by_key, with_token("bank", "a-long-enough-token")], None, false).unwrap();
    let nothing = HeaderMap::new();
    let name = |key: Option<&[u8; 32]>, headers: HeaderMap| {
        clients.identify(key, &headers).map(|client| client.name().to_owned())
    };
    assert_eq!(name(Some(key.public().tls()), nothing.clone()).unwrap(), "clinic");
    assert_eq!(name(None, showing("a-long-enough-token")).unwrap(), "bank");
    for (key, headers) in [(None, nothing.clone()), (Some(&[7; 32]), nothing), (None, showing("another"))] {
        let (status, error) = name(key, headers).unwrap_err();
        assert_eq!((status, error.code, error.blame), (StatusCode::UNAUTHORIZED, "E165", Blame::Denied));
    }
    assert!(clients.wants_keys());
}

#[test]
fn without_a_list_whoever_comes_may_ask_everything() {
    let clients = Clients::new(&[], None, true).unwrap();
    let client = clients.identify(None, &HeaderMap::new()).unwrap();
    assert!(
        client.may_ask("any").is_ok()
            && client.may_read_metrics().is_ok()
            && client.take_rows(1 << 30).is_ok()
    );
    assert!(!clients.wants_keys());
}

#[test]
fn a_client_asks_its_own_models_and_no_more_than_it_may() {
    let config = ClientConfig {
        models: Some(vec!["credit".into()]),
        rows_per_minute: Some(10),
        requests_per_minute: Some(2),
        ..with_token("bank", "a-long-enough-token")
    };
    let clients = Clients::new(&[config], None, false).unwrap();
    let client = clients.identify(None, &showing("a-long-enough-token")).unwrap();
    assert!(client.may_ask("credit").is_ok());
    assert_eq!(client.may_ask("other").unwrap_err().code, "E166");
    assert_eq!(client.may_read_metrics().unwrap_err().code, "E166");
    assert!(client.take_rows(10).is_ok());
    let error = client.take_rows(5).unwrap_err();
    assert!(
        error.blame == Blame::Busy && error.retry_after.is_some_and(|s| (30..=31).contains(&s)),
        "{error:?}"
    );
    assert_eq!(client.take_rows(11).unwrap_err().blame, Blame::Usage);
    client.give_rows_back(10);
    assert!(client.take_rows(10).is_ok());
    assert!(clients.admit(client, HERE).is_ok() && clients.admit(client, HERE).is_ok());
    assert_eq!(clients.admit(client, HERE).unwrap_err().code, "E328");
}

#[test]
fn those_who_are_not_told_apart_are_counted_by_address() {
    let clients = Clients::new(&[], Some(1), false).unwrap();
    let anyone = clients.identify(None, &HeaderMap::new()).unwrap();
    let other: IpAddr = "10.0.0.9".parse().unwrap();
    assert!(clients.admit(anyone, HERE).is_ok() && clients.admit(anyone, other).is_ok());
    assert!(clients.admit(anyone, HERE).is_err() && clients.admit(anyone, other).is_err());
    // However many addresses come, what is kept is bounded.
    for n in 0..=u32::try_from(ADDRESSES).unwrap() {
        let _ = clients.admit(anyone, IpAddr::V4(Ipv4Addr::from_bits(n)));
    }
    assert!(clients.addresses.lock().unwrap().len() <= ADDRESSES);
}

#[test]
fn a_list_that_says_nothing_clear_is_refused() {
    let key = MachineKey::generate("x").unwrap().public().to_string();
    let by_key = |name: &str| ClientConfig { key: Some(key.clone()), ..named(name) };
    let anyone = |name: &str| ClientConfig { anyone: true, ..named(name) };
    let refused =
        |configs: &[ClientConfig], company| Clients::new(configs, None, company).err().map(|e| e.code);
    assert_eq!(refused(&[named("a")], false), Some("E171"));
    assert_eq!(refused(&[by_key("a"), by_key("b")], false), Some("E171"));
    assert_eq!(refused(&[by_key("a"), by_key("a")], false), Some("E171"));
    assert_eq!(refused(&[anyone("a"), anyone("b")], false), Some("E171"));
    assert_eq!(
        refused(&[ClientConfig { token_digest: Some("12".into()), ..named("a") }], false),
        Some("E171")
    );
    assert_eq!(refused(&[with_token("a", "a-long-enough-token")], true), Some("E171"));
    assert_eq!(refused(&[ClientConfig { anyone: true, ..by_key("a") }], false), Some("E171"));
    assert_eq!(refused(&[named("Not A Name")], false), Some("E312"));
    assert_eq!(refused(&[by_key("a"), anyone("b")], true), None);
}
