//! Tones (what a line means), their colours, and the escape sequences that make them.

use crate::settings::ColourNames;

/// What a line means; the colour of each can be set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Tone {
    Changed,
    Debug,
    Deprecate,
    DiffAdd,
    DiffLines,
    DiffRemove,
    Error,
    Included,
    Ok,
    Skip,
    Unreachable,
    Verbose,
    Warn,
}

impl Tone {
    pub(crate) const COUNT: usize = 13;

    /// Tone, setting, default colour: one line per tone, in the order of the enum.
    pub(crate) const TABLE: [(Tone, &'static str, &'static str); Tone::COUNT] = [
        (Tone::Changed, "COLOR_CHANGED", "yellow"),
        (Tone::Debug, "COLOR_DEBUG", "dark gray"),
        (Tone::Deprecate, "COLOR_DEPRECATE", "purple"),
        (Tone::DiffAdd, "COLOR_DIFF_ADD", "green"),
        (Tone::DiffLines, "COLOR_DIFF_LINES", "cyan"),
        (Tone::DiffRemove, "COLOR_DIFF_REMOVE", "red"),
        (Tone::Error, "COLOR_ERROR", "red"),
        (Tone::Included, "COLOR_INCLUDED", "cyan"),
        (Tone::Ok, "COLOR_OK", "green"),
        (Tone::Skip, "COLOR_SKIP", "cyan"),
        (Tone::Unreachable, "COLOR_UNREACHABLE", "bright red"),
        (Tone::Verbose, "COLOR_VERBOSE", "blue"),
        (Tone::Warn, "COLOR_WARN", "bright purple"),
    ];
}

const NAMES: [(&str, &str); 17] = [
    ("black", "0;30"),
    ("bright gray", "0;37"),
    ("blue", "0;34"),
    ("white", "1;37"),
    ("green", "0;32"),
    ("bright blue", "1;34"),
    ("cyan", "0;36"),
    ("bright green", "1;32"),
    ("red", "0;31"),
    ("bright cyan", "1;36"),
    ("purple", "0;35"),
    ("bright red", "1;31"),
    ("yellow", "0;33"),
    ("bright purple", "1;35"),
    ("dark gray", "1;30"),
    ("magenta", "0;35"),
    ("bright magenta", "1;35"),
];

/// The SGR parameters of a colour by name, `colorN`, `rgbRGB` or `grayN`; `None` for what is no colour.
fn parameters(colour: &str) -> Option<String> {
    let number = |text: &str| -> Option<u32> {
        let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    };
    if let Some(n) = colour.strip_prefix("color").and_then(number) {
        return Some(format!("38;5;{n}"));
    }
    if let Some(rgb) = colour.strip_prefix("rgb").and_then(|t| t.get(..3)) {
        let level: Vec<u32> = rgb.chars().filter_map(|c| c.to_digit(6)).collect();
        if let [r, g, b] = level[..] {
            return Some(format!("38;5;{}", 16 + 36 * r + 6 * g + b));
        }
    }
    if let Some(n) = colour.strip_prefix("gray").and_then(number) {
        return Some(format!("38;5;{}", 232 + n));
    }
    match colour {
        "normal" => Some("0".into()),
        "bright yellow" => Some("1;33".into()),
        name => NAMES.iter().find(|(n, _)| *n == name).map(|(_, p)| (*p).to_string()),
    }
}

/// Colours text, or leaves it as it is.
#[derive(Debug)]
pub(crate) struct Painter(Option<[String; Tone::COUNT]>);

impl Painter {
    pub(crate) fn new(coloured: bool, names: &ColourNames) -> Painter {
        Painter(
            coloured.then(|| {
                std::array::from_fn(|i| parameters(names.get(Tone::TABLE[i].0)).unwrap_or_else(|| "0".into()))
            }),
        )
    }

    pub(crate) fn is_coloured(&self) -> bool {
        self.0.is_some()
    }

    /// Each line gets its own escape sequences, empty ones too.
    pub(crate) fn paint(&self, text: &str, tone: Tone) -> String {
        let Some(parameters) = &self.0 else { return text.to_string() };
        let code = &parameters[tone as usize];
        let mut out = String::with_capacity(text.len() + 16);
        for (i, line) in text.split('\n').enumerate() {
            if i > 0 {
                out.push('\n');
            }
            out.push_str("\x1b[");
            out.push_str(code);
            out.push('m');
            out.push_str(line);
            out.push_str("\x1b[0m");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_by_name_and_number() {
        for (name, expected) in [
            ("green", Some("0;32")),
            ("bright yellow", Some("1;33")),
            ("color12", Some("38;5;12")),
            ("rgb123", Some("38;5;67")),
            ("gray5", Some("38;5;237")),
            ("normal", Some("0")),
            ("greenish", None),
        ] {
            assert_eq!(parameters(name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn the_table_is_in_the_order_of_the_enum() {
        for (i, row) in Tone::TABLE.iter().enumerate() {
            assert_eq!(row.0 as usize, i);
        }
    }
}
