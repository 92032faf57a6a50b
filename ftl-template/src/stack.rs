//! Room on the stack: nesting is bounded by budgets, never by a crash.

use std::cell::Cell;

use crate::call::{Failure, FailureKind};

/// Free stack below which a new segment is taken.
const RED_ZONE: usize = 256 << 10;
const SEGMENT: usize = 4 << 20;

/// Runs `f` with enough stack.
pub(crate) fn grow<R>(f: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(RED_ZONE, SEGMENT, f)
}

/// Runs `f` with the stack that building or dropping the deepest tree takes.
pub(crate) fn roomy<R>(f: impl FnOnce() -> R) -> R {
    stacker::grow(64 << 20, f)
}

thread_local! {
    /// Templates and macros being rendered on this thread, whichever renderer they belong to.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Runs `f` one level deeper, or fails beyond `limit` levels.
pub(crate) fn deeper<R>(limit: usize, f: impl FnOnce() -> Result<R, Failure>) -> Result<R, Failure> {
    struct Level;
    impl Drop for Level {
        fn drop(&mut self) {
            DEPTH.with(|depth| depth.set(depth.get() - 1));
        }
    }
    if DEPTH.with(Cell::get) >= limit {
        return Err(Failure::new(FailureKind::Recursion, "maximum recursion depth exceeded"));
    }
    DEPTH.with(|depth| depth.set(depth.get() + 1));
    let _level = Level;
    grow(f)
}
