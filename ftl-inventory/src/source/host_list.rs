//! `-i host1,host2,`: hosts on the command line.

use ftl_core::source::Diagnostic;

use super::attempt::Attempt;
use crate::address::parse_address;
use crate::draft::Draft;
use crate::inventory::GroupId;
use crate::range::expand_host_pattern;

pub(super) fn wants(attempt: &Attempt<'_>) -> bool {
    attempt.source.contains(',') && !attempt.path.exists()
}

pub(super) fn read(attempt: &Attempt<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
    for item in items(attempt) {
        let (host, port) = parse_address(item, false).unwrap_or((item, None));
        add(draft, host, port)?;
    }
    Ok(())
}

/// The same with ranges, for those who enable `advanced_host_list`.
pub(super) fn read_advanced(attempt: &Attempt<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
    for item in items(attempt) {
        let (hosts, port) = expand_host_pattern(item)
            .map_err(|error| Diagnostic::error(format!("Invalid data from string, could not parse: {error}")))?;
        for host in hosts {
            add(draft, &host, port)?;
        }
    }
    Ok(())
}

fn items<'a>(attempt: &'a Attempt<'_>) -> impl Iterator<Item = &'a str> {
    attempt.source.split(',').map(str::trim).filter(|item| !item.is_empty())
}

fn add(draft: &mut Draft<'_>, host: &str, port: Option<i64>) -> Result<(), Diagnostic> {
    if !draft.data.host_ids.contains_key(host) {
        draft.add_host(host, Some(GroupId::UNGROUPED), port)?;
    }
    Ok(())
}
