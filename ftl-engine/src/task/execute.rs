//! Runs one task on one host: its items, its attempts, its verdict.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use ftl_core::event::Event;
use ftl_core::source::Diagnostic;
use ftl_core::value::{Map, Value, repr_str, to_text};
use ftl_playbook::graph::{IncludeKind, Looping, TaskKind};
use ftl_template::{Renderer, Scope};

use super::keywords::{Resolved, defined, register_name, render_bool};
use super::looping::{self, Control};
use super::{TaskFailure, arguments, background, notes, verdict};
use crate::action::{self, ActionContext, ActionSpec};
use crate::step::{Outcome, Step};
use crate::vars::{Facts, HostVarsObject, TaskScope};
use crate::{detail, report};

/// The whole task for one host. Never fails: failures are in the outcome.
pub(crate) async fn run_step(step: &Step) -> Outcome {
    let mut locals = Map::new();
    let path = step.search_path();
    locals.insert("ansible_search_path", path.iter().map(|p| Value::str(p.to_string_lossy())).collect::<Value>());
    let scope = Arc::new(step.scope_for(Some(step.host)).with(Arc::new(locals)));
    let renderer = step.renderer(&scope);
    if let Some(problem) = scope.problem() {
        let mut outcome = Outcome::default();
        verdict::failed(TaskFailure::Error(problem.clone()), step.task.origin.clone(), &mut outcome);
        verdict::default(&mut outcome.map, "changed", false);
        return outcome;
    }
    let mut outcome = match &step.task.looping {
        None => run_item(step, &scope, &mut Map::new(), None).await,
        Some(looping) => match looping::items(looping, &renderer, &step.task.written_action) {
            Ok(items) => run_loop(step, &scope, looping, items).await,
            // `when` may still skip a task whose items are undefined.
            Err(failure) if is_undefined(&failure) => run_item(step, &scope, &mut Map::new(), Some(failure)).await,
            Err(failure) => {
                let mut outcome = Outcome::default();
                loop_failure(step, failure, &mut outcome);
                early_keywords(step, &renderer, &mut outcome);
                outcome
            }
        },
    };
    verdict::default(&mut outcome.map, "changed", false);
    outcome
}

/// An error in the items themselves is shown without "Task failed".
fn loop_failure(step: &Step, failure: TaskFailure, outcome: &mut Outcome) {
    match failure {
        TaskFailure::Error(error) => {
            outcome.map.insert("msg", error.one_line());
            outcome.map.insert("failed", true);
            outcome.map.insert("exception", "(traceback unavailable)");
            outcome.error = Some(error);
        }
        other => verdict::failed(other, step.task.origin.clone(), outcome),
    }
}

pub(super) fn is_undefined(failure: &TaskFailure) -> bool {
    matches!(failure, TaskFailure::Error(error) if error.is_undefined)
}

async fn run_loop(step: &Step, scope: &Arc<TaskScope>, looping: &Looping, items: Vec<Value>) -> Outcome {
    let mut whole = Outcome { looped: true, ..Outcome::default() };
    if items.is_empty() {
        whole.map.insert("changed", false);
        whole.map.insert("skipped", true);
        whole.map.insert("skipped_reason", "No items in the list");
        whole.map.insert("results", Value::list(vec![]));
        let renderer = step.renderer(scope);
        whole.register = register_name(&step.task, &renderer).ok().flatten();
        return whole;
    }
    let renderer = step.renderer(scope);
    let control = match Control::render(looping, &renderer) {
        Ok(control) => control,
        Err(failure) => {
            verdict::failed(failure, step.task.origin.clone(), &mut whole);
            early_keywords(step, &renderer, &mut whole);
            return whole;
        }
    };
    if scope.get(&control.loop_var).is_some() {
        step.emit(Event::Message(
            Diagnostic::warning(format!("The loop variable {} is already in use.", repr_str(&control.loop_var))).hint(
                "You should set the `loop_var` value in the `loop_control` option for the task to something else to \
                 avoid variable collisions and unexpected behavior.",
            ),
        ));
    }
    let mut learned = Map::new();
    let mut results = vec![];
    for index in 0..items.len() {
        if index > 0 && control.pause > 0.0 {
            pause(step, Duration::from_secs_f64(control.pause)).await;
        }
        if step.run.cancel.is_cancelled() {
            break;
        }
        let variables = control.variables(&items, index);
        let mut outcome = run_one(step, scope, &mut learned, &variables).await;
        finish_item(step, scope, &control, &variables, &learned, &mut outcome);
        let stop = should_break(step, scope, &control, &learned, &variables);
        gather(&mut whole, &mut outcome, results.is_empty());
        results.push(Value::dict(outcome.map));
        if stop {
            break;
        }
    }
    close_loop(&mut whole, results);
    whole
}

async fn run_one(step: &Step, scope: &Arc<TaskScope>, learned: &mut Map, variables: &Map) -> Outcome {
    let item_scope = Arc::new(scope.with(Arc::new(learned.clone())).with(Arc::new(variables.clone())));
    run_item(step, &item_scope, learned, None).await
}

/// Names the item in its result and reports it.
fn finish_item(
    step: &Step,
    scope: &Arc<TaskScope>,
    control: &Control,
    variables: &Map,
    learned: &Map,
    outcome: &mut Outcome,
) {
    outcome.map.extend(variables.iter().map(|(k, v)| (k.clone(), v.clone())));
    outcome.map.insert("_ansible_item_result", true);
    outcome.map.insert("_ansible_ignore_errors", outcome.ignore_errors);
    outcome.map.insert("_ansible_ignore_unreachable", outcome.ignore_unreachable);
    let item = variables.get(&control.loop_var).cloned().unwrap_or_default();
    let label = match &control.label {
        None => Ok(item),
        Some(label) => {
            let item_scope = Arc::new(scope.with(Arc::new(learned.clone())).with(Arc::new(variables.clone())));
            step.renderer(&item_scope).render(label).and_then(defined)
        }
    };
    match label {
        Ok(label) => {
            outcome.map.insert("_ansible_item_label", label);
        }
        Err(error) => {
            outcome.map.insert("failed", true);
            outcome.map.insert("msg", format!("Failed to template loop_control.label: {}", error.one_line()));
        }
    }
    if !matches!(&step.task.kind, TaskKind::Action(a) if matches!(&*a.name, "ansible.builtin.add_host" | "ansible.builtin.group_by"))
        || outcome.is_failed()
        || outcome.is_skipped()
    {
        step.emit(Event::ItemFinished(report::item_result(step, outcome)));
    }
}

fn should_break(step: &Step, scope: &Arc<TaskScope>, control: &Control, learned: &Map, variables: &Map) -> bool {
    if control.break_when.is_empty() {
        return false;
    }
    let item_scope = Arc::new(scope.with(Arc::new(variables.clone())).with(Arc::new(learned.clone())));
    let renderer = step.renderer(&item_scope);
    control.break_when.iter().all(|c| renderer.condition(c).unwrap_or(false))
}

/// Takes what an item says about the task as a whole.
fn gather(whole: &mut Outcome, item: &mut Outcome, first: bool) {
    whole.no_log |= item.no_log;
    whole.run_once = item.run_once;
    whole.delegate_facts = item.delegate_facts;
    whole.diff = item.diff;
    whole.register = whole.register.take().or_else(|| item.register.clone());
    whole.delegated = item.delegated.clone().or_else(|| whole.delegated.take());
    whole.discovered = whole.discovered.take().or_else(|| item.discovered.take());
    if item.map.get("failed").is_some_and(Value::is_true) {
        if whole.map.contains_key("failed") {
            whole.ignore_errors &= item.ignore_errors;
        } else {
            whole.map.insert("failed", true);
            whole.map.insert("msg", "One or more items failed");
            whole.ignore_errors = item.ignore_errors;
        }
    } else if first || !whole.map.contains_key("failed") {
        whole.ignore_errors = item.ignore_errors;
    }
    if item.flag("unreachable") {
        let earlier = whole.map.insert("unreachable", true).is_some();
        whole.ignore_unreachable = item.ignore_unreachable && (!earlier || whole.ignore_unreachable);
    }
    if item.flag("changed") {
        whole.map.insert("changed", true);
    }
    for key in ["warnings", "deprecations"] {
        if let Some(said) = item.map.remove(key).and_then(|said| said.as_items()) {
            action::append(&mut whole.map, key, (*said).clone());
        }
    }
    item.map.remove("_ansible_ignore_unreachable");
    if item.map.get("failed").is_some_and(Value::is_true) {
        item.map.remove("_ansible_ignore_errors");
    }
}

fn close_loop(whole: &mut Outcome, results: Vec<Value>) {
    let skipped = results.iter().all(|r| r.get("skipped").is_some_and(|v| v.is_true()));
    whole.map.insert("skipped", skipped);
    whole.map.insert("results", Value::list(results));
    if whole.no_log {
        whole.map.insert("_ansible_no_log", true);
    }
    if !whole.flag("failed") {
        whole.map.insert("msg", "All items completed");
    }
    if skipped {
        whole.map.insert("msg", "All items skipped");
    }
}

pub(super) async fn pause(step: &Step, time: Duration) {
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        () = step.run.cancel.cancelled() => {}
    }
}

/// One item, or a task without any. `learned` gathers what later items may see: registered results and facts.
async fn run_item(step: &Step, scope: &Arc<TaskScope>, learned: &mut Map, loop_error: Option<TaskFailure>) -> Outcome {
    let mut outcome = Outcome::default();
    let renderer = step.renderer(scope);
    let settled = step.without_omitted(&renderer);
    let step = settled.as_ref().unwrap_or(step);
    let (ended, noted) = notes::gathering(attempt(step, scope, &renderer, learned, loop_error, &mut outcome)).await;
    if let Err(failure) = ended {
        verdict::failed(failure, step.task.origin.clone(), &mut outcome);
    }
    if outcome.map.get("failed").is_some_and(Value::is_true) || outcome.flag("unreachable") || outcome.flag("skipped") {
        early_keywords(step, &renderer, &mut outcome);
    }
    if outcome.no_log {
        outcome.map.insert("_ansible_no_log", true);
    }
    notes::settle(&mut outcome, noted);
    if let Some(name) = &outcome.register {
        learned.insert(name.as_str(), Value::dict(outcome.map.clone()));
    }
    outcome
}

/// Keywords that matter even when the task ended before all of them were rendered.
fn early_keywords(step: &Step, renderer: &Renderer, outcome: &mut Outcome) {
    let words = &step.task.keywords;
    // What cannot be rendered must not show secrets, and hides no failure.
    outcome.no_log |= render_bool(renderer, "no_log", &words.no_log, step.run.settings.no_log).unwrap_or(true);
    outcome.ignore_errors |= render_bool(renderer, "ignore_errors", &words.ignore_errors, false).unwrap_or(false);
    outcome.ignore_unreachable |=
        render_bool(renderer, "ignore_unreachable", &words.ignore_unreachable, false).unwrap_or(false);
    if outcome.register.is_none() {
        outcome.register = register_name(&step.task, renderer).ok().flatten();
    }
}

/// Where the task really runs.
struct Place {
    scope: Arc<TaskScope>,
    connection_scope: Arc<TaskScope>,
    host: String,
    delegated: bool,
}

/// `delegate_to`, rendered; the variables of the other host decide how it is reached.
fn place(step: &Step, scope: &Arc<TaskScope>, renderer: &Renderer) -> Result<Place, TaskFailure> {
    let own = || Place {
        scope: scope.clone(),
        connection_scope: scope.clone(),
        host: step.host_name.to_string(),
        delegated: false,
    };
    let Some(written) = &step.task.keywords.delegate_to else { return Ok(own()) };
    let value = renderer.render(written).and_then(defined)?;
    if value.is_omit() {
        return Ok(own());
    }
    let name = to_text(&value);
    if value.is_none() || name.is_empty() {
        return Err(TaskFailure::message(format!(
            "Empty hostname produced from delegate_to: \"{}\"",
            to_text(written)
        )));
    }
    let inventory = &step.world.inventory;
    let id = inventory.find_host(&name).or_else(|| {
        let by_address = |id: &ftl_core::id::HostId| {
            inventory.host(*id).vars.get("ansible_host").and_then(Value::as_str).is_some_and(|a| a == name)
        };
        inventory.hosts().find(by_address)
    });
    let mut as_host = Map::new();
    as_host.insert("inventory_hostname", &*step.host_name);
    let connection_scope = match id {
        Some(_) => step.scope_for(id),
        // A host nobody wrote down still has the variables of `all`.
        None => {
            let (world, id) = step.world.with_stranger(&name, &step.run.inventory_settings);
            Step { world, ..step.clone() }.scope_for(id)
        }
    };
    let connection_scope = Arc::new(connection_scope.with(Arc::new(as_host)));
    let mut delegated = Map::new();
    let entry = HostVarsObject::entry(&step.run, connection_scope.clone(), &name);
    delegated.insert("ansible_delegated_vars", Value::dict([(name.as_str(), entry)].into_iter().collect()));
    let scope = Arc::new(scope.with(Arc::new(delegated)));
    Ok(Place { scope, connection_scope, host: name, delegated: true })
}

async fn attempt(
    step: &Step,
    scope: &Arc<TaskScope>,
    renderer: &Renderer,
    learned: &mut Map,
    loop_error: Option<TaskFailure>,
    outcome: &mut Outcome,
) -> Result<(), TaskFailure> {
    let place = match place(step, scope, renderer) {
        Ok(place) => place,
        Err(failure) => {
            // Nobody knows which host was meant; displays show what was written.
            outcome.delegated = step.task.keywords.delegate_to.as_ref().map(|written| (to_text(written), None));
            return Err(failure);
        }
    };
    if place.delegated {
        outcome.delegated = Some((place.host.clone(), address_of(step, &place)));
    }
    let scope = &place.scope;
    let renderer = step.renderer(scope);
    for condition in &step.task.keywords.when {
        match renderer.condition(condition) {
            Ok(true) => {}
            Ok(false) => {
                outcome.map.insert("changed", false);
                outcome.map.insert("skipped", true);
                outcome.map.insert("skip_reason", "Conditional result was False");
                outcome.map.insert("false_condition", condition.clone());
                return Ok(());
            }
            Err(error) => return Err(loop_error.unwrap_or(TaskFailure::Error(error))),
        }
    }
    if let Some(failure) = loop_error {
        return Err(failure);
    }
    let keywords = Resolved::render(&step.run, &step.task, &renderer)?;
    outcome.ignore_errors = keywords.ignore_errors;
    outcome.ignore_unreachable = keywords.ignore_unreachable;
    outcome.no_log = keywords.no_log;
    outcome.run_once = keywords.run_once;
    outcome.delegate_facts = keywords.delegate_facts;
    outcome.diff = keywords.diff;
    outcome.register = keywords.register.clone();
    let deadline = keywords.timeout.map(|t| std::time::Instant::now() + t);
    let renderer = match deadline {
        Some(deadline) => renderer.with_deadline(deadline),
        None => renderer,
    };
    let args = arguments::render_arguments(&step.run, &step.task, &renderer)?;
    outcome.detail = detail::rendered(step, &keywords, &args, &place.host, &renderer);
    if let TaskKind::Include(include) = &step.task.kind {
        return include_result(include.kind, args, outcome);
    }
    run_attempts(step, &place, &renderer, &keywords, args, learned, outcome).await?;
    if !keywords.notify.is_empty() {
        outcome
            .map
            .insert("_ansible_notify", keywords.notify.iter().map(|n| Value::str(n.as_str())).collect::<Value>());
    }
    Ok(())
}

fn address_of(step: &Step, place: &Place) -> Option<String> {
    let raw = place.connection_scope.get("ansible_host")?;
    let address = to_text(&step.renderer(&place.connection_scope).render(&raw).ok()?);
    (address != place.host).then_some(address)
}

fn include_result(kind: IncludeKind, mut args: Map, outcome: &mut Outcome) -> Result<(), TaskFailure> {
    if kind != IncludeKind::Role {
        let file = args.remove("_raw_params").or_else(|| args.remove("file"));
        match file {
            Some(file) if file.is_true() => outcome.map.insert("include", to_text(&file)),
            _ => {
                outcome.map.insert("failed", true);
                outcome.map.insert("msg", "No include file was specified to the include");
                return Ok(());
            }
        };
    }
    outcome.map.insert("include_args", Value::dict(args));
    Ok(())
}

/// The action a task asks for, found now when its name is a template.
fn find_action(step: &Step, renderer: &Renderer) -> Result<(String, Option<ftl_core::call::ModuleRef>), TaskFailure> {
    match &step.task.kind {
        TaskKind::Action(a) => Ok((a.name.to_string(), a.module.clone())),
        TaskKind::Module(m) => Ok((m.fqcn.to_string(), Some(m.clone()))),
        _ => {
            let name = step.task.action_template.as_ref();
            let written = match name {
                Some(template) => to_text(&renderer.render(template).and_then(defined)?),
                None => step.task.written_action.to_string(),
            };
            let short = written.rsplit('.').next().unwrap_or(&written);
            let builtin = format!("ansible.builtin.{short}");
            let is_builtin =
                written == short || written.starts_with("ansible.builtin.") || written.starts_with("ansible.legacy.");
            let module = step.run.runtime.find(&written, &step.task.keywords.module_search);
            if is_builtin && action::find(&builtin).name == builtin {
                return Ok((builtin, module.ok()));
            }
            let module = module.map_err(|_| {
                TaskFailure::message(format!("Cannot resolve {} to an action or module.", repr_str(&written)))
            })?;
            Ok((module.fqcn.to_string(), Some(module)))
        }
    }
}

async fn run_attempts(
    step: &Step,
    place: &Place,
    renderer: &Renderer,
    keywords: &Resolved,
    args: Map,
    learned: &mut Map,
    outcome: &mut Outcome,
) -> Result<(), TaskFailure> {
    let (name, module) = find_action(step, renderer)?;
    let spec = match module.as_ref().is_some_and(|m| m.action_plugin.is_some()) {
        true => &action::PLUGIN,
        false => action::find(&name),
    };
    let task = &step.task;
    let attempts = match (keywords.retries, task.until.is_empty()) {
        (Some(retries), _) => 1 + retries.max(0),
        (None, false) => 4,
        (None, true) => 1,
    };
    for attempt in 1..=attempts {
        let context = ActionContext {
            step,
            args: args.clone(),
            keywords,
            scope: &place.scope,
            renderer,
            connection_scope: &place.connection_scope,
            connection_host: &place.host,
            module: module.as_ref(),
            name: &name,
            resolution: OnceLock::new(),
            discovered: OnceLock::new(),
            described: Mutex::new(None),
        };
        let result = run_action(spec, &context).await;
        outcome.discovered = outcome.discovered.take().or_else(|| context.discovered.get().cloned());
        let described = context.described.lock().unwrap_or_else(|e| e.into_inner()).take();
        let mut map = match result {
            Ok(map) => map,
            // Unreachable hosts and errors of ours end the task; only answers are tried again.
            Err(TaskFailure::Skipped(mut map)) => {
                map.insert("skipped", true);
                map
            }
            Err(failure) => return Err(failure),
        };
        if keywords.async_seconds > 0 && keywords.poll > 0 && !flag(&map, "skipped") && !flag(&map, "failed") {
            map = background::poll(&context, map, &outcome.detail).await?;
        }
        verdict::normalize(&mut map);
        // What `failed_when` decides is the task's failure, not the module's.
        let module_failed = spec.is_module && flag(&map, "failed");
        if attempts > 1 {
            map.insert("attempts", attempt);
        }
        let after = after_scope(place, step, keywords, &name, &map, learned);
        judge(step, &after, &mut map);
        if attempts > 1 {
            let after = after_scope(place, step, keywords, &name, &map, learned);
            let enough = until_holds(step, &after, &map)?;
            if !enough && attempt < attempts && !step.run.cancel.is_cancelled() {
                map.insert("_ansible_retry", true);
                map.insert("retries", attempts);
                outcome.map = map;
                let result = report::retry_result(step, outcome);
                step.emit(Event::Retrying { result, attempts_left: (attempts - attempt) as u32 });
                pause(step, Duration::from_secs_f64(keywords.delay)).await;
                continue;
            }
            if !enough {
                map.insert("attempts", attempts - 1);
                map.insert("failed", true);
            }
        }
        learn(step, &name, &map, learned);
        outcome.error = verdict::error_of_result(&mut map, module_failed, described.as_ref(), task.origin.clone());
        outcome.map = map;
        break;
    }
    Ok(())
}

fn flag(map: &Map, key: &str) -> bool {
    map.get(key).is_some_and(Value::is_true)
}

/// The action, within the task's `timeout:`.
async fn run_action(spec: &ActionSpec, context: &ActionContext<'_>) -> Result<Map, TaskFailure> {
    if context.keywords.async_seconds > 0 && !spec.supports_async {
        let written = &context.step.task.written_action;
        return Err(TaskFailure::plain(format!("This action ({written}) does not support async.")));
    }
    if context.keywords.check && !spec.supports_check {
        let mut map = Map::new();
        let written = &context.step.task.written_action;
        map.insert("msg", format!("This action ({written}) does not support check mode."));
        return Err(TaskFailure::Skipped(map));
    }
    let work = (spec.run)(context);
    let limited = async {
        match context.keywords.timeout {
            // The gate ends the module at the deadline itself; the second is for its answer to arrive.
            Some(limit) => match tokio::time::timeout(limit + Duration::from_secs(1), work).await {
                Ok(result) => result,
                Err(_) => Err(TaskFailure::timed_out(limit.as_secs())),
            },
            None => work.await,
        }
    };
    tokio::select! {
        result = limited => result,
        () = context.step.run.cancel.cancelled() => Err(TaskFailure::Host(ftl_core::result::HostError::Cancelled)),
    }
}

/// What conditions after the run see: the registered result and new facts on top.
fn after_scope(
    place: &Place,
    step: &Step,
    keywords: &Resolved,
    name: &str,
    map: &Map,
    learned: &Map,
) -> Arc<TaskScope> {
    let mut top = Map::new();
    fact_variables(step, name, map, learned, &mut top);
    if let Some(register) = &keywords.register {
        top.insert(register.as_str(), Value::dict(map.clone()));
    }
    if top.is_empty() { place.scope.clone() } else { Arc::new(place.scope.with(Arc::new(top))) }
}

fn learn(step: &Step, name: &str, map: &Map, learned: &mut Map) {
    let mut new = Map::new();
    fact_variables(step, name, map, learned, &mut new);
    learned.extend(new);
}

/// Variables that the facts in a result are seen as.
fn fact_variables(step: &Step, name: &str, map: &Map, learned: &Map, into: &mut Map) {
    let Some(Value::Dict(facts)) = map.get("ansible_facts") else { return };
    let facts = facts.entries();
    match name {
        "ansible.builtin.debug" => {}
        "ansible.builtin.set_fact" | "ansible.builtin.include_vars" => {
            into.extend(facts.iter().map(|(k, v)| (k.clone(), v.clone())));
        }
        _ => {
            let new = Facts::new((*facts).clone());
            let before = match learned.get("ansible_facts") {
                Some(value) => value.clone(),
                None => step.world.host(step.host).facts.namespaced(),
            };
            into.insert("ansible_facts", crate::vars::combine(&before, &new.namespaced()));
            if step.run.settings.inject_facts {
                into.extend(new.injected().iter().map(|(k, v)| (k.clone(), v.clone())));
            }
        }
    }
}

/// `changed_when` and `failed_when`.
fn judge(step: &Step, scope: &Arc<TaskScope>, map: &mut Map) {
    if map.contains_key("skipped") {
        return;
    }
    let task = &step.task;
    if task.changed_when.is_empty() && task.failed_when.is_empty() {
        return;
    }
    let all = |scope: &Arc<TaskScope>, conditions: &[Value]| -> Result<bool, Diagnostic> {
        let renderer = step.renderer(scope);
        for condition in conditions {
            if !renderer.condition(condition)? {
                return Ok(false);
            }
        }
        Ok(true)
    };
    if !task.changed_when.is_empty() {
        match all(scope, &task.changed_when) {
            Ok(changed) => {
                map.insert("changed", changed);
            }
            Err(error) => {
                map.insert("failed", true);
                map.insert("changed_when_result", error.one_line());
                return;
            }
        }
    }
    if !task.failed_when.is_empty() {
        // `changed` as just decided is seen by `failed_when`.
        match all(scope, &task.failed_when) {
            Ok(failed) => {
                map.insert("failed", failed);
                map.insert("failed_when_result", failed);
                if !failed && let Some(exception) = map.remove("exception") {
                    map.insert("failed_when_suppressed_exception", exception);
                }
            }
            Err(error) => {
                map.insert("failed", true);
                map.insert("failed_when_result", error.one_line());
            }
        }
    }
}

fn until_holds(step: &Step, scope: &Arc<TaskScope>, map: &Map) -> Result<bool, TaskFailure> {
    if step.task.until.is_empty() {
        return Ok(!flag(map, "failed"));
    }
    let renderer = step.renderer(scope);
    for condition in &step.task.until {
        if !renderer.condition(condition)? {
            return Ok(false);
        }
    }
    Ok(true)
}
