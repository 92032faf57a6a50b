//! Python's `strftime` in the C locale.

use ftl_core::value::DateTime;

use crate::call::Failure;

const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The time written by `format`.
pub(crate) fn strftime(when: &DateTime, format: &str) -> Result<String, Failure> {
    let mut out = String::with_capacity(format.len() + 16);
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        // glibc's flags: no padding, spaces, zeros, upper case.
        let flag = chars.next_if(|c| matches!(c, '-' | '_' | '0' | '^' | '#'));
        let Some(directive) = chars.next() else {
            out.push('%');
            out.extend(flag);
            break;
        };
        let text = directive_text(when, directive)?;
        match (text, flag) {
            (Some(text), Some('-')) => {
                let stripped = text.trim_start_matches(['0', ' ']);
                out.push_str(if stripped.is_empty() { "0" } else { stripped });
            }
            (Some(text), Some('_')) => {
                let stripped = text.trim_start_matches('0');
                let stripped = if stripped.is_empty() { "0" } else { stripped };
                out.push_str(&format!("{stripped:>width$}", width = text.len()));
            }
            (Some(text), Some('^' | '#')) => out.push_str(&text.to_uppercase()),
            (Some(text), _) => out.push_str(&text),
            (None, flag) => {
                out.push('%');
                out.extend(flag);
                out.push(directive);
            }
        }
    }
    Ok(out)
}

fn directive_text(when: &DateTime, directive: char) -> Result<Option<String>, Failure> {
    let c = when.civil;
    let weekday = c.weekday().to_monday_zero_offset() as usize;
    let twelve = match c.hour() % 12 {
        0 => 12,
        hour => hour,
    };
    let year_day = c.date().day_of_year();
    let text = match directive {
        'a' => DAYS[weekday][..3].to_string(),
        'A' => DAYS[weekday].to_string(),
        'b' | 'h' => MONTHS[c.month() as usize - 1][..3].to_string(),
        'B' => MONTHS[c.month() as usize - 1].to_string(),
        'c' => strftime(when, "%a %b %e %H:%M:%S %Y")?,
        'C' => format!("{:02}", c.year() / 100),
        'd' => format!("{:02}", c.day()),
        'D' | 'x' => strftime(when, "%m/%d/%y")?,
        'e' => format!("{:2}", c.day()),
        'f' => format!("{:06}", c.subsec_nanosecond() / 1000),
        'F' => strftime(when, "%Y-%m-%d")?,
        'g' => format!("{:02}", c.date().iso_week_date().year().rem_euclid(100)),
        'G' => c.date().iso_week_date().year().to_string(),
        'H' => format!("{:02}", c.hour()),
        'I' => format!("{twelve:02}"),
        'j' => format!("{year_day:03}"),
        'k' => format!("{:2}", c.hour()),
        'l' => format!("{twelve:2}"),
        'm' => format!("{:02}", c.month()),
        'M' => format!("{:02}", c.minute()),
        'n' => "\n".into(),
        'p' => if c.hour() < 12 { "AM" } else { "PM" }.into(),
        'P' => if c.hour() < 12 { "am" } else { "pm" }.into(),
        'r' => strftime(when, "%I:%M:%S %p")?,
        'R' => strftime(when, "%H:%M")?,
        's' => epoch(when).to_string(),
        'S' => format!("{:02}", c.second()),
        't' => "\t".into(),
        'T' | 'X' => strftime(when, "%H:%M:%S")?,
        'u' => (weekday + 1).to_string(),
        'U' => format!("{:02}", (year_day as usize + 6 - (weekday + 1) % 7) / 7),
        'V' => format!("{:02}", c.date().iso_week_date().week()),
        'w' => ((weekday + 1) % 7).to_string(),
        'W' => format!("{:02}", (year_day as usize + 6 - weekday) / 7),
        'y' => format!("{:02}", c.year().rem_euclid(100)),
        'Y' => c.year().to_string(),
        'z' => when.offset.map(offset_text).unwrap_or_default(),
        'Z' => match when.offset {
            Some(0) => "UTC".into(),
            Some(offset) => format!("UTC{}", colon(&offset_text(offset))),
            None => String::new(),
        },
        '%' => "%".into(),
        _ => return Ok(None),
    };
    Ok(Some(text))
}

fn offset_text(offset: i32) -> String {
    let sign = if offset < 0 { '-' } else { '+' };
    format!("{sign}{:02}{:02}", offset.abs() / 3600, offset.abs() % 3600 / 60)
}

fn colon(offset: &str) -> String {
    format!("{}:{}", &offset[..3], &offset[3..])
}

/// Seconds since 1970; a time without offset counts in the controller's zone.
pub(crate) fn epoch(when: &DateTime) -> i64 {
    let as_utc = when.civil.duration_since(jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0)).as_secs();
    match when.offset {
        Some(offset) => as_utc - offset as i64,
        None => jiff::tz::TimeZone::system()
            .to_ambiguous_timestamp(when.civil)
            .compatible()
            .map_or(as_utc, |timestamp| timestamp.as_second()),
    }
}
