//! The lookup `url`.

use std::time::Duration;

use base64::Engine;
use ftl_core::Value;
use ftl_core::value::to_text;

use super::options::{IntOption, bool_option, list_option, only_text, or_variable, text_option, to_bool};
use crate::filter::argument::{failure, mapping};
use crate::filter::url::SplitUrl;
use crate::{Arguments, Evaluation, Failure};

struct Request {
    agent: ureq::Agent,
    headers: Vec<(String, String)>,
    split_lines: bool,
}

pub(super) fn url(evaluation: &Evaluation<'_>, terms: Vec<Value>, mut args: Arguments) -> Result<Vec<Value>, Failure> {
    evaluation.impure();
    let request = prepare(evaluation, &mut args)?;
    let mut out = vec![];
    for term in &terms {
        evaluation.check_deadline()?;
        let text = fetch(evaluation, &only_text(term, "decode")?, &request)?;
        if request.split_lines {
            let text = text.replace("\r\n", "\n").replace('\r', "\n");
            if !text.is_empty() {
                out.extend(text.strip_suffix('\n').unwrap_or(&text).split('\n').map(Value::str));
            }
        } else {
            out.push(Value::str(text));
        }
    }
    Ok(out)
}

fn prepare(evaluation: &Evaluation<'_>, args: &mut Arguments) -> Result<Request, Failure> {
    let validate = bool_option(args, "validate_certs", true)?;
    let split_lines = bool_option(args, "split_lines", true)?;
    let use_proxy = bool_option(args, "use_proxy", true)?;
    let username = text_option(args, "username")?;
    let password = text_option(args, "password")?;
    let given_headers = args.take_named("headers");
    let mut option = |name: &str, variable: &str| {
        let given = args.take_named(name).filter(|v| !v.is_none());
        or_variable(evaluation, given, &format!("ansible_lookup_url_{variable}"))
    };
    let force = option("force", "force")?;
    let timeout = option("timeout", "timeout")?;
    let agent_name = option("http_agent", "agent")?;
    let _basic = option("force_basic_auth", "force_basic_auth")?;
    let redirects = option("follow_redirects", "follow_redirects")?;
    let gssapi = option("use_gssapi", "use_gssapi")?;
    let socket = option("unix_socket", "unix_socket")?;
    let authorities = option("ca_path", "ca_path")?;
    let _netrc = option("use_netrc", "use_netrc")?;
    let _unredirected = list_option(args, "unredirected_headers")?;
    let ciphers = list_option(args, "ciphers")?;
    for (what, given) in
        [("unix_socket", socket.is_some()), ("ciphers", ciphers.is_some()), ("ca_path", authorities.is_some())]
    {
        if given {
            return Err(Failure::unsupported(format!("the option '{what}' of the lookup 'url'")));
        }
    }
    if let Some(gssapi) = gssapi
        && to_bool(&gssapi)?
    {
        return Err(Failure::unsupported("the option 'use_gssapi' of the lookup 'url'"));
    }
    let timeout = timeout.map_or(Ok(10), |v| match &v {
        Value::Float(f) => Ok(f.ceil() as i64),
        Value::Str(text) => text.trim().parse::<f64>().map(|f| f.ceil() as i64).map_err(|_| failure("Invalid timeout")),
        other => IntOption { lookup: "url", kind: "float" }.read("timeout", other),
    })?;
    let follow = match redirects.map(|v| to_text(&v).to_lowercase()).as_deref() {
        Some("none" | "no" | "false") => 0,
        _ => 10,
    };
    let mut headers = vec![("User-agent".to_string(), agent_name.map_or("ansible-httpget".into(), |v| to_text(&v)))];
    if let Some(force) = force
        && to_bool(&force)?
    {
        headers.push(("cache-control".into(), "no-cache".into()));
    }
    if let Some(user) = username {
        let pair = format!("{user}:{}", password.unwrap_or_default());
        let token = base64::engine::general_purpose::STANDARD.encode(pair);
        headers.push(("Authorization".into(), format!("Basic {token}")));
    }
    if let Some(map) = given_headers.as_ref().and_then(mapping) {
        headers.extend(map.iter().map(|(name, value)| (to_text(name), to_text(value))));
    }
    let mut config = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(timeout.clamp(1, 3600) as u64)))
        .max_redirects(follow)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .tls_config(ureq::tls::TlsConfig::builder().disable_verification(!validate).build());
    if !use_proxy {
        config = config.proxy(None);
    }
    Ok(Request { agent: config.build().new_agent(), headers, split_lines })
}

/// The URL without its password, for messages.
fn masked(url: &str) -> String {
    let Ok(parts) = SplitUrl::parse(url) else { return url.into() };
    match parts.password() {
        Some(password) if !password.is_empty() => url.replacen(&format!(":{password}@"), ":********@", 1),
        _ => url.into(),
    }
}

fn fetch(evaluation: &Evaluation<'_>, url: &str, request: &Request) -> Result<String, Failure> {
    let failed = |what: &str, cause: String| {
        failure(format!("{what} {}", masked(url))).caused_by(ftl_core::source::Diagnostic::error(cause))
    };
    if let Some(path) = url.strip_prefix("file://") {
        let text = std::fs::read(path).map_err(|e| failed("Failed lookup url for", e.to_string()))?;
        return Ok(String::from_utf8_lossy(&text).into_owned());
    }
    let mut call = request.agent.get(url);
    let credentials = SplitUrl::parse(url).ok().and_then(|parts| {
        let user = parts.username()?.to_string();
        Some(format!("{user}:{}", parts.password().unwrap_or_default()))
    });
    if let Some(pair) = credentials {
        let token = base64::engine::general_purpose::STANDARD.encode(crate::filter::url::percent_decode(&pair));
        call = call.header("Authorization", format!("Basic {token}"));
    }
    for (name, value) in &request.headers {
        call = call.header(name, value);
    }
    let mut response = call.call().map_err(|error| {
        let cause = match &error {
            ureq::Error::Io(io) => match io.raw_os_error() {
                Some(number) => {
                    let text = io.to_string();
                    format!("[Errno {number}] {}", text.split(" (os error").next().unwrap_or(&text))
                }
                None => io.to_string(),
            },
            other => other.to_string(),
        };
        failed("Failed lookup url for", format!("<urlopen error {cause}>"))
    })?;
    let status = response.status();
    if !status.is_success() {
        let reason = status.canonical_reason().unwrap_or("");
        return Err(failed("Received HTTP error for", format!("HTTP Error {}: {reason}", status.as_u16())));
    }
    let limit = evaluation.shared().budget.text as u64;
    let body = response.body_mut().with_config().limit(limit).read_to_vec();
    let body = body.map_err(|e| failed("Failed lookup url for", e.to_string()))?;
    Ok(String::from_utf8_lossy(&body).into_owned())
}
