//! `profile_tasks`: the time at each task, and at the end the tasks that took longest.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ftl_core::event::Event;

use crate::display::View;
use crate::screen::Screen;
use crate::settings::OutputSettings;

pub(crate) struct ProfileTasks {
    settings: Arc<OutputSettings>,
    started: Instant,
    /// When the task before this one was over.
    last: Instant,
    tasks: Vec<(String, Duration)>,
    current: Option<Instant>,
}

impl ProfileTasks {
    pub(crate) fn new(settings: Arc<OutputSettings>) -> ProfileTasks {
        let now = Instant::now();
        ProfileTasks { settings, started: now, last: now, tasks: vec![], current: None }
    }

    fn option(&self, name: &str) -> Option<&str> {
        self.settings.extra.get(name).map(String::as_str)
    }

    /// Date, time since the last such line, time since the start.
    fn time_line(&mut self) -> String {
        let now = Instant::now();
        let date = jiff::Timestamp::now().to_zoned_datetime(self.settings.time_zone.clone());
        let text = format!(
            "{} ({})       {}",
            date.strftime("%A %d %B %Y  %H:%M:%S %z"),
            clock(now - self.last),
            clock(now - self.started)
        );
        self.last = now;
        filled(&text, '*')
    }

    fn close(&mut self) {
        if let (Some(since), Some(task)) = (self.current.take(), self.tasks.last_mut()) {
            task.1 = since.elapsed();
        }
    }

    fn summary(&mut self, screen: &mut Screen) {
        self.close();
        let line = self.time_line();
        screen.plain(&line);
        screen.plain(&filled("", '='));
        let limit = match self.option("PROFILE_TASKS_TASK_OUTPUT_LIMIT") {
            None => 20,
            Some("all") => usize::MAX,
            Some(n) => n.parse().unwrap_or(20),
        };
        let mut tasks: Vec<&(String, Duration)> = self.tasks.iter().collect();
        match self.option("PROFILE_TASKS_SORT_ORDER") {
            Some("ascending") => tasks.sort_by_key(|t| t.1),
            Some("none") => {}
            _ => tasks.sort_by_key(|t| std::cmp::Reverse(t.1)),
        }
        for (name, took) in tasks.into_iter().take(limit) {
            let time = format!(" {:.2}s", took.as_secs_f64());
            screen.plain(&format!("{:-<70}{time:->9}", format!("{name} ")));
        }
    }
}

fn filled(text: &str, with: char) -> String {
    let text = if text.is_empty() { String::new() } else { format!("{text} ") };
    let fill = 79usize.saturating_sub(text.chars().count()).max(3);
    format!("{text}{} ", with.to_string().repeat(fill))
}

fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02}:{:02}.{:03}", seconds / 3600, seconds / 60 % 60, seconds % 60, time.subsec_millis())
}

impl View for ProfileTasks {
    fn show(&mut self, event: &Event, screen: &mut Screen) {
        match event {
            Event::TaskStarted(task) => {
                self.close();
                let line = self.time_line();
                screen.plain(&line);
                self.tasks.push((task.title.clone(), Duration::ZERO));
                self.current = Some(Instant::now());
            }
            Event::RunFinished { .. } => self.summary(screen),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_one_width() {
        assert_eq!(filled("", '='), format!("{} ", "=".repeat(79)));
        assert_eq!(filled("abc", '*'), format!("abc {} ", "*".repeat(75)));
        assert_eq!(clock(Duration::from_millis(3_723_004)), "1:02:03.004");
    }
}
