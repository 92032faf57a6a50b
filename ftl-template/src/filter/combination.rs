//! Filters that pair and permute lists.

use ftl_core::Value;

use super::argument::{index, iterate};
use crate::{Arguments, Evaluation, Failure};

type Answer = Result<Value, Failure>;

fn tuple(items: Vec<Value>) -> Value {
    Value::Tuple(items.into())
}

/// The filtered value and all positional arguments, as lists.
fn lists(value: &Value, args: &mut Arguments) -> Result<Vec<Vec<Value>>, Failure> {
    let mut out = vec![iterate(value)?];
    for other in args.rest() {
        out.push(iterate(&other)?);
    }
    Ok(out)
}

pub(super) fn zip(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let strict = args.take_named("strict").is_some_and(|v| v.is_true());
    let lists = lists(&value, &mut args)?;
    args.finish("zip")?;
    let shortest = lists.iter().map(Vec::len).min().unwrap_or(0);
    if strict && let Some(at) = lists.iter().position(|l| l.len() != lists[0].len()) {
        let relation = if lists[at].len() < lists[0].len() { "shorter" } else { "longer" };
        let others = if at == 1 { "argument 1".to_string() } else { format!("arguments 1-{at}") };
        return Err(Failure::value_error(format!("zip() argument {} is {relation} than {others}", at + 1)));
    }
    Ok((0..shortest).map(|i| tuple(lists.iter().map(|l| l[i].clone()).collect())).collect())
}

pub(super) fn zip_longest(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let fill = args.take_named("fillvalue").unwrap_or_default();
    let lists = lists(&value, &mut args)?;
    args.finish("zip_longest")?;
    let longest = lists.iter().map(Vec::len).max().unwrap_or(0);
    let item = |l: &Vec<Value>, i: usize| l.get(i).unwrap_or(&fill).clone();
    Ok((0..longest).map(|i| tuple(lists.iter().map(|l| item(l, i)).collect())).collect())
}

pub(super) fn product(evaluation: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let repeat = args.take_named("repeat").map_or(Ok(1), |v| index(&v))?;
    if repeat < 0 {
        return Err(Failure::value_error("repeat argument cannot be negative"));
    }
    let once = lists(&value, &mut args)?;
    args.finish("product")?;
    let count = once.iter().map(|l| l.len() as f64).product::<f64>().powi(repeat.min(1 << 20) as i32);
    evaluation.check_items(count.min(1e18) as usize)?;
    evaluation.check_items(once.len().saturating_mul(repeat as usize))?;
    let pools: Vec<&Vec<Value>> = (0..repeat).flat_map(|_| once.iter()).collect();
    let mut rows: Vec<Vec<Value>> = vec![vec![]];
    for pool in pools {
        evaluation.check_deadline()?;
        rows = rows
            .iter()
            .flat_map(|row| pool.iter().map(|item| row.iter().chain([item]).cloned().collect::<Vec<_>>()))
            .collect();
    }
    Ok(rows.into_iter().map(tuple).collect())
}

pub(super) fn permutations(evaluation: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let length = args.take_given("r", 0);
    args.finish("permutations")?;
    let items = iterate(&value)?;
    let length = match &length {
        None => items.len(),
        Some(length) => whole_length(length)?,
    };
    if length > items.len() {
        return Ok(Value::list(vec![]));
    }
    let count = (0..length).map(|i| (items.len() - i) as f64).product::<f64>();
    evaluation.check_items(count.min(1e18) as usize)?;
    let mut out = vec![];
    permute(&items, length, &mut vec![], &mut out);
    Ok(Value::list(out))
}

fn whole_length(length: &Value) -> Result<usize, Failure> {
    let length = match length {
        Value::Int(_) | Value::Bool(_) => index(length)?,
        Value::Undefined(_) => index(length)?,
        _ => return Err(Failure::type_error("Expected int as r")),
    };
    usize::try_from(length).map_err(|_| Failure::value_error("r must be non-negative"))
}

fn permute(items: &[Value], length: usize, chosen: &mut Vec<usize>, out: &mut Vec<Value>) {
    if chosen.len() == length {
        out.push(tuple(chosen.iter().map(|i| items[*i].clone()).collect()));
        return;
    }
    for at in 0..items.len() {
        if !chosen.contains(&at) {
            chosen.push(at);
            permute(items, length, chosen, out);
            chosen.pop();
        }
    }
}

pub(super) fn combinations(evaluation: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let Some(length) = args.take("r", 0) else {
        return Err(Failure::type_error("combinations() missing required argument 'r' (pos 2)"));
    };
    args.finish("combinations")?;
    let items = iterate(&value)?;
    let length = match &length {
        Value::Int(_) | Value::Bool(_) => whole_length(&length)?,
        other => index(other).map(|_| 0)?,
    };
    if length > items.len() {
        return Ok(Value::list(vec![]));
    }
    let count = (0..length).fold(1.0, |n, i| n * (items.len() - i) as f64 / (i + 1) as f64);
    evaluation.check_items(count.min(1e18) as usize)?;
    let mut out = vec![];
    let mut chosen: Vec<usize> = (0..length).collect();
    loop {
        out.push(tuple(chosen.iter().map(|i| items[*i].clone()).collect()));
        // The last index that can still move; all after it start over right behind it.
        let Some(at) = (0..length).rev().find(|at| chosen[*at] < items.len() - length + at) else { break };
        chosen[at] += 1;
        for next in at + 1..length {
            chosen[next] = chosen[next - 1] + 1;
        }
    }
    Ok(Value::list(out))
}
