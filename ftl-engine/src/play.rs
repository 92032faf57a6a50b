//! One play from its first word to its last: hosts, variables, batches, strategy.

use std::sync::Arc;

use ftl_core::call::ModuleSearch;
use ftl_core::event::Event;
use ftl_core::id::{BlockId, HostId, TaskId};
use ftl_core::source::Diagnostic;
use ftl_core::value::{Map, Value, to_text};
use ftl_inventory::{Limit, Selection, matches_glob};
use ftl_playbook::graph::{Action, BlockSpec, Entry, Keywords, Meta, PlaySpec, TaskGraph, TaskKind, TaskSpec};
use ftl_template::Renderer;

use crate::debugger;
use crate::detail;
use crate::magic;
use crate::play_run::{Ledger, PlayRun};
use crate::process::Fatal;
use crate::run::{Question, Run};
use crate::settings::Gathering;
use crate::strategy::{End, run_free, run_linear};
use crate::vars::{PlayVars, TaskScope, VarsFiles};

/// How a play ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PlayEnd {
    Next,
    /// No further play of this playbook.
    Stop,
}

/// A play's values, rendered.
struct Rendered {
    name: String,
    patterns: Vec<String>,
    strategy: String,
    order: Option<String>,
    serial: Vec<String>,
    max_fail_percentage: Option<f64>,
    force_handlers: Option<bool>,
    any_errors_fatal: bool,
    gather: Option<bool>,
    check: bool,
}

impl Rendered {
    fn strategy(&self) -> &str {
        self.strategy.strip_prefix("ansible.builtin.").unwrap_or(&self.strategy)
    }

    fn is_free(&self) -> bool {
        matches!(self.strategy(), "free" | "host_pinned")
    }
}

pub(crate) const OK: u8 = 0;
pub(crate) const FAILED: u8 = 2;
pub(crate) const UNREACHABLE: u8 = 4;

/// Runs a play; the ledger comes back changed. The exit code is that of the last batch; none when no host matched.
pub(crate) async fn run_play(
    run: &Arc<Run>,
    spec: Arc<PlaySpec>,
    limit: Option<&Limit>,
    mut ledger: Ledger,
) -> Result<(Ledger, PlayEnd, Option<u8>), (Ledger, Fatal)> {
    let result = prepare(run, &spec, limit, &mut ledger).await;
    let (rendered, mut play, hosts) = match result {
        Ok(prepared) => prepared,
        Err(fatal) => return Err((ledger, fatal)),
    };
    if hosts.is_empty() {
        run.sink.emit(started(run, &spec, &rendered, &ledger, &[]));
        run.sink.emit(Event::NoHostsMatched);
        return Ok((ledger, PlayEnd::Next, None));
    }
    let batches = match batches(&rendered.serial, &hosts) {
        Ok(batches) => batches,
        Err(error) => return Err((ledger, Fatal(error))),
    };
    let mut code = None;
    let mut previously = ledger.failed.len() + ledger.unreachable.len();
    for batch in batches {
        run.sink.emit(started(run, &spec, &rendered, &ledger, &batch));
        let size = batch.len();
        Arc::make_mut(&mut play).batch = batch.clone();
        let (back, outcome) = run_batch(run, &spec, &rendered, &play, ledger, batch).await;
        ledger = back;
        let (end, ended, batch_code) = match outcome {
            Ok(answer) => answer,
            Err(fatal) => return Err((ledger, fatal)),
        };
        code = Some(batch_code);
        if ended || run.cancel.is_cancelled() {
            break;
        }
        if end == End::TooManyFailed {
            return Ok((ledger, PlayEnd::Stop, Some(FAILED)));
        }
        let now = ledger.failed.len() + ledger.unreachable.len();
        if size == now.saturating_sub(previously) {
            return Ok((ledger, PlayEnd::Stop, code));
        }
        previously = now;
    }
    Ok((ledger, PlayEnd::Next, code))
}

fn started(run: &Run, spec: &PlaySpec, rendered: &Rendered, ledger: &Ledger, batch: &[HostId]) -> Event {
    let words = [
        ("hosts", rendered.patterns.iter().map(|p| Value::str(p.as_str())).collect()),
        ("strategy", Value::str(rendered.strategy.as_str())),
    ];
    Event::PlayStarted {
        name: rendered.name.clone(),
        check: rendered.check,
        free: rendered.is_free(),
        hosts: batch.len(),
        detail: detail::play(run, spec, words, &ledger.world.inventory, batch),
    }
}

async fn run_batch(
    run: &Arc<Run>,
    spec: &Arc<PlaySpec>,
    rendered: &Rendered,
    play: &Arc<PlayVars>,
    ledger: Ledger,
    batch: Vec<HostId>,
) -> (Ledger, Result<(End, bool, u8), Fatal>) {
    let mut graph = spec.graph.clone();
    let mut body = vec![];
    let gather = wants_facts(run, rendered);
    if gather != Gather::Never {
        body.push(gather_block(run, spec, &mut graph));
    }
    match rendered.force_handlers.unwrap_or(run.settings.force_handlers) {
        true => body.extend(with_forced_handlers(spec, &mut graph)),
        false => body.extend(spec.body.iter().copied()),
    }
    let has_gather = gather != Gather::Never;
    let mut state = PlayRun::new(run, spec, Arc::new(graph), body.clone(), play.clone(), ledger, batch);
    state.max_fail_percentage = rendered.max_fail_percentage;
    state.any_errors_fatal = rendered.any_errors_fatal;
    state.patterns = rendered.patterns.clone();
    state.ledger.world.removed = Arc::default();
    for host in state.hosts.clone() {
        if state.ledger.failed.contains(&host) || state.ledger.unreachable.contains(&host) {
            state.mark_failed(host);
        }
    }
    let carried = state.ledger.failed.iter().any(|h| !state.hosts.contains(h));
    // Hosts of other batches stay failed; those of this one are found failed again at its end.
    let batch_hosts = state.hosts.clone();
    state.ledger.failed.retain(|h| !batch_hosts.contains(h));
    start_at_task(&mut state, if has_gather { body.first().copied() } else { None });
    if gather == Gather::Smart && has_gather {
        skip_known_facts(&mut state);
    }
    let result = match rendered.strategy() {
        "debug" => Err(Fatal(debugger::unsupported("The strategy 'debug'").at(spec.origin.clone()))),
        "linear" => run_linear(&mut state).await,
        "free" => run_free(&mut state, false).await,
        "host_pinned" => run_free(&mut state, true).await,
        other => {
            Err(Fatal(Diagnostic::error(format!("Invalid play strategy specified: {other}")).at(spec.origin.clone())))
        }
    };
    for host in state.hosts.clone() {
        if state.is_failed(host) {
            state.ledger.failed.insert(host);
        }
    }
    let failed = carried || state.hosts.iter().any(|h| state.is_failed(*h));
    let code = match (state.ledger.unreachable.is_empty(), failed) {
        (false, _) => UNREACHABLE,
        (true, true) => FAILED,
        (true, false) => OK,
    };
    let ended = state.end_play;
    (state.ledger, result.map(|end| (end, ended, code)))
}

/// Renders the play's own values and finds its hosts.
async fn prepare(
    run: &Arc<Run>,
    spec: &Arc<PlaySpec>,
    limit: Option<&Limit>,
    ledger: &mut Ledger,
) -> Result<(Rendered, Arc<PlayVars>, Vec<HostId>), Fatal> {
    let mut play = PlayVars {
        vars: spec.vars.clone(),
        base_dir: spec.base_dir.clone(),
        magic: magic::for_play(run, spec, ""),
        ..PlayVars::default()
    };
    ledger.world.enter_play(&spec.base_dir);
    run.runtime.add_plugin_directory(&spec.base_dir);
    for role in &spec.graph.roles {
        run.runtime.add_plugin_directory(&role.path);
    }
    for id in &spec.roles {
        let role = spec.graph.role(*id);
        if role.public {
            play.role_defaults.push(role.defaults.clone());
            play.role_vars.push(role.vars.clone());
        }
    }
    play.role_defaults.retain(|m| !m.is_empty());
    play.role_vars.retain(|m| !m.is_empty());
    let mut play = Arc::new(play);
    let asked = ask_variables(run, spec, &play, ledger).await?;
    if !asked.is_empty() {
        let mut vars = (*play.vars).clone();
        vars.extend(asked);
        Arc::make_mut(&mut play).vars = Arc::new(vars);
    }
    let files = VarsFiles::new(&spec.vars_files, &spec.base_dir);
    let maps = files.of_play(run, &play, &ledger.world).map_err(Fatal)?;
    let vars = Arc::make_mut(&mut play);
    vars.vars_files = maps;
    vars.host_files = Arc::new(files);
    let renderer = play_renderer(run, &play, ledger);
    let rendered = render(run, spec, &renderer)?;
    let mut selection = Selection::new(&ledger.world.inventory, &run.inventory_settings);
    let found = selection.hosts(&rendered.patterns, limit);
    let all = Selection::new(&ledger.world.inventory, &run.inventory_settings).hosts(&rendered.patterns, None);
    let warnings = std::mem::take(&mut selection.warnings);
    for warning in warnings {
        run.sink.emit(Event::Message(warning));
    }
    let mut hosts = found.map_err(Fatal)?;
    order_hosts(&mut hosts, rendered.order.as_deref(), ledger, spec)?;
    let vars = Arc::make_mut(&mut play);
    vars.name = rendered.name.clone();
    vars.magic = magic::for_play(run, spec, &rendered.name);
    vars.hosts_all = all.map_err(Fatal)?;
    vars.batch = hosts.clone();
    for host in &hosts {
        // Broken files of variables are said before anything runs.
        ledger.world.check_inventory_vars(*host).map_err(Fatal)?;
    }
    Ok((rendered, play, hosts))
}

fn play_renderer(run: &Arc<Run>, play: &Arc<PlayVars>, ledger: &Ledger) -> Renderer {
    let scope = TaskScope::new(run, play, &ledger.world, None, None);
    Renderer::new(Arc::new(scope), run.template.clone())
}

fn render(run: &Arc<Run>, spec: &PlaySpec, renderer: &Renderer) -> Result<Rendered, Fatal> {
    let value = |name: &str, written: &Option<Value>| -> Result<Option<Value>, Fatal> {
        let Some(raw) = written else { return Ok(None) };
        let value = renderer.render(raw).and_then(crate::task::defined).map_err(|cause| {
            let origin = match raw {
                Value::Str(s) => s.origin().cloned(),
                _ => spec.origin.clone(),
            };
            Fatal(Diagnostic::error(format!("Error processing keyword '{name}'.")).at(origin).caused_by(cause))
        })?;
        Ok((!value.is_none() && !value.is_omit()).then_some(value))
    };
    let text = |name: &str, written: &Option<Value>| value(name, written).map(|v| v.map(|v| to_text(&v)));
    let flag = |name: &str, written: &Option<Value>| -> Result<Option<bool>, Fatal> {
        Ok(value(name, written)?.and_then(|v| v.to_bool_loose()))
    };
    let hosts = value("hosts", &Some(spec.hosts.clone()))?.unwrap_or_default();
    let mut patterns = vec![];
    magic::flatten_patterns(&hosts, &mut patterns);
    let name = match text("name", &spec.name)? {
        Some(name) if !name.is_empty() => name,
        _ => patterns.join(","),
    };
    let serial = match value("serial", &spec.serial)? {
        None => vec![],
        Some(Value::List(l)) => l.items().iter().map(to_text).collect(),
        Some(other) => vec![to_text(&other)],
    };
    let percentage = match value("max_fail_percentage", &spec.max_fail_percentage)? {
        None => None,
        Some(v) => to_text(&v).trim().trim_end_matches('%').parse().ok(),
    };
    Ok(Rendered {
        name,
        patterns,
        strategy: text("strategy", &spec.strategy)?.unwrap_or_else(|| run.settings.strategy.clone()),
        order: text("order", &spec.order)?,
        serial,
        max_fail_percentage: percentage,
        force_handlers: flag("force_handlers", &spec.force_handlers)?,
        any_errors_fatal: flag("any_errors_fatal", &spec.keywords.any_errors_fatal)?
            .unwrap_or(run.settings.any_errors_fatal),
        gather: flag("gather_facts", &spec.gather_facts)?,
        check: flag("check_mode", &spec.keywords.check_mode)?.unwrap_or(run.settings.check),
    })
}

fn order_hosts(hosts: &mut [HostId], order: Option<&str>, ledger: &Ledger, spec: &PlaySpec) -> Result<(), Fatal> {
    let inventory = &ledger.world.inventory;
    match order {
        None | Some("inventory" | "") => {}
        Some("sorted") => hosts.sort_by(|a, b| inventory.host_name(*a).cmp(inventory.host_name(*b))),
        Some("reverse_sorted") => hosts.sort_by(|a, b| inventory.host_name(*b).cmp(inventory.host_name(*a))),
        Some("reverse_inventory") => hosts.reverse(),
        Some("shuffle") => {
            use rand::seq::SliceRandom;
            hosts.shuffle(&mut rand::rng());
        }
        Some(other) => {
            let text = format!("Invalid 'order' specified for inventory hosts: {other}");
            return Err(Fatal(Diagnostic::error(text).at(spec.origin.clone())));
        }
    }
    Ok(())
}

/// Cuts the hosts into batches by `serial`: numbers, percentages, or a list of them (the last repeats).
fn batches(serial: &[String], hosts: &[HostId]) -> Result<Vec<Vec<HostId>>, Diagnostic> {
    if serial.is_empty() {
        return Ok(vec![hosts.to_vec()]);
    }
    let total = hosts.len();
    let size = |text: &str| -> Result<usize, Diagnostic> {
        let bad = || Diagnostic::error(format!("The serial value '{text}' is neither a number nor a percentage."));
        let text = text.trim();
        Ok(match text.strip_suffix('%') {
            Some(percent) => {
                let percent: f64 = percent.trim().parse().map_err(|_| bad())?;
                ((total as f64 * percent / 100.0) as usize).max(1)
            }
            None => text.parse::<f64>().map_err(|_| bad())?.max(0.0) as usize,
        })
    };
    let mut out = vec![];
    let mut rest = hosts;
    let mut index = 0;
    while !rest.is_empty() {
        let n = size(&serial[index.min(serial.len() - 1)])?;
        // Zero or less means all at once.
        let n = if n == 0 { rest.len() } else { n.min(rest.len()) };
        out.push(rest[..n].to_vec());
        rest = &rest[n..];
        index += 1;
    }
    Ok(out)
}

async fn ask_variables(run: &Arc<Run>, spec: &PlaySpec, play: &Arc<PlayVars>, ledger: &Ledger) -> Result<Map, Fatal> {
    let mut answers = Map::new();
    let renderer = play_renderer(run, play, ledger);
    for var in &spec.vars_prompt {
        if run.settings.extra_vars.contains_key(&var.name) {
            continue;
        }
        let text = |v: &Option<Value>| -> Result<Option<String>, Fatal> {
            v.as_ref().map(|v| renderer.render(v).map(|v| to_text(&v)).map_err(Fatal)).transpose()
        };
        let default = match &var.default {
            Some(v) => Some(renderer.render(v).map_err(Fatal)?).filter(|v| !v.is_none()),
            None => None,
        };
        let prompt = text(&var.prompt)?.unwrap_or_else(|| var.name.clone());
        run.sink.emit(Event::VarsPrompt { detail: detail::prompt(run, var, &prompt, default.as_ref()) });
        let value = ask(run, var, &prompt, default).await?;
        let value = match (&var.encrypt, value) {
            (Some(scheme), value) if !value.is_none() => encrypt(&renderer, scheme, var, &value)?,
            // Answers are text, even the one that nobody gave.
            (_, Value::None) => Value::str("None"),
            (_, value @ Value::Str(_)) => value,
            (_, value) => Value::str(to_text(&value)),
        };
        answers.insert(var.name.as_str(), value);
    }
    Ok(answers)
}

async fn ask(
    run: &Arc<Run>,
    var: &ftl_playbook::graph::VarsPrompt,
    prompt: &str,
    default: Option<Value>,
) -> Result<Value, Fatal> {
    let label = match &default {
        Some(default) => format!("{prompt} [{}]: ", to_text(default)),
        None => format!("{prompt}: "),
    };
    loop {
        let Some(first) = question(run, &label, var.private).await else {
            run.sink.emit(Event::Message(Diagnostic::warning("Not prompting as we are not in interactive mode")));
            return Ok(default.unwrap_or(Value::None));
        };
        if var.confirm {
            let again = question(run, &format!("confirm {label}"), var.private).await.unwrap_or_default();
            if again != first {
                run.sink.emit(Event::Verbose {
                    level: 0,
                    host: None,
                    text: "***** VALUES ENTERED DO NOT MATCH ****".into(),
                });
                continue;
            }
        }
        return Ok(match default {
            Some(default) if first.is_empty() => default,
            _ => Value::str(first),
        });
    }
}

async fn question(run: &Arc<Run>, text: &str, private: bool) -> Option<String> {
    let prompt = run.prompt.clone()?;
    let question = Question { text: text.to_string(), private, seconds: None };
    tokio::task::spawn_blocking(move || prompt.ask(&question)).await.ok().flatten()
}

fn encrypt(
    renderer: &Renderer,
    scheme: &str,
    var: &ftl_playbook::graph::VarsPrompt,
    value: &Value,
) -> Result<Value, Fatal> {
    let mut named: Vec<(Arc<str>, Value)> = vec![];
    if let Some(salt) = &var.salt {
        named.push(("salt".into(), Value::str(salt.as_str())));
    } else if let Some(size) = var.salt_size {
        named.push(("salt_size".into(), Value::Int(size)));
    }
    let arguments = ftl_template::Arguments::new(vec![Value::str(scheme)], named);
    renderer.filter("password_hash", value.clone(), arguments).map_err(Fatal)
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Gather {
    Never,
    Always,
    /// For hosts whose facts are not known yet.
    Smart,
}

fn wants_facts(run: &Run, rendered: &Rendered) -> Gather {
    match (run.settings.gathering, rendered.gather) {
        (_, Some(false)) | (Gathering::Explicit, None) => Gather::Never,
        (Gathering::Smart, _) => Gather::Smart,
        _ => Gather::Always,
    }
}

/// The implicit first task.
fn gather_block(run: &Run, spec: &PlaySpec, graph: &mut TaskGraph) -> BlockId {
    let mut args = Map::new();
    for (key, value) in [
        ("gather_subset", &spec.gather_subset),
        ("gather_timeout", &spec.gather_timeout),
        ("fact_path", &spec.fact_path),
    ] {
        if let Some(value) = value {
            args.insert(key, value.clone());
        }
    }
    let mut keywords = (*spec.keywords).clone();
    keywords.when = spec.import_conditions.clone();
    // Every host has facts of its own, whatever the play says of its tasks.
    keywords.run_once = None;
    if keywords.tags.is_empty() {
        keywords.tags = vec![Value::str("always")];
    }
    let search = ModuleSearch::default();
    let module = run.runtime.find("ansible.builtin.setup", &search).ok();
    let block = BlockId(graph.blocks.len() as u32);
    let id = TaskId(graph.tasks.len() as u32);
    let task = TaskSpec {
        name: Some(Value::str("Gathering Facts")),
        kind: TaskKind::Action(Action { name: "ansible.builtin.gather_facts".into(), module }),
        args: Arc::new(args),
        origin: spec.origin.clone(),
        ..TaskSpec::blank(id, block, "gather_facts", Arc::new(keywords.clone()), spec.base_dir.clone())
    };
    graph.tasks.push(Arc::new(task));
    graph
        .blocks
        .push(Arc::new(BlockSpec { body: vec![Entry::Task(id)], ..BlockSpec::blank(block, Arc::new(keywords)) }));
    block
}

/// `force_handlers`: each section's flush moves into an `always`, so that failed hosts run their handlers, too.
fn with_forced_handlers(spec: &PlaySpec, graph: &mut TaskGraph) -> Vec<BlockId> {
    let mut out = vec![];
    let mut section: Vec<Entry> = vec![];
    for id in &spec.body {
        let block = graph.block(*id).clone();
        let is_flush = match block.body.as_slice() {
            [Entry::Task(task)] => {
                let task = graph.task(*task);
                task.implicit && matches!(task.kind, TaskKind::Meta(Meta::FlushHandlers))
            }
            _ => false,
        };
        if !is_flush {
            section.push(Entry::Block(*id));
            continue;
        }
        let new = BlockId(graph.blocks.len() as u32);
        graph.blocks.push(Arc::new(BlockSpec {
            body: std::mem::take(&mut section),
            always: vec![Entry::Block(*id)],
            ..BlockSpec::blank(new, Arc::new(Keywords::default()))
        }));
        out.push(new);
    }
    out.extend(section.into_iter().filter_map(|e| match e {
        Entry::Block(b) => Some(b),
        Entry::Task(_) => None,
    }));
    out
}

fn skip_known_facts(state: &mut PlayRun) {
    for host in state.hosts.clone() {
        let known = state.ledger.world.host(host).facts.raw().contains_key("_ansible_facts_gathered");
        if known && let Some((cursor, task)) = state.peek(host) {
            if state.graph.task(task).written_action.ends_with("gather_facts") && state.graph.task(task).name.is_some()
            {
                state.cursors.insert(host, cursor);
            }
        }
    }
}

/// `--start-at-task`: hosts begin at the first task of that name; facts are still gathered.
fn start_at_task(state: &mut PlayRun, gather: Option<BlockId>) {
    let Some(wanted) = state.run.settings.start_at_task.clone() else { return };
    if state.ledger.start_at_done {
        return;
    }
    for host in state.hosts.clone() {
        let mut found = false;
        while let Some((cursor, task)) = state.peek(host) {
            let info = state.task_info(host, task);
            let spec = state.graph.task(task);
            let name = spec.name.as_ref().map(to_text).unwrap_or_default();
            if matches_glob(&wanted, &name) || matches_glob(&wanted, &info.title) {
                found = true;
                break;
            }
            state.cursors.insert(host, cursor);
        }
        if found {
            state.ledger.start_at_done = true;
            if let (Some(block), Some(cursor)) = (gather, state.cursors.get_mut(&host)) {
                cursor.insert(&[block]);
            }
        }
    }
}
