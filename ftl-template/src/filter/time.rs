//! Filters over dates, with C's `strftime` and Python's `strptime`.

use ftl_core::Value;
use ftl_core::value::{DateTime, repr_str, to_text};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::argument::{failure, strict_text};
use crate::{Arguments, Evaluation, Failure, Shared};

type Answer = Result<Value, Failure>;

/// The controller's time zone: `TZ` of its environment, else the system's.
pub(crate) fn local_zone(shared: &Shared) -> TimeZone {
    match shared.environment.get("TZ").map(|tz| tz.trim_start_matches(':')) {
        None | Some("") => TimeZone::system(),
        Some(name) => TimeZone::get(name).or_else(|_| TimeZone::posix(name)).unwrap_or(TimeZone::UTC),
    }
}

pub(super) fn strftime(evaluation: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let second = args.take_given("second", 0);
    let utc = args.take_bool("utc", 1, false);
    args.finish("strftime")?;
    let format = strict_text(&value, |kind| format!("strftime() argument 1 must be str, not {kind}"))?;
    let zone = if utc { TimeZone::UTC } else { local_zone(evaluation.shared()) };
    let timestamp = match &second {
        None => {
            evaluation.impure();
            jiff::Timestamp::now()
        }
        Some(second) => {
            let number = match second {
                Value::Str(text) => text.trim().replace('_', "").parse::<f64>().ok(),
                other => super::argument::real(other).ok(),
            };
            let number = number.filter(|n| n.is_finite());
            let number =
                number.ok_or_else(|| failure(format!("Invalid value for epoch value ({})", to_text(second))))?;
            jiff::Timestamp::from_second(number.floor() as i64)
                .map_err(|_| failure("timestamp out of range for platform time_t"))?
        }
    };
    let abbreviation = if utc { Some("GMT") } else { None };
    evaluation.check_text(format.len())?;
    let local = zone.to_offset_info(timestamp);
    let clock = Clock {
        at: local.offset().to_datetime(timestamp),
        offset: Some(local.offset().seconds()),
        zone: abbreviation.unwrap_or(local.abbreviation()).to_string(),
        epoch: timestamp.as_second(),
    };
    Ok(Value::str(clock.format(&format)))
}

/// `datetime.strftime(format)`: as C does it; `%f` is Python's own.
pub(crate) fn format_datetime(format: &str, at: &DateTime) -> String {
    let zone = match at.offset {
        None => String::new(),
        Some(0) => "UTC".into(),
        Some(offset) => {
            let (sign, abs) = if offset < 0 { ('-', -offset) } else { ('+', offset) };
            format!("UTC{sign}{:02}:{:02}", abs / 3600, abs % 3600 / 60)
        }
    };
    let zoned =
        TimeZone::fixed(jiff::tz::Offset::from_seconds(at.offset.unwrap_or(0)).unwrap_or(jiff::tz::Offset::UTC));
    let epoch = zoned.to_timestamp(at.civil).map_or(0, |t| t.as_second());
    Clock { at: at.civil, offset: at.offset, zone, epoch }.format(format)
}

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

/// A moment as `struct tm` has it.
struct Clock {
    at: jiff::civil::DateTime,
    offset: Option<i32>,
    zone: String,
    epoch: i64,
}

impl Clock {
    fn format(&self, format: &str) -> String {
        let mut out = String::new();
        let mut chars = format.chars().peekable();
        while let Some(c) = chars.next() {
            if c != '%' {
                out.push(c);
                continue;
            }
            let mut spelled = String::from("%");
            let (mut pad, mut upper, mut width) = (None, false, 0usize);
            while let Some(flag) = chars.next_if(|c| "-_0^#".contains(*c)) {
                spelled.push(flag);
                match flag {
                    '^' | '#' => upper = true,
                    other => pad = Some(other),
                }
            }
            while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                spelled.push(digit);
                width = (width * 10 + digit as usize - '0' as usize).min(1024);
            }
            if let Some(modifier) = chars.next_if(|c| "EO".contains(*c)) {
                spelled.push(modifier);
            }
            let Some(directive) = chars.next() else {
                out.push_str(&spelled);
                break;
            };
            spelled.push(directive);
            match self.directive(directive, pad, width) {
                Some(text) if upper => out.push_str(&text.to_uppercase()),
                Some(text) => out.push_str(&text),
                None => out.push_str(&spelled),
            }
        }
        out
    }

    fn directive(&self, directive: char, pad: Option<char>, width: usize) -> Option<String> {
        let at = self.at;
        let number = |value: i64, digits: usize, fill: char| {
            let digits = digits.max(width);
            match pad {
                Some('-') => value.to_string(),
                Some('_') => format!("{value:>digits$}"),
                Some('0') => format!("{value:0>digits$}"),
                _ if fill == ' ' => format!("{value:>digits$}"),
                _ => format!("{value:0digits$}"),
            }
        };
        let hour12 = match at.hour() % 12 {
            0 => 12,
            hour => hour,
        } as i64;
        let weekday = at.date().weekday();
        let day = DAYS[weekday.to_monday_zero_offset() as usize];
        let month = MONTHS[at.month() as usize - 1];
        let afternoon = at.hour() >= 12;
        let year_day = at.date().day_of_year() as i64;
        let iso = at.date().iso_week_date();
        let again = |format: &str| Some(self.format(format));
        Some(match directive {
            'a' => day[..3].into(),
            'A' => day.into(),
            'b' | 'h' => month[..3].into(),
            'B' => month.into(),
            'c' => return again("%a %b %e %H:%M:%S %Y"),
            'C' => number(at.year() as i64 / 100, 2, '0'),
            'd' => number(at.day() as i64, 2, '0'),
            'D' | 'x' => return again("%m/%d/%y"),
            'e' => number(at.day() as i64, 2, ' '),
            'f' => format!("{:06}", at.subsec_nanosecond() / 1000),
            'F' => return again("%Y-%m-%d"),
            'g' => number(iso.year() as i64 % 100, 2, '0'),
            'G' => number(iso.year() as i64, 1, '0'),
            'H' => number(at.hour() as i64, 2, '0'),
            'I' => number(hour12, 2, '0'),
            'j' => number(year_day, 3, '0'),
            'k' => number(at.hour() as i64, 2, ' '),
            'l' => number(hour12, 2, ' '),
            'm' => number(at.month() as i64, 2, '0'),
            'M' => number(at.minute() as i64, 2, '0'),
            'n' => "\n".into(),
            'p' => if afternoon { "PM" } else { "AM" }.into(),
            'P' => if afternoon { "pm" } else { "am" }.into(),
            'r' => return again("%I:%M:%S %p"),
            'R' => return again("%H:%M"),
            's' => self.epoch.to_string(),
            'S' => number(at.second() as i64, 2, '0'),
            't' => "\t".into(),
            'T' | 'X' => return again("%H:%M:%S"),
            'u' => number(weekday.to_monday_one_offset() as i64, 1, '0'),
            'U' => number((year_day + 6 - weekday.to_sunday_zero_offset() as i64) / 7, 2, '0'),
            'V' => number(iso.week() as i64, 2, '0'),
            'w' => number(weekday.to_sunday_zero_offset() as i64, 1, '0'),
            'W' => number((year_day + 6 - weekday.to_monday_zero_offset() as i64) / 7, 2, '0'),
            'y' => number(at.year() as i64 % 100, 2, '0'),
            'Y' => number(at.year() as i64, 1, '0'),
            'z' => match self.offset {
                None => String::new(),
                Some(offset) => {
                    let (sign, abs) = if offset < 0 { ('-', -offset) } else { ('+', offset) };
                    format!("{sign}{:02}{:02}", abs / 3600, abs % 3600 / 60)
                }
            },
            'Z' => self.zone.clone(),
            '%' => "%".into(),
            _ => return None,
        })
    }
}

pub(super) fn to_datetime(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let format = args.take("format", 0).unwrap_or_else(|| Value::str("%Y-%m-%d %H:%M:%S"));
    args.finish("to_datetime")?;
    let text = strict_text(&value, |kind| format!("strptime() argument 1 must be str, not {kind}"))?;
    let format = strict_text(&format, |kind| format!("strptime() argument 2 must be str, not {kind}"))?;
    parse_datetime(&text, &format).map(Value::DateTime)
}

/// `datetime.strptime`
pub(crate) fn parse_datetime(text: &str, format: &str) -> Result<DateTime, Failure> {
    let mut parts = Parts { year: 1900, month: 1, day: 1, ..Parts::default() };
    let rest = match read_format(text, format, &mut parts)? {
        Some(rest) => rest,
        None => {
            let (text, format) = (repr_str(text), repr_str(format));
            return Err(Failure::value_error(format!("time data {text} does not match format {format}")));
        }
    };
    if !rest.is_empty() {
        return Err(Failure::value_error(format!("unconverted data remains: {rest}")));
    }
    parts.finish()
}

#[derive(Default)]
struct Parts {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    micros: i64,
    hour12: bool,
    afternoon: bool,
    year_day: Option<i64>,
    offset: Option<i32>,
}

impl Parts {
    fn finish(mut self) -> Result<DateTime, Failure> {
        if self.hour12 {
            self.hour = self.hour % 12 + if self.afternoon { 12 } else { 0 };
        }
        let date = Date::new(self.year as i16, self.month as i8, self.day as i8)
            .map_err(|_| Failure::value_error("day is out of range for month"))?;
        let date = match self.year_day {
            None => date,
            Some(day) => {
                let first = Date::new(self.year as i16, 1, 1).map_err(|e| Failure::value_error(e.to_string()))?;
                first.checked_add(jiff::Span::new().days(day - 1)).map_err(|e| Failure::value_error(e.to_string()))?
            }
        };
        if self.second > 59 {
            return Err(Failure::value_error("second must be in 0..59"));
        }
        let civil = date.at(self.hour as i8, self.minute as i8, self.second as i8, (self.micros * 1000) as i32);
        Ok(DateTime { civil, offset: self.offset })
    }
}

/// What is left of the text, or nothing when it does not fit.
fn read_format<'t>(text: &'t str, format: &str, parts: &mut Parts) -> Result<Option<&'t str>, Failure> {
    let mut rest = text;
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c.is_whitespace() {
            let trimmed = rest.trim_start();
            if trimmed.len() == rest.len() {
                return Ok(None);
            }
            rest = trimmed;
            // Any run of blanks in the format is one.
            while chars.clone().next().is_some_and(char::is_whitespace) {
                chars.next();
            }
            continue;
        }
        if c != '%' {
            // Python compares without regard to case.
            let Some(next) = rest.chars().next().filter(|n| n.to_lowercase().eq(c.to_lowercase())) else {
                return Ok(None);
            };
            rest = &rest[next.len_utf8()..];
            continue;
        }
        let Some(directive) = chars.next() else {
            return Err(Failure::value_error(format!("stray % in format {}", repr_str(format))));
        };
        match read_directive(rest, directive, parts) {
            Some(Some(after)) => rest = after,
            Some(None) => return Ok(None),
            None => {
                let directive = repr_str(&directive.to_string());
                let format = repr_str(format);
                return Err(Failure::value_error(format!("{directive} is a bad directive in format {format}")));
            }
        }
    }
    Ok(Some(rest))
}

/// Up to `digits` digits that make a number within the bounds.
fn read_number(text: &str, digits: usize, low: i64, high: i64) -> Option<(i64, &str)> {
    let available = text.bytes().take(digits).take_while(u8::is_ascii_digit).count();
    (1..=available).rev().find_map(|length| {
        let number: i64 = text[..length].parse().ok()?;
        (low..=high).contains(&number).then_some((number, &text[length..]))
    })
}

fn read_name<'t>(text: &'t str, names: &[&str], short: bool) -> Option<(usize, &'t str)> {
    names.iter().enumerate().find_map(|(at, name)| {
        let name = if short { &name[..3] } else { name };
        let start = text.get(..name.len())?;
        start.eq_ignore_ascii_case(name).then(|| (at, &text[name.len()..]))
    })
}

/// `None`: no such directive; `Some(None)`: the text does not fit.
fn read_directive<'t>(text: &'t str, directive: char, parts: &mut Parts) -> Option<Option<&'t str>> {
    let mut number = |digits, low, high, into: fn(&mut Parts, i64)| {
        read_number(text, digits, low, high).map(|(n, rest)| {
            into(parts, n);
            rest
        })
    };
    Some(match directive {
        'Y' => (text.bytes().take(4).filter(u8::is_ascii_digit).count() == 4)
            .then(|| number(4, 0, 9999, |p, n| p.year = n))
            .flatten(),
        'y' => number(2, 0, 99, |p, n| p.year = if n <= 68 { 2000 + n } else { 1900 + n }),
        'm' => number(2, 1, 12, |p, n| p.month = n),
        'd' => number(2, 1, 31, |p, n| p.day = n),
        'H' => number(2, 0, 23, |p, n| p.hour = n),
        'I' => number(2, 1, 12, |p, n| {
            p.hour = n;
            p.hour12 = true;
        }),
        'M' => number(2, 0, 59, |p, n| p.minute = n),
        'S' => number(2, 0, 61, |p, n| p.second = n),
        'j' => number(3, 1, 366, |p, n| p.year_day = Some(n)),
        'w' => number(1, 0, 6, |_, _| {}),
        'u' => number(1, 1, 7, |_, _| {}),
        'U' | 'W' => number(2, 0, 53, |_, _| {}),
        'V' => number(2, 1, 53, |_, _| {}),
        'f' => {
            let digits = text.bytes().take(6).take_while(u8::is_ascii_digit).count();
            (digits > 0).then(|| {
                parts.micros = format!("{:0<6}", &text[..digits]).parse().unwrap_or(0);
                &text[digits..]
            })
        }
        'B' | 'b' | 'h' => read_name(text, &MONTHS, directive != 'B').map(|(at, rest)| {
            parts.month = at as i64 + 1;
            rest
        }),
        'A' | 'a' => read_name(text, &DAYS, directive == 'a').map(|(_, rest)| rest),
        'p' => {
            let half = text.get(..2).unwrap_or("").to_ascii_lowercase();
            matches!(half.as_str(), "am" | "pm").then(|| {
                parts.afternoon = half == "pm";
                &text[2..]
            })
        }
        'z' => read_offset(text, parts),
        'Z' => ["utc", "gmt"]
            .iter()
            .find_map(|name| text.get(..3).filter(|t| t.eq_ignore_ascii_case(name)).map(|_| &text[3..])),
        'T' | 'X' => read_format(text, "%H:%M:%S", parts).ok().flatten(),
        'D' | 'x' => read_format(text, "%m/%d/%y", parts).ok().flatten(),
        'c' => read_format(text, "%a %b %d %H:%M:%S %Y", parts).ok().flatten(),
        '%' => text.strip_prefix('%'),
        _ => return None,
    })
}

fn read_offset<'t>(text: &'t str, parts: &mut Parts) -> Option<&'t str> {
    if let Some(rest) = text.strip_prefix('Z') {
        parts.offset = Some(0);
        return Some(rest);
    }
    let sign = match text.bytes().next()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let two = |text: &'t str| text.get(..2).filter(|d| d.bytes().all(|b| b.is_ascii_digit())).map(|d| (d, &text[2..]));
    let (hours, rest) = two(&text[1..])?;
    let (minutes, rest) = two(rest.strip_prefix(':').unwrap_or(rest))?;
    let (seconds, rest) = rest.strip_prefix(':').and_then(two).unwrap_or(("0", rest));
    let number = |d: &str| d.parse::<i32>().unwrap_or(0);
    parts.offset = Some(sign * (number(hours) * 3600 + number(minutes) * 60 + number(seconds)));
    Some(rest)
}
