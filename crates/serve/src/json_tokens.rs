//! JSON as Python's `json` writes it: with the bare words `NaN`, `Infinity` and `-Infinity`, which JSON does not
//! have.

use std::borrow::Cow;

/// A text value that stands for plus infinity after [`standard`].
pub const INFINITY: &str = "\0Infinity";
/// A text value that stands for minus infinity after [`standard`].
pub const MINUS_INFINITY: &str = "\0-Infinity";

/// The same in standard JSON: `NaN` becomes `null`, the infinities become a text that nobody sends.
pub fn standard(json: &[u8]) -> Cow<'_, [u8]> {
    if !json.iter().any(|byte| matches!(byte, b'N' | b'I')) {
        return Cow::Borrowed(json);
    }
    let mut out = Vec::with_capacity(json.len() + 64);
    let (mut rest, mut in_text) = (json, false);
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'"' => in_text = !in_text,
            b'\\' if in_text => {
                // The escaped character never ends the text.
                out.push(byte);
                let Some((&escaped, after)) = rest.split_first() else { break };
                out.push(escaped);
                rest = after;
                continue;
            }
            b'N' | b'I' | b'-' if !in_text => {
                if let Some((to, after)) = word(byte, after) {
                    out.extend_from_slice(to);
                    rest = after;
                    continue;
                }
            }
            _ => {}
        }
        out.push(byte);
    }
    Cow::Owned(out)
}

fn word(first: u8, rest: &[u8]) -> Option<(&'static [u8], &[u8])> {
    const WORDS: [(u8, &[u8], &[u8]); 3] = [
        (b'N', b"aN", b"null"),
        (b'I', b"nfinity", b"\"\\u0000Infinity\""),
        (b'-', b"Infinity", b"\"\\u0000-Infinity\""),
    ];
    WORDS.into_iter().find_map(|(start, tail, to)| (start == first).then_some((to, rest.strip_prefix(tail)?)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn read(text: &str) -> Option<Value> {
        serde_json::from_slice(&standard(text.as_bytes())).ok()
    }

    #[test]
    fn the_three_words_are_read() {
        assert_eq!(
            read("[NaN, Infinity,-Infinity, -1, 2]"),
            Some(json!([null, INFINITY, MINUS_INFINITY, -1, 2]))
        );
    }

    #[test]
    fn words_inside_text_stay() {
        let text = r#"["NaN", "a\"NaN", "\\", "Infinity -Infinity", {"NaN": 1}]"#;
        assert_eq!(read(text), serde_json::from_str(text).ok());
    }

    #[test]
    fn half_words_stay_wrong() {
        for text in ["[Na]", "[NaNN]", "[Infinit]", "[--Infinity]", "[NaN1]", "\"\\"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn standard_json_keeps_its_meaning(texts in prop::collection::vec("[NaIfinty\"\\\\-]{0,12}", 0..6)) {
            let text = serde_json::to_string(&texts).unwrap();
            prop_assert_eq!(read(&text), Some(json!(texts)));
        }
    }
}
