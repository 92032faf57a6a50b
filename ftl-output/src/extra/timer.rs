//! `timer`: how long the run took.

use std::time::Instant;

use ftl_core::event::Event;

use crate::display::View;
use crate::screen::Screen;

pub(crate) struct Timer(Instant);

impl Timer {
    pub(crate) fn new() -> Timer {
        Timer(Instant::now())
    }
}

fn text(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    format!("Playbook run took {days} days, {} hours, {} minutes, {} seconds", rest / 3600, rest / 60 % 60, rest % 60)
}

impl View for Timer {
    fn show(&mut self, event: &Event, screen: &mut Screen) {
        if let Event::RunFinished { .. } = event {
            screen.plain(&text(self.0.elapsed().as_secs()));
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn parts_of_a_duration() {
        assert_eq!(super::text(90_061), "Playbook run took 1 days, 1 hours, 1 minutes, 1 seconds");
    }
}
