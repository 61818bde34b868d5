//! JSON values of one line, with `NaN` and `Infinity` as they are written by most tools.
//!
//! Numbers are kept as they are spelled, so that they are rounded once, to the type the model wants.

use std::borrow::Cow;

use super::cell::Cell;

/// A value.
pub(super) enum Value<'a> {
    /// `null` or `NaN`.
    Missing,
    /// `true` or `false`.
    Bool(bool),
    /// A number as it is spelled.
    Number(&'a str),
    /// Text.
    Text(Cow<'a, str>),
    /// A list.
    Array(Vec<Value<'a>>),
    /// Names and values, in the order of the line.
    Object(Vec<(Cow<'a, str>, Value<'a>)>),
}

/// Rows nest as deep as a tensor has dimensions; nothing sensible nests deeper.
const DEEPEST: usize = 16;

/// Reads one value that takes up the whole text. The error says what was expected, and at which character.
pub(super) fn parse(text: &str) -> Result<Value<'_>, String> {
    let mut parser = Parser { text, rest: text };
    let value = parser.value(0)?;
    parser.skip_space();
    if parser.rest.is_empty() { Ok(value) } else { Err(parser.expected("the end of the line")) }
}

impl Value<'_> {
    /// Calls `visit` with every value, in order, however deep the lists are.
    pub(super) fn each<E>(&self, visit: &mut impl FnMut(Cell<'_>) -> Result<(), E>) -> Result<(), E> {
        match self {
            Self::Missing => visit(Cell::Missing),
            Self::Bool(value) => visit(Cell::Bool(*value)),
            Self::Number(text) => visit(Cell::Text(text)),
            Self::Text(text) => visit(Cell::Text(text)),
            Self::Array(values) => values.iter().try_for_each(|value| value.each(visit)),
            Self::Object(fields) => fields.iter().try_for_each(|(_, value)| value.each(visit)),
        }
    }

    /// How many values [`Self::each`] visits; none where there is an object among them.
    pub(super) fn count(&self) -> Option<usize> {
        match self {
            Self::Array(values) => values.iter().map(Self::count).sum(),
            Self::Object(_) => None,
            _ => Some(1),
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn value(&mut self, depth: usize) -> Result<Value<'a>, String> {
        self.skip_space();
        if depth > DEEPEST {
            return Err(self.expected("fewer lists within lists"));
        }
        match self.rest.as_bytes().first() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => Ok(Value::Text(self.string()?)),
            _ => self.token(),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value<'a>, String> {
        let mut fields = Vec::new();
        self.take('{');
        if self.take('}') {
            return Ok(Value::Object(fields));
        }
        loop {
            self.skip_space();
            let name = self.string()?;
            if !self.take(':') {
                return Err(self.expected("`:`"));
            }
            fields.push((name, self.value(depth + 1)?));
            if self.take('}') {
                return Ok(Value::Object(fields));
            }
            if !self.take(',') {
                return Err(self.expected("`,` or `}`"));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value<'a>, String> {
        let mut values = Vec::new();
        self.take('[');
        if self.take(']') {
            return Ok(Value::Array(values));
        }
        loop {
            values.push(self.value(depth + 1)?);
            if self.take(']') {
                return Ok(Value::Array(values));
            }
            if !self.take(',') {
                return Err(self.expected("`,` or `]`"));
            }
        }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, String> {
        let body = self.rest.strip_prefix('"').ok_or_else(|| self.expected("a name or text in `\"`"))?;
        let mut escaped = false;
        let mut plain = true;
        for (at, byte) in body.bytes().enumerate() {
            match byte {
                b'"' if !escaped => return self.end_of_string(body, at, plain),
                b'\\' => (escaped, plain) = (!escaped, false),
                _ => (escaped, plain) = (false, plain && byte >= b' '),
            }
        }
        Err(self.expected("text that ends with `\"`"))
    }

    fn end_of_string(&mut self, body: &'a str, at: usize, plain: bool) -> Result<Cow<'a, str>, String> {
        let Some((text, rest)) = body.split_at_checked(at) else { return Err(self.expected("text")) };
        let text = if plain {
            Cow::Borrowed(text)
        } else {
            let unescaped = serde_json::from_str(&format!("\"{text}\""));
            Cow::Owned(unescaped.map_err(|_| self.expected("text with correct escapes"))?)
        };
        self.rest = rest.strip_prefix('"').unwrap_or(rest);
        Ok(text)
    }

    fn token(&mut self) -> Result<Value<'a>, String> {
        let length = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c));
        let (token, rest) = self.rest.split_at(length.unwrap_or(self.rest.len()));
        let value = match token {
            "null" | "NaN" => Value::Missing,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            number if number.parse::<f64>().is_ok() => Value::Number(number),
            _ => return Err(self.expected("a value")),
        };
        self.rest = rest;
        Ok(value)
    }

    fn take(&mut self, sign: char) -> bool {
        self.skip_space();
        let rest = self.rest.strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    fn expected(&self, what: &str) -> String {
        let at = self.text.len() - self.rest.len() + 1;
        format!("expected {what} at character {at}")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn spelled(value: &Value<'_>) -> String {
        match value {
            Value::Missing => "missing".into(),
            Value::Bool(value) => value.to_string(),
            Value::Number(text) => (*text).to_owned(),
            Value::Text(text) => text.to_string(),
            Value::Array(values) => format!("[{}]", values.iter().map(spelled).collect::<Vec<_>>().join(" ")),
            Value::Object(fields) => {
                let fields = fields.iter().map(|(name, value)| format!("{name}={}", spelled(value)));
                format!("{{{}}}", fields.collect::<Vec<_>>().join(" "))
            }
        }
    }

    #[test]
    fn values() {
        let text = r#" {"a" : 1.50, "b\n\"\u00e9": [NaN, null, [-Infinity, true]], "": {}, "ü": "x,]"} "#;
        assert_eq!(
            spelled(&parse(text).unwrap()),
            "{a=1.50 b\n\"é=[missing missing [-Infinity true]] ={} ü=x,]}"
        );
    }

    #[test]
    fn what_is_no_value_is_refused_with_its_place() {
        for text in [
            "",
            "{",
            "[1,",
            "{\"a\"}",
            "{\"a\":1,}",
            "[1 2]",
            "1 2",
            "\"a",
            "\"\\",
            "\"\\x\"",
            "x",
            "{a:1}",
            "é",
        ] {
            assert!(parse(text).err().unwrap().contains("at character"), "{text}");
        }
        assert!(parse(&"[".repeat(1000)).err().unwrap().contains("lists"));
        assert!(parse("[1 2]").err().unwrap().ends_with("character 4"));
    }

    proptest! {
        #[test]
        fn any_text_gives_a_value_or_an_error(text in "[\\[\\]{}:,\"a1\\\\ né]{0,40}") {
            let _ = parse(&text);
        }

        #[test]
        fn text_comes_back(text: String) {
            let line = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(spelled(&parse(&line).unwrap()), text);
        }
    }
}
