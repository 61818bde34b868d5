//! The owner's tokens and key.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

mod world;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ed25519_dalek::{Signer as _, SigningKey};
use privet_tee::statement::Hex;
use privet_tee::token::{OwnerKey, Token, TokenClaims, TokenError};
use proptest::prelude::*;
use world::Random;

const BUNDLE: [u8; 32] = [4; 32];

fn owner() -> OwnerKey {
    OwnerKey::generate(&mut Random(1)).unwrap()
}

fn claims() -> TokenClaims {
    let (id, bundle, client) = (Hex([5; 16]), Hex(BUNDLE), "clinic".to_owned());
    TokenClaims { id, bundle, client, rows: 1000, not_after: Some(1_900_000_000) }
}

fn refused(text: &str) -> Option<TokenError> {
    Token::verify(text, &owner().public(), &BUNDLE).err()
}

/// A token over these very claims, signed by the owner whatever they are.
fn signed(claims: &str) -> String {
    let seed = owner().to_text().trim().strip_prefix("privet-owner1 ").unwrap().parse::<Hex<32>>().unwrap();
    let message = [b"privet token v1", claims.as_bytes()].concat();
    let signature = SigningKey::from_bytes(&seed.0).sign(&message).to_bytes();
    format!("privet-token1.{}.{}", BASE64.encode(claims), BASE64.encode(signature))
}

#[test]
fn a_token_says_what_the_owner_signed() {
    let text = owner().sign(&claims());
    assert!(text.starts_with("privet-token1.") && text.lines().count() == 1);
    let token = Token::verify(&format!("{text}\n"), &owner().public(), &BUNDLE).unwrap();
    assert_eq!((token.claims(), token.id(), token.text()), (&claims(), [5; 16], text.as_str()));
    assert_eq!(signed(&serde_json::to_string(&claims()).unwrap()), text);
}

#[test]
fn another_owners_token_or_one_for_another_bundle_is_refused() {
    let other = OwnerKey::generate(&mut Random(2)).unwrap();
    assert_eq!(refused(&other.sign(&claims())), Some(TokenError::NotSigned));
    let elsewhere = TokenClaims { bundle: Hex([9; 32]), ..claims() };
    assert_eq!(refused(&owner().sign(&elsewhere)), Some(TokenError::AnotherBundle));
}

#[test]
fn every_changed_letter_is_refused() {
    let text = owner().sign(&claims());
    let mut tried = 0;
    for at in 0..text.len() {
        for letter in *b"A_w9.\n" {
            let mut changed = text.clone().into_bytes();
            if changed[at] == letter {
                continue;
            }
            changed[at] = letter;
            let changed = String::from_utf8(changed).unwrap();
            // White space around a token is nothing.
            if changed.trim() != text {
                assert!(refused(&changed).is_some(), "{letter} at {at}");
                tried += 1;
            }
        }
        assert!(refused(&text[..at]).is_some(), "cut to {at}");
    }
    println!("{tried} changed letters of a token refused");
}

#[test]
fn claims_are_read_strictly_even_where_the_owner_signed_them() {
    let json = serde_json::to_string(&claims()).unwrap();
    for odd in [
        json.replace("\"rows\":1000", "\"rows\":1000,\"rows\":2000"),
        json.replace("\"rows\":1000", "\"rows\":1000,\"unlimited\":true"),
        json.replace("\"rows\":1000", "\"rows\":-1"),
        json.replace("\"rows\":1000,", ""),
        format!("{json} x"),
        "x".repeat(3000),
    ] {
        assert_eq!(refused(&signed(&odd)), Some(TokenError::Malformed), "{odd}");
    }
}

/// `s + L` verifies where a verifier does not compare with the group's order: then one token had two texts.
#[test]
fn a_signature_has_one_form() {
    let text = owner().sign(&claims());
    let (front, signature) = text.rsplit_once('.').unwrap();
    let mut signature = BASE64.decode(signature).unwrap();
    let order = [
        0xed_u8, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut carry = 0;
    for (byte, add) in signature[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    assert_eq!(carry, 0);
    assert_eq!(refused(&format!("{front}.{}", BASE64.encode(signature))), Some(TokenError::NotSigned));
}

#[test]
fn an_owners_key_is_kept_as_text() {
    let text = owner().to_text();
    assert_eq!(OwnerKey::from_text(&text).unwrap().public(), owner().public());
    for odd in ["", "privet-owner1", "privet-owner1 00", &text.replace("owner1", "owner2")] {
        assert!(OwnerKey::from_text(odd).is_none(), "{odd}");
    }
}

proptest! {
    #[test]
    fn whatever_comes_is_an_error(text in "(privet-token1\\.)?[A-Za-z0-9_.-]{0,200}") {
        prop_assert!(refused(&text).is_some());
    }
}
