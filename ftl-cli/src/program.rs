//! What every program does: find out what it is, read settings and arguments, run a command, end with its exit code.

use std::io::{ErrorKind, Write};
use std::process::ExitCode;
use std::sync::Arc;

use ftl_core::settings::Settings;
use ftl_output::{Display, OutputSettings};

use crate::args::{self, Arguments, Outcome, Program};
use crate::callbacks::Wanted;
use crate::configuration::Configuration;
use crate::exit::{self, Failure};
use crate::parts::Parts;
use crate::surroundings::Surroundings;
use crate::{command, process_limits, terminal};

/// The programs by what they do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Play,
    Adhoc,
    /// `ansible` with the options of FTL.
    Ftl,
    /// `ftl eval`.
    Eval,
    Inventory,
    GateBuilder,
    Localhost,
}

/// The names programs answer to, whichever of them is installed.
const NAMES: [(&str, Kind); 8] = [
    ("ansible", Kind::Adhoc),
    ("ansible-inventory", Kind::Inventory),
    ("ansible-playbook", Kind::Play),
    ("ftl", Kind::Ftl),
    ("ftl-gate-builder", Kind::GateBuilder),
    ("ftl-inventory", Kind::Inventory),
    ("ftl-localhost", Kind::Localhost),
    ("ftl-play", Kind::Play),
];

impl Kind {
    fn command_line(self) -> &'static Program {
        match self {
            Kind::Play => &args::PLAYBOOK,
            Kind::Adhoc => &args::ADHOC,
            Kind::Ftl => &args::FTL,
            Kind::Eval => &args::EVAL,
            Kind::Inventory => &args::INVENTORY,
            Kind::GateBuilder => &args::GATE_BUILDER,
            Kind::Localhost => &args::LOCALHOST,
        }
    }
}

/// What a command works with.
pub struct Context<'a> {
    pub kind: Kind,
    pub surroundings: &'a Surroundings,
    pub arguments: &'a Arguments,
    pub settings: &'a Settings,
    pub display: Arc<Display>,
}

impl Context<'_> {
    pub fn parts(&self) -> Parts<'_> {
        Parts { surroundings: self.surroundings, arguments: self.arguments, settings: self.settings }
    }

    /// Writes text to stdout as it is.
    pub fn print(&self, text: &str) -> Result<(), Failure> {
        print(text).map_err(Failure::general)
    }
}

/// Runs the program this was called as; `default` when the name says nothing.
pub fn main(default: Kind) -> ExitCode {
    let surroundings = Surroundings::ask();
    let named = NAMES.iter().find(|(name, _)| *name == surroundings.called);
    let kind = named.map_or(default, |(_, kind)| *kind);
    let name = named.map_or("ftl", |(name, _)| *name);
    match (kind, surroundings.words.first().map(String::as_str)) {
        (Kind::Ftl, Some("eval")) => ExitCode::from(run(Kind::Eval, "ftl eval", &surroundings)),
        _ => ExitCode::from(run(kind, name, &surroundings)),
    }
}

fn run(kind: Kind, name: &str, surroundings: &Surroundings) -> u8 {
    process_limits::set();
    let configuration = match Configuration::read(surroundings) {
        Ok(configuration) => configuration,
        Err(message) => {
            tell(&format!("ERROR: {message}\n"));
            return exit::OPTION;
        }
    };
    let program = kind.command_line();
    let columns = surroundings.text_columns();
    let words = if kind == Kind::Eval { &surroundings.words[1..] } else { &surroundings.words[..] };
    let mut arguments = match args::parse(program, words) {
        Outcome::Run(arguments) => arguments,
        Outcome::Help => {
            return printed(&args::help(program, name, columns));
        }
        Outcome::Version(arguments) => {
            let parts = Parts { surroundings, arguments: &arguments, settings: &configuration.settings };
            return printed(&format!("{}\n", command::version::text(name, &parts)));
        }
        Outcome::Error(message) => {
            let usage = args::usage(program, name, columns);
            let help = args::help(program, name, columns);
            tell(&format!("{usage}{name}: error: {message}\n \n{help}"));
            return exit::USAGE;
        }
    };
    if let Some(message) = command::adhoc::complete(kind, &mut arguments).err().or_else(|| conflict(&arguments)) {
        let usage = args::usage(program, name, columns);
        tell(&format!("{usage}{name}: error: {message}\n"));
        return exit::USAGE;
    }
    execute(kind, name, surroundings, &arguments, &configuration)
}

/// Options that cannot be as they are.
fn conflict(arguments: &Arguments) -> Option<String> {
    let too_few = arguments.number("forks").is_some_and(|forks| forks < 1);
    too_few.then(|| "The number of processes (--forks) must be >= 1".to_string())
}

fn execute(
    kind: Kind,
    name: &str,
    surroundings: &Surroundings,
    arguments: &Arguments,
    configuration: &Configuration,
) -> u8 {
    let settings = &configuration.settings;
    let parts = Parts { surroundings, arguments, settings };
    let (display, refused) = match open_display(kind, &parts) {
        Ok(display) => (display, None),
        Err(failure) => (ftl_output::open(OutputSettings::default()), Some(failure)),
    };
    let context = Context { kind, surroundings, arguments, settings, display: display.clone() };
    let result = match refused {
        Some(failure) => Err(failure),
        None => {
            if parts.verbosity() >= 2 {
                display.verbose(2, &command::version::text(name, &parts));
            }
            display.verbose(
                1,
                &match &settings.config_file {
                    Some(path) => format!("Using {} as config file", path.display()),
                    None => "No config file found; using defaults".to_string(),
                },
            );
            configuration.warnings.iter().for_each(|warning| display.message(warning));
            dispatch(&context)
        }
    };
    let code = result.unwrap_or_else(|failure| {
        failure.diagnostics.iter().for_each(|diagnostic| display.message(diagnostic));
        failure.code
    });
    terminal::restore();
    match display.finish() {
        Some(lost) => {
            tell(&format!("[ERROR]: {}\n", unwritten(&lost)));
            code.max(exit::GENERAL)
        }
        None => code,
    }
}

fn dispatch(context: &Context<'_>) -> Result<u8, Failure> {
    match context.kind {
        Kind::Play => command::play::run(context),
        Kind::Adhoc | Kind::Ftl => command::adhoc::run(context),
        Kind::Eval => command::eval::run(context),
        Kind::Inventory => command::inventory::run(context),
        Kind::GateBuilder => command::gate_builder::run(context),
        Kind::Localhost => command::localhost::run(context),
    }
}

fn open_display(kind: Kind, parts: &Parts<'_>) -> Result<Arc<Display>, Failure> {
    let wanted = Wanted::new(kind, parts);
    let mut output = parts.output(kind.command_line(), &wanted.stdout)?;
    output.notes = command::deprecated_options(parts.arguments);
    if !wanted.additional {
        output.enabled.clear();
    }
    Ok(ftl_output::open(output))
}

fn unwritten(reason: &dyn std::fmt::Display) -> String {
    format!("The output could not be written: {reason}")
}

/// Writes to stdout. That nobody reads it is no error: nothing is lost then.
fn print(text: &str) -> Result<(), String> {
    let mut out = std::io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(unwritten(&error)),
        _ => Ok(()),
    }
}

/// The exit code of a program that only prints.
fn printed(text: &str) -> u8 {
    match print(text) {
        Ok(()) => exit::OK,
        Err(message) => {
            tell(&format!("[ERROR]: {message}\n"));
            exit::GENERAL
        }
    }
}

/// Writes to stderr. Where that is impossible, nothing is left to say it with.
fn tell(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}
