//! `date`, `datetime` and `timedelta`.

use ftl_core::Value;
use ftl_core::value::{DateTime, to_text};

use super::{MethodFunction, integer_argument, text_argument};
use crate::call::{Arguments, Failure};
use crate::format;

pub(super) static DATETIME_TABLE: &[(&str, MethodFunction)] = &[
    ("astimezone", |v, _| Ok(v.clone())),
    ("ctime", |v, _| Ok(format::strftime(&of(v), "%a %b %e %H:%M:%S %Y")?.into())),
    ("date", |v, _| Ok(Value::Date(of(v).civil.date()))),
    ("isocalendar", isocalendar),
    ("isoformat", |v, a| {
        let separator = a.take("sep", 0);
        let separator = separator.as_ref().and_then(Value::as_str).unwrap_or("T");
        Ok(to_text(v).replacen(' ', separator, 1).into())
    }),
    ("isoweekday", |v, _| Ok(Value::Int(of(v).civil.weekday().to_monday_one_offset() as i64))),
    ("replace", replace),
    ("strftime", strftime),
    ("timestamp", |v, _| {
        let when = of(v);
        Ok(Value::Float(format::epoch(&when) as f64 + when.civil.subsec_nanosecond() as f64 / 1e9))
    }),
    ("toordinal", |v, _| Ok(Value::Int(ordinal(of(v).civil.date())))),
    ("utctimetuple", |v, _| Ok(timetuple(&of(v)))),
    ("weekday", |v, _| Ok(Value::Int(of(v).civil.weekday().to_monday_zero_offset() as i64))),
];

pub(super) static DATE_TABLE: &[(&str, MethodFunction)] = &[
    ("ctime", |v, _| Ok(format::strftime(&of(v), "%a %b %e %H:%M:%S %Y")?.into())),
    ("isocalendar", isocalendar),
    ("isoformat", |v, _| Ok(to_text(v).into())),
    ("isoweekday", |v, _| Ok(Value::Int(of(v).civil.weekday().to_monday_one_offset() as i64))),
    ("replace", replace),
    ("strftime", strftime),
    ("toordinal", |v, _| Ok(Value::Int(ordinal(of(v).civil.date())))),
    ("weekday", |v, _| Ok(Value::Int(of(v).civil.weekday().to_monday_zero_offset() as i64))),
];

pub(super) static TIMEDELTA_TABLE: &[(&str, MethodFunction)] = &[("total_seconds", |v, _| match v {
    Value::TimeDelta(us) => Ok(Value::Float(*us as f64 / 1e6)),
    _ => Ok(Value::Float(0.0)),
})];

fn of(value: &Value) -> DateTime {
    match value {
        Value::DateTime(when) => *when,
        Value::Date(date) => DateTime { civil: date.at(0, 0, 0, 0), offset: None },
        _ => DateTime { civil: jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0), offset: None },
    }
}

fn ordinal(date: jiff::civil::Date) -> i64 {
    date.duration_since(jiff::civil::date(1, 1, 1)).as_secs() / 86_400 + 1
}

fn timetuple(when: &DateTime) -> Value {
    let c = when.civil;
    let parts = [
        c.year() as i64,
        c.month() as i64,
        c.day() as i64,
        c.hour() as i64,
        c.minute() as i64,
        c.second() as i64,
        c.weekday().to_monday_zero_offset() as i64,
        c.date().day_of_year() as i64,
        0,
    ];
    Value::Tuple(parts.map(Value::Int).into())
}

fn isocalendar(value: &Value, _: &mut Arguments) -> Result<Value, Failure> {
    let week = of(value).civil.date().iso_week_date();
    let parts = [week.year() as i64, week.week() as i64, week.weekday().to_monday_one_offset() as i64];
    Ok(Value::Tuple(parts.map(Value::Int).into()))
}

fn strftime(value: &Value, arguments: &mut Arguments) -> Result<Value, Failure> {
    let format = arguments.require("strftime", "format", 0)?;
    Ok(format::strftime(&of(value), text_argument(&format, "strftime() argument 1")?)?.into())
}

fn replace(value: &Value, arguments: &mut Arguments) -> Result<Value, Failure> {
    let when = of(value);
    let mut with = when.civil.with();
    let mut take = |name: &str, at: usize| integer_argument(arguments.take(name, at), -1);
    let mut set = |name: &'static str, at: usize, with: jiff::civil::DateTimeWith| -> Result<_, Failure> {
        let number = take(name, at)?;
        if number < 0 {
            return Ok(with);
        }
        let byte = i8::try_from(number).map_err(|_| Failure::value_error(format!("{name} is out of range")));
        Ok(match name {
            "year" => with.year(i16::try_from(number).map_err(|_| Failure::value_error("year is out of range"))?),
            "month" => with.month(byte?),
            "day" => with.day(byte?),
            "hour" => with.hour(byte?),
            "minute" => with.minute(byte?),
            "second" => with.second(byte?),
            _ => with.subsec_nanosecond(i32::try_from(number * 1000).unwrap_or(-1)),
        })
    };
    for (at, name) in ["year", "month", "day", "hour", "minute", "second", "microsecond"].into_iter().enumerate() {
        with = set(name, at, with)?;
    }
    let civil = with.build().map_err(|_| Failure::value_error("day is out of range for month"))?;
    arguments.take_named("tzinfo");
    Ok(match value {
        Value::Date(_) => Value::Date(civil.date()),
        _ => Value::DateTime(DateTime { civil, offset: when.offset }),
    })
}

pub(super) fn attribute(value: &Value, name: &str) -> Option<Value> {
    if let Value::TimeDelta(us) = value {
        let (days, rest) = (us.div_euclid(86_400_000_000), us.rem_euclid(86_400_000_000));
        return match name {
            "days" => Some(Value::Int(days)),
            "seconds" => Some(Value::Int(rest / 1_000_000)),
            "microseconds" => Some(Value::Int(rest % 1_000_000)),
            _ => None,
        };
    }
    let c = of(value).civil;
    let is_date = matches!(value, Value::Date(_));
    match name {
        "year" => Some(Value::Int(c.year() as i64)),
        "month" => Some(Value::Int(c.month() as i64)),
        "day" => Some(Value::Int(c.day() as i64)),
        _ if is_date => None,
        "tzinfo" => Some(Value::None).filter(|_| !matches!(value, Value::DateTime(when) if when.offset.is_some())),
        "hour" => Some(Value::Int(c.hour() as i64)),
        "minute" => Some(Value::Int(c.minute() as i64)),
        "second" => Some(Value::Int(c.second() as i64)),
        "microsecond" => Some(Value::Int(c.subsec_nanosecond() as i64 / 1000)),
        _ => None,
    }
}
