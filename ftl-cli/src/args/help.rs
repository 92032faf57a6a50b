//! Usage and help, laid out as `argparse` does.

use super::spec::{OptionSpec, Positional, Program};

const HELP_COLUMN: usize = 24;

/// `usage: …`, wrapped, with its line end.
pub fn usage(program: &Program, name: &str, columns: usize) -> String {
    let width = columns.saturating_sub(2).max(11);
    let mut parts = option_parts(program);
    let positional = match program.positional {
        Positional::None => vec![],
        Positional::One(name, _) => vec![name.to_string()],
        Positional::Maybe(name, _) => vec![format!("[{name}]")],
        Positional::Several(name, _) => vec![name.to_string(), format!("[{name} ...]")],
    };
    let line: Vec<&str> = std::iter::once(name).chain(parts.iter().chain(&positional).map(String::as_str)).collect();
    let line = format!("usage: {}", line.join(" "));
    if line.chars().count() <= width {
        return format!("{line}\n");
    }
    let indent = " ".repeat("usage: ".len() + name.chars().count() + 1);
    parts.insert(0, format!("usage: {name}"));
    let mut lines = wrapped(&parts, width, &indent, true);
    lines.extend(wrapped(&positional, width, &indent, false));
    format!("{}\n", lines.join("\n"))
}

fn option_parts(program: &Program) -> Vec<String> {
    let mut parts: Vec<String> = vec![];
    let mut open = 0;
    for option in program.options() {
        let flag = option.flags().next().unwrap_or_default();
        let text = match option.action.takes_value() {
            true => format!("{flag} {}", option.metavar()),
            false => flag.to_string(),
        };
        match parts.last_mut().filter(|_| option.exclusive != 0 && option.exclusive == open) {
            Some(last) => {
                last.truncate(last.len() - 1);
                last.push_str(&format!(" | {text}]"));
            }
            None => parts.push(format!("[{text}]")),
        }
        open = option.exclusive;
    }
    parts
}

fn wrapped(parts: &[String], width: usize, indent: &str, first_is_outdented: bool) -> Vec<String> {
    let mut lines: Vec<String> = vec![];
    let mut line = String::new();
    for part in parts {
        let start = if lines.is_empty() && first_is_outdented { 0 } else { indent.len() };
        if !line.is_empty() && start + line.chars().count() + 1 + part.chars().count() > width {
            lines.push(format!("{}{line}", &indent[..start]));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(part);
    }
    if !line.is_empty() {
        let start = if lines.is_empty() && first_is_outdented { 0 } else { indent.len() };
        lines.push(format!("{}{line}", &indent[..start]));
    }
    lines
}

/// The whole help text.
pub fn help(program: &Program, name: &str, columns: usize) -> String {
    let width = columns.saturating_sub(2).max(11);
    let mut out = usage(program, name, columns);
    out.push_str(&format!("\n{}\n", fill(program.description, width, "").join("\n")));
    if let Positional::One(name, help) | Positional::Maybe(name, help) | Positional::Several(name, help) =
        program.positional
    {
        out.push_str("\npositional arguments:\n");
        out.push_str(&entry(name, help, width));
    }
    let mut headings: Vec<&str> = vec![""];
    for option in program.options() {
        if !headings.contains(&option.heading) {
            headings.push(option.heading);
        }
    }
    for heading in headings {
        let mut options: Vec<&OptionSpec> = program.options().filter(|o| o.heading == heading).collect();
        options.sort_by_key(|option| option.title());
        out.push_str(&format!("\n{}:\n", if heading.is_empty() { "options" } else { heading }));
        options.iter().for_each(|option| out.push_str(&entry(&invocation(option), option.help, width)));
    }
    if !program.epilog.is_empty() {
        out.push_str(&format!("\n{}\n", fill(program.epilog, width, "").join("\n")));
    }
    out
}

fn invocation(option: &OptionSpec) -> String {
    let flags: Vec<String> = option
        .flags()
        .map(|flag| match option.action.takes_value() {
            true => format!("{flag} {}", option.metavar()),
            false => flag.to_string(),
        })
        .collect();
    flags.join(", ")
}

fn entry(title: &str, help: &str, width: usize) -> String {
    let indent = " ".repeat(HELP_COLUMN);
    let lines = fill(help, width.saturating_sub(HELP_COLUMN).max(11), &indent);
    if title.chars().count() <= HELP_COLUMN - 4 {
        let mut out = format!("  {title:<20}  ");
        out.push_str(lines.join("\n").trim_start());
        out.push('\n');
        return out;
    }
    format!("  {title}\n{}\n", lines.join("\n"))
}

fn fill(text: &str, width: usize, indent: &str) -> Vec<String> {
    let mut lines = vec![];
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(format!("{indent}{line}"));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(format!("{indent}{line}"));
    lines
}

#[cfg(test)]
mod tests {
    use super::super::{ADHOC, PLAYBOOK};
    use super::*;

    /// Recorded from ansible-core 2.19.14 with 80 columns.
    #[test]
    fn usage_is_that_of_ansible() {
        let check = |program: &Program, name: &str, expected: &str| assert_eq!(usage(program, name, 80), expected);
        check(&PLAYBOOK, "ansible-playbook", include_str!("../../tests/data/usage-playbook.txt"));
        check(&ADHOC, "ansible", include_str!("../../tests/data/usage-adhoc.txt"));
    }

    #[test]
    fn help_lists_every_option() {
        let text = help(&PLAYBOOK, "ftl-play", 80);
        for option in PLAYBOOK.options() {
            assert!(text.contains(&format!("  {}", invocation(option))), "{}", option.title());
        }
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    }
}
