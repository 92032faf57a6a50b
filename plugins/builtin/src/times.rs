//! The clock, in the host's time zone, as Python prints it.

use ftl_sdk::Host;
use jiff::ZonedDateTime;
use jiff::tz::TimeZone;

/// The zone of `TZ` where the task sets it, else the machine's.
pub(crate) fn zone(host: &Host) -> TimeZone {
    match host.variable("TZ") {
        Some(name) if !name.is_empty() => {
            let name = name.trim_start_matches(':');
            TimeZone::get(name).or_else(|_| TimeZone::posix(name)).unwrap_or(TimeZone::UTC)
        }
        _ => TimeZone::system(),
    }
}

pub(crate) fn now(host: &Host) -> ZonedDateTime {
    jiff::Timestamp::now().to_zoned_datetime(zone(host))
}

/// `2026-11-23 15:08:28.123456`, as Python prints a local time.
pub(crate) fn shown(time: &ZonedDateTime) -> String {
    let seconds = time.strftime("%Y-%m-%d %H:%M:%S").to_string();
    match time.subsec_nanosecond() / 1000 {
        0 => seconds,
        micros => format!("{seconds}.{micros:06}"),
    }
}

/// `0:00:00.001234`, as Python prints a duration.
pub(crate) fn elapsed(from: &ZonedDateTime, to: &ZonedDateTime) -> String {
    let micros = |time: &ZonedDateTime| time.timestamp().as_microsecond();
    let length = (micros(to) - micros(from)).max(0);
    let (seconds, micros) = (length / 1_000_000, length % 1_000_000);
    let (days, rest) = (seconds / 86400, seconds % 86400);
    let days = match days {
        0 => String::new(),
        1 => "1 day, ".into(),
        days => format!("{days} days, "),
    };
    let fraction = if micros == 0 { String::new() } else { format!(".{micros:06}") };
    format!("{days}{}:{:02}:{:02}{fraction}", rest / 3600, rest / 60 % 60, rest % 60)
}

/// Seconds since 1970 as Python's `stat` gives them.
pub(crate) fn seconds(whole: i64, nanoseconds: i64) -> f64 {
    whole as f64 + 1e-9 * nanoseconds as f64
}
