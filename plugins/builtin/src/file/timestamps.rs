//! `modification_time` and `access_time`.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use ftl_sdk::{Args, Failure, Host, Object, Value};
use jiff::civil::DateTime;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, utimensat};

use super::state::State;
use crate::attributes::side;
use crate::{problem, times};

/// The only format that is read here; others are left to Python's `strptime`.
pub(crate) const FORMAT: &str = "%Y%m%d%H%M.%S";

#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Moment {
    Preserve,
    Now,
    At(f64),
}

/// Both times a file shall have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub modified: Moment,
    pub accessed: Moment,
}

impl Times {
    pub(crate) fn of(args: &Args, state: State, host: &Host) -> Result<Times, Failure> {
        Ok(Times {
            modified: moment(args.text("modification_time"), state, host)?,
            accessed: moment(args.text("access_time"), state, host)?,
        })
    }

    /// Sets the times where they differ; was there anything to do?
    pub(crate) fn apply(&self, host: &Host, path: &str, diff: Option<&mut Object>) -> Result<bool, Failure> {
        if (self.modified, self.accessed) == (Moment::Preserve, Moment::Preserve) {
            return Ok(false);
        }
        let file = host.at(path);
        let failure = |error: std::io::Error| {
            let text = problem::about_bytes(&error, Path::new(path));
            Failure::new(format!("Error while updating modification or access time: {text}")).with("path", path)
        };
        let found = std::fs::metadata(&file).map_err(failure)?;
        let before =
            (times::seconds(found.mtime(), found.mtime_nsec()), times::seconds(found.atime(), found.atime_nsec()));
        let now = jiff::Timestamp::now().as_nanosecond() as f64 / 1e9;
        let pick = |wanted, before| match wanted {
            Moment::Preserve => before,
            Moment::Now => now,
            Moment::At(time) => time,
        };
        let after = (pick(self.modified, before.0), pick(self.accessed, before.1));
        let both_now = (self.modified, self.accessed) == (Moment::Now, Moment::Now);
        if !both_now && after == before {
            return Ok(false);
        }
        if !host.check() {
            let kept = |seconds, nanoseconds| Timespec { tv_sec: seconds, tv_nsec: nanoseconds };
            let times = Timestamps {
                last_modification: stamp(self.modified, kept(found.mtime(), found.mtime_nsec())),
                last_access: stamp(self.accessed, kept(found.atime(), found.atime_nsec())),
            };
            utimensat(CWD, &file, &times, AtFlags::empty()).map_err(|error| failure(error.into()))?;
        }
        if let Some(diff) = diff {
            note(diff, "mtime", before.0, after.0);
            note(diff, "atime", before.1, after.1);
        }
        Ok(true)
    }
}

fn note(diff: &mut Object, key: &str, before: f64, after: f64) {
    if before != after {
        side(diff, "before").insert(key.to_owned(), Value::from(before));
        side(diff, "after").insert(key.to_owned(), Value::from(after));
    }
}

fn stamp(wanted: Moment, kept: Timespec) -> Timespec {
    match wanted {
        Moment::Preserve => kept,
        Moment::Now => Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
        Moment::At(time) => Timespec { tv_sec: time as i64, tv_nsec: 0 },
    }
}

fn moment(given: Option<&str>, state: State, host: &Host) -> Result<Moment, Failure> {
    match given {
        None if state == State::Touch => Ok(Moment::Now),
        None | Some("preserve") => Ok(Moment::Preserve),
        Some("now") => Ok(Moment::Now),
        Some(text) => {
            let seconds = parse(text).and_then(|time| times::zone(host).to_zoned_datetime(time).ok());
            match seconds {
                Some(time) => Ok(Moment::At(time.timestamp().as_second() as f64)),
                None => Err(Failure::new(format!(
                    "Error while obtaining timestamp for time {text} using format {FORMAT}: time data '{text}' does not match \
                     format '{FORMAT}'"
                ))),
            }
        }
    }
}

/// `202011231508.28`.
pub(crate) fn parse(text: &str) -> Option<DateTime> {
    let bytes = text.as_bytes();
    let digits = |from: usize, to: usize| text.get(from..to)?.parse::<i16>().ok();
    let shaped =
        bytes.len() == 15 && bytes[12] == b'.' && bytes.iter().enumerate().all(|(i, b)| i == 12 || b.is_ascii_digit());
    if !shaped {
        return None;
    }
    let small = |from| digits(from, from + 2).map(|number| number as i8);
    DateTime::new(digits(0, 4)?, small(4)?, small(6)?, small(8)?, small(10)?, small(13)?, 0).ok()
}
