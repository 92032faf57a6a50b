//! The recap: a line of counters per host, and custom statistics.

use std::collections::BTreeMap;
use std::sync::Arc;

use ftl_core::result::HostStats;
use ftl_core::value::Map;

use super::dump::Dumper;
use crate::colour::{Painter, Tone};
use crate::screen::Screen;

pub(crate) fn show(stats: &BTreeMap<Arc<str>, HostStats>, screen: &mut Screen) {
    screen.banner("PLAY RECAP");
    let plain = Painter::new(false, &Default::default());
    for (host, stats) in stats {
        let painted = line(host, stats, &screen.painter);
        screen.painted(&painted, &line(host, stats, &plain));
    }
    screen.screen_line("", None);
}

fn line(host: &str, stats: &HostStats, painter: &Painter) -> String {
    let tone = match () {
        () if stats.failed != 0 || stats.unreachable != 0 => Tone::Error,
        () if stats.changed != 0 => Tone::Changed,
        () => Tone::Ok,
    };
    let host = match painter.is_coloured() {
        true => format!("{:<37}", painter.paint(host, tone)),
        false => format!("{host:<26}"),
    };
    let counters = [
        ("ok", stats.ok, Tone::Ok),
        ("changed", stats.changed, Tone::Changed),
        ("unreachable", stats.unreachable, Tone::Unreachable),
        ("failed", stats.failed, Tone::Error),
        ("skipped", stats.skipped, Tone::Skip),
        ("rescued", stats.rescued, Tone::Ok),
        ("ignored", stats.ignored, Tone::Warn),
    ];
    let counters = counters.map(|(name, count, tone)| {
        let text = format!("{name}={count:<4}");
        if count != 0 { painter.paint(&text, tone) } else { text }
    });
    format!("{host} : {}", counters.join(" "))
}

/// `set_stats`: per host, then for the run (which is called `_run`).
pub(crate) fn show_custom(custom: &BTreeMap<String, Map>, dumper: &Dumper, screen: &mut Screen) {
    screen.banner("CUSTOM STATS: ");
    let text = |stats: &Map| dumper.dump(stats, Some(1)).replace('\n', "");
    for (host, stats) in custom.iter().filter(|(host, _)| *host != "_run") {
        screen.plain(&format!("\t{host}: {}", text(stats)));
    }
    if let Some(stats) = custom.get("_run") {
        screen.screen_line("", None);
        screen.plain(&format!("\tRUN: {}", text(stats)));
    }
    screen.screen_line("", None);
}
