//! HTML that cannot be malformed: elements close themselves, and text and attributes are escaped on the way in.

/// A piece of a page.
#[derive(Clone, Debug, Default)]
pub(super) struct Markup(String);

impl Markup {
    /// Text, escaped.
    pub(super) fn text(text: &str) -> Self {
        Self(escaped(text))
    }

    /// What the program itself brings, as it is.
    pub(super) fn own(text: &'static str) -> Self {
        Self(text.to_owned())
    }

    /// Nothing at all.
    pub(super) fn none() -> Self {
        Self::default()
    }

    /// Appends.
    pub(super) fn add(&mut self, more: &Self) {
        self.0.push_str(&more.0);
    }

    /// The HTML.
    pub(super) fn into_string(self) -> String {
        self.0
    }
}

impl FromIterator<Markup> for Markup {
    fn from_iter<I: IntoIterator<Item = Markup>>(pieces: I) -> Self {
        let mut all = Self::none();
        pieces.into_iter().for_each(|piece| all.add(&piece));
        all
    }
}

/// Attributes of an element.
pub(super) type Attributes<'a> = &'a [(&'static str, &'a str)];

/// An element with what is in it.
pub(super) fn element<I>(tag: &'static str, attributes: Attributes<'_>, children: I) -> Markup
where
    I: IntoIterator<Item = Markup>,
{
    let mut all = void(tag, attributes);
    children.into_iter().for_each(|child| all.add(&child));
    all.0.push_str("</");
    all.0.push_str(tag);
    all.0.push('>');
    all
}

/// An element that has no end, such as `meta`.
pub(super) fn void(tag: &'static str, attributes: Attributes<'_>) -> Markup {
    let mut start = format!("<{tag}");
    for (name, value) in attributes {
        start.push(' ');
        start.push_str(name);
        start.push_str("=\"");
        start.push_str(&escaped(value));
        start.push('"');
    }
    start.push('>');
    Markup(start)
}

/// An element that holds text only.
pub(super) fn words(tag: &'static str, attributes: Attributes<'_>, text: &str) -> Markup {
    element(tag, attributes, [Markup::text(text)])
}

/// A paragraph.
pub(super) fn paragraph(text: &str) -> Markup {
    words("p", &[], text)
}

fn escaped(text: &str) -> String {
    let mut all = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => all.push_str("&amp;"),
            '<' => all.push_str("&lt;"),
            '>' => all.push_str("&gt;"),
            '"' => all.push_str("&quot;"),
            '\'' => all.push_str("&#39;"),
            // No control character is allowed in HTML but these.
            '\t' | '\n' => all.push(character),
            character if character.is_control() => all.push('\u{fffd}'),
            character => all.push(character),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_attributes_are_escaped() {
        let markup = words("p", &[("title", "\"><script>'&")], "<b> & \"c\" 'd' \u{0}\u{7f}");
        let expected = "<p title=\"&quot;&gt;&lt;script&gt;&#39;&amp;\">&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39; \u{fffd}\u{fffd}</p>";
        assert_eq!(markup.into_string(), expected);
    }
}
