//! `set_stats`: figures for the end of the run.

use ftl_core::value::{Map, Value};

use super::context::origin_of;
use super::set_fact::variable_name;
use super::{ActionContext, ActionFuture};

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move {
        context.only(&["aggregate", "data", "per_host"])?;
        let mut result = Map::new();
        let given = match context.args.get("data") {
            None => Default::default(),
            Some(Value::Dict(d)) => d.entries(),
            Some(_) => {
                result.insert("failed", true);
                result.insert("msg", "The 'data' option needs to be a dictionary/hash");
                return Ok(result);
            }
        };
        let mut data = Map::new();
        for (key, value) in given.iter() {
            data.insert(variable_name(&context.renderer.render(key)?, origin_of(key))?, value.clone());
        }
        let flag = |name: &str, default| context.arg(name).map_or(default, |_| context.flag(name, default));
        let mut stats = Map::new();
        stats.insert("data", Value::dict(data));
        stats.insert("per_host", flag("per_host", false));
        stats.insert("aggregate", flag("aggregate", true));
        result.insert("changed", false);
        result.insert("ansible_stats", Value::dict(stats));
        Ok(result)
    })
}
