//! One argument of a module: its name, its type and what Ansible's argument specs say of it.

/// The types of Ansible's argument specs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Str,
    Bool,
    Int,
    List,
    /// Text in which `~` and `$VARIABLE` are replaced.
    Path,
    /// Anything, unchanged.
    Raw,
}

impl Kind {
    /// The name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Str => "str",
            Kind::Bool => "bool",
            Kind::Int => "int",
            Kind::List => "list",
            Kind::Path => "path",
            Kind::Raw => "raw",
        }
    }
}

/// What an argument is when it was not given.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Default {
    None,
    Bool(bool),
    Int(i64),
    Text(&'static str),
    Words(&'static [&'static str]),
}

/// An argument, written as a constant: `Argument::path("path").required().aliases(&["dest", "name"])`.
#[derive(Clone, Copy, Debug)]
pub struct Argument {
    pub name: &'static str,
    pub kind: Kind,
    pub required: bool,
    pub default: Default,
    pub aliases: &'static [&'static str],
    pub choices: &'static [&'static str],
    pub elements: Option<Kind>,
    /// Its value must not be seen in the result.
    pub secret: bool,
}

impl Argument {
    const fn new(name: &'static str, kind: Kind) -> Argument {
        Argument {
            name,
            kind,
            required: false,
            default: Default::None,
            aliases: &[],
            choices: &[],
            elements: None,
            secret: false,
        }
    }

    pub const fn text(name: &'static str) -> Argument {
        Argument::new(name, Kind::Str)
    }

    pub const fn path(name: &'static str) -> Argument {
        Argument::new(name, Kind::Path)
    }

    pub const fn raw(name: &'static str) -> Argument {
        Argument::new(name, Kind::Raw)
    }

    pub const fn number(name: &'static str) -> Argument {
        Argument::new(name, Kind::Int)
    }

    /// A flag without a default.
    pub const fn flag(name: &'static str) -> Argument {
        Argument::new(name, Kind::Bool)
    }

    pub const fn list(name: &'static str, elements: Kind) -> Argument {
        Argument { elements: Some(elements), ..Argument::new(name, Kind::List) }
    }

    pub const fn required(self) -> Argument {
        Argument { required: true, ..self }
    }

    pub const fn aliases(self, aliases: &'static [&'static str]) -> Argument {
        Argument { aliases, ..self }
    }

    pub const fn choices(self, choices: &'static [&'static str]) -> Argument {
        Argument { choices, ..self }
    }

    pub const fn secret(self) -> Argument {
        Argument { secret: true, ..self }
    }

    pub const fn or_bool(self, default: bool) -> Argument {
        Argument { default: Default::Bool(default), ..self }
    }

    pub const fn or_int(self, default: i64) -> Argument {
        Argument { default: Default::Int(default), ..self }
    }

    pub const fn or_text(self, default: &'static str) -> Argument {
        Argument { default: Default::Text(default), ..self }
    }

    pub const fn or_words(self, default: &'static [&'static str]) -> Argument {
        Argument { default: Default::Words(default), ..self }
    }

    /// Is it called so, or is that one of its other names?
    pub(crate) fn answers_to(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }
}

/// What all modules that write files take besides their own arguments.
pub(crate) const FILE_ARGUMENTS: &[Argument] = &[
    Argument::raw("mode"),
    Argument::text("owner"),
    Argument::text("group"),
    Argument::text("seuser"),
    Argument::text("serole"),
    Argument::text("selevel"),
    Argument::text("setype"),
    Argument::text("attributes").aliases(&["attr"]),
    Argument::flag("unsafe_writes").or_bool(false),
];
