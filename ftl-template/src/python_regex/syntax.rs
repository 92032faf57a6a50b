//! A parsed pattern.

/// The flags of `re.compile`; `LOCALE` and `UNICODE` do not exist for text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Flags {
    pub ignore_case: bool,
    pub multi_line: bool,
    pub dot_all: bool,
    pub verbose: bool,
    pub ascii: bool,
}

impl Flags {
    /// The union of both.
    pub(super) fn with(self, other: Flags) -> Flags {
        Flags {
            ignore_case: self.ignore_case | other.ignore_case,
            multi_line: self.multi_line | other.multi_line,
            dot_all: self.dot_all | other.dot_all,
            verbose: self.verbose | other.verbose,
            ascii: self.ascii | other.ascii,
        }
    }
}

/// What `(?aims-ims:…)` changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct FlagChange {
    pub(super) add: Flags,
    pub(super) remove: Flags,
    /// `u`: back from ASCII to Unicode.
    pub(super) unicode: bool,
}

impl FlagChange {
    pub(super) fn apply(self, flags: Flags) -> Flags {
        let all = flags.with(self.add);
        Flags {
            ignore_case: all.ignore_case && !self.remove.ignore_case,
            multi_line: all.multi_line && !self.remove.multi_line,
            dot_all: all.dot_all && !self.remove.dot_all,
            verbose: all.verbose && !self.remove.verbose,
            ascii: all.ascii && !self.unicode,
        }
    }
}

pub(super) type Sequence = Vec<Node>;

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Node {
    /// A code point, which in Python may be a lone surrogate.
    Literal(u32),
    Any,
    Set {
        negate: bool,
        items: Vec<SetItem>,
    },
    At(Place),
    Group {
        capture: Option<usize>,
        change: FlagChange,
        body: Sequence,
    },
    Atomic(Sequence),
    Branch(Vec<Sequence>),
    Repeat {
        min: u32,
        max: Option<u32>,
        kind: RepeatKind,
        body: Sequence,
    },
    Look {
        behind: bool,
        negate: bool,
        body: Sequence,
    },
    BackReference(usize),
    Conditional {
        group: usize,
        yes: Sequence,
        no: Option<Sequence>,
    },
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum SetItem {
    Literal(u32),
    Range(u32, u32),
    Category(Category),
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Category {
    Digit,
    NotDigit,
    Space,
    NotSpace,
    Word,
    NotWord,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Place {
    LineStart,
    LineEnd,
    TextStart,
    TextEnd,
    Boundary,
    NotBoundary,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum RepeatKind {
    Greedy,
    Lazy,
    Possessive,
}

/// Python's bound for repeats and widths.
pub(super) const MAX_REPEAT: u64 = 4_294_967_295;

/// The least and greatest number of characters; `None` for groups still open.
pub(super) type Width = (u64, u64);

pub(super) fn width(sequence: &[Node], groups: &[Option<Width>]) -> Width {
    let (mut low, mut high) = (0u64, 0u64);
    for node in sequence {
        let (l, h) = node_width(node, groups);
        low = low.saturating_add(l);
        high = high.saturating_add(h);
    }
    (low.min(MAX_REPEAT - 1), high.min(MAX_REPEAT))
}

fn node_width(node: &Node, groups: &[Option<Width>]) -> Width {
    match node {
        Node::Literal(_) | Node::Any | Node::Set { .. } => (1, 1),
        Node::At(_) | Node::Look { .. } => (0, 0),
        Node::Group { body, .. } | Node::Atomic(body) => width(body, groups),
        Node::Branch(branches) => {
            branches.iter().map(|b| width(b, groups)).reduce(|(l, h), (m, n)| (l.min(m), h.max(n))).unwrap_or((0, 0))
        }
        Node::Repeat { min, max, body, .. } => {
            let (l, h) = width(body, groups);
            (l.saturating_mul(*min as u64), h.saturating_mul(max.map_or(MAX_REPEAT, u64::from)))
        }
        Node::BackReference(group) => groups.get(*group).copied().flatten().unwrap_or((0, MAX_REPEAT)),
        Node::Conditional { yes, no, .. } => {
            let (l, h) = width(yes, groups);
            match no {
                Some(no) => {
                    let (m, n) = width(no, groups);
                    (l.min(m), h.max(n))
                }
                None => (0, h),
            }
        }
    }
}
