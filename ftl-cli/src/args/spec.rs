//! What a program's command line may hold.

/// One option.
#[derive(Clone, Copy, Debug)]
pub struct OptionSpec {
    /// Separated by spaces; the first is the one messages show first.
    flags: &'static str,
    /// The name its value is asked for by; in capitals it is shown for the value.
    pub name: &'static str,
    pub action: Action,
    /// Options of one number exclude each other.
    pub exclusive: u8,
    /// The heading it is listed under in the help; empty for the common one.
    pub heading: &'static str,
    pub help: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Given or not.
    Flag,
    /// How often it is given.
    Count,
    /// The last value counts.
    Text,
    Number,
    /// All values count.
    Append,
    Help,
    Version,
}

impl Action {
    pub fn takes_value(self) -> bool {
        matches!(self, Action::Text | Action::Number | Action::Append)
    }
}

/// A row of a table.
pub(super) const fn option(flags: &'static str, name: &'static str, action: Action, help: &'static str) -> OptionSpec {
    OptionSpec { flags, name, action, exclusive: 0, heading: "", help }
}

impl OptionSpec {
    pub(super) const fn excludes(self, exclusive: u8) -> OptionSpec {
        OptionSpec { exclusive, ..self }
    }

    pub(super) const fn under(self, heading: &'static str) -> OptionSpec {
        OptionSpec { heading, ..self }
    }

    pub fn flags(&self) -> impl Iterator<Item = &'static str> {
        self.flags.split(' ')
    }

    /// `-i/--inventory`, for messages.
    pub fn title(&self) -> String {
        self.flags.replace(' ', "/")
    }

    pub fn metavar(&self) -> String {
        self.name.to_uppercase()
    }
}

/// What stands on a command line without a dash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Positional {
    None,
    One(&'static str, &'static str),
    Maybe(&'static str, &'static str),
    Several(&'static str, &'static str),
}

impl Positional {
    pub fn name(self) -> &'static str {
        match self {
            Positional::None => "",
            Positional::One(name, _) | Positional::Maybe(name, _) | Positional::Several(name, _) => name,
        }
    }
}

/// The command line of one program.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// Tables of options, in the order of the usage line.
    pub options: &'static [&'static [OptionSpec]],
    pub positional: Positional,
    pub description: &'static str,
    pub epilog: &'static str,
}

impl Program {
    pub fn options(&self) -> impl Iterator<Item = &'static OptionSpec> {
        self.options.iter().flat_map(|table| table.iter())
    }

    pub fn find(&self, flag: &str) -> Option<&'static OptionSpec> {
        self.options().find(|option| option.flags().any(|known| known == flag))
    }
}
