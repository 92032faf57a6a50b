//! Python's `difflib.SequenceMatcher`, as far as unified diffs need it: the same blocks, so the same hunks.

use std::collections::HashMap;

/// From this length on, elements that make up more than 1 % of a sequence do not start a match.
const AUTOJUNK_FROM: usize = 200;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Tag {
    Equal,
    Replace,
    Delete,
    Insert,
}

/// `a[a0..a1]` becomes `b[b0..b1]`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Opcode {
    pub(crate) tag: Tag,
    pub(crate) a0: usize,
    pub(crate) a1: usize,
    pub(crate) b0: usize,
    pub(crate) b1: usize,
}

#[derive(Clone, Copy)]
struct Block {
    a: usize,
    b: usize,
    size: usize,
}

struct Matcher {
    a: Vec<u32>,
    b: Vec<u32>,
    /// Where an element of `b` is found, unless it is too popular.
    places: Vec<Vec<u32>>,
}

impl Matcher {
    fn new(a: &[String], b: &[String]) -> Matcher {
        let mut numbers: HashMap<&str, u32> = HashMap::new();
        let mut number = |line| {
            let next = numbers.len() as u32;
            *numbers.entry(line).or_insert(next)
        };
        let a: Vec<u32> = a.iter().map(|line| number(line.as_str())).collect();
        let b: Vec<u32> = b.iter().map(|line| number(line.as_str())).collect();
        let mut places = vec![vec![]; numbers.len()];
        for (j, line) in b.iter().enumerate() {
            places[*line as usize].push(j as u32);
        }
        if b.len() >= AUTOJUNK_FROM {
            let most = b.len() / 100 + 1;
            places.iter_mut().filter(|at| at.len() > most).for_each(Vec::clear);
        }
        Matcher { a, b, places }
    }

    /// The longest block in the window; of equals the first in `a`, then in `b`.
    fn longest(&self, (a0, a1): (usize, usize), (b0, b1): (usize, usize), lengths: &mut Lengths) -> Block {
        let mut best = Block { a: a0, b: b0, size: 0 };
        lengths.clear();
        for i in a0..a1 {
            for &j in &self.places[self.a[i] as usize] {
                let j = j as usize;
                if j < b0 {
                    continue;
                }
                if j >= b1 {
                    break;
                }
                let size = lengths.before(j) + 1;
                lengths.set(j, size);
                if size > best.size {
                    best = Block { a: i + 1 - size, b: j + 1 - size, size };
                }
            }
            lengths.next_row();
        }
        while best.a > a0 && best.b > b0 && self.a[best.a - 1] == self.b[best.b - 1] {
            best = Block { a: best.a - 1, b: best.b - 1, size: best.size + 1 };
        }
        while best.a + best.size < a1
            && best.b + best.size < b1
            && self.a[best.a + best.size] == self.b[best.b + best.size]
        {
            best.size += 1;
        }
        best
    }

    /// All blocks in order, neighbours joined, with an empty one at the end.
    fn blocks(&self) -> Vec<Block> {
        let mut lengths = Lengths::new(self.b.len());
        let mut found = vec![];
        let mut windows = vec![((0, self.a.len()), (0, self.b.len()))];
        while let Some(((a0, a1), (b0, b1))) = windows.pop() {
            let block = self.longest((a0, a1), (b0, b1), &mut lengths);
            if block.size == 0 {
                continue;
            }
            found.push(block);
            if a0 < block.a && b0 < block.b {
                windows.push(((a0, block.a), (b0, block.b)));
            }
            if block.a + block.size < a1 && block.b + block.size < b1 {
                windows.push(((block.a + block.size, a1), (block.b + block.size, b1)));
            }
        }
        found.sort_by_key(|block| (block.a, block.b));
        let mut joined: Vec<Block> = vec![];
        for block in found {
            match joined.last_mut() {
                Some(last) if last.a + last.size == block.a && last.b + last.size == block.b => {
                    last.size += block.size;
                }
                _ => joined.push(block),
            }
        }
        joined.push(Block { a: self.a.len(), b: self.b.len(), size: 0 });
        joined
    }
}

/// The lengths of the matches that end at each place of `b`, for this row of `a` and the one before.
struct Lengths {
    rows: [Vec<u32>; 2],
    touched: [Vec<u32>; 2],
    current: usize,
}

impl Lengths {
    fn new(len: usize) -> Lengths {
        Lengths { rows: [vec![0; len], vec![0; len]], touched: [vec![], vec![]], current: 0 }
    }

    fn before(&self, j: usize) -> usize {
        if j == 0 { 0 } else { self.rows[1 - self.current][j - 1] as usize }
    }

    fn set(&mut self, j: usize, size: usize) {
        self.rows[self.current][j] = size as u32;
        self.touched[self.current].push(j as u32);
    }

    fn wipe(&mut self, row: usize) {
        for j in std::mem::take(&mut self.touched[row]) {
            self.rows[row][j as usize] = 0;
        }
    }

    fn next_row(&mut self) {
        self.current = 1 - self.current;
        self.wipe(self.current);
    }

    fn clear(&mut self) {
        self.wipe(0);
        self.wipe(1);
    }
}

fn opcodes(a: &[String], b: &[String]) -> Vec<Opcode> {
    let (mut i, mut j) = (0, 0);
    let mut codes = vec![];
    for block in Matcher::new(a, b).blocks() {
        let tag = match (i < block.a, j < block.b) {
            (true, true) => Some(Tag::Replace),
            (true, false) => Some(Tag::Delete),
            (false, true) => Some(Tag::Insert),
            (false, false) => None,
        };
        if let Some(tag) = tag {
            codes.push(Opcode { tag, a0: i, a1: block.a, b0: j, b1: block.b });
        }
        (i, j) = (block.a + block.size, block.b + block.size);
        if block.size > 0 {
            codes.push(Opcode { tag: Tag::Equal, a0: block.a, a1: i, b0: block.b, b1: j });
        }
    }
    codes
}

/// The changes in groups, with up to `context` equal elements around each.
pub(crate) fn grouped(a: &[String], b: &[String], context: usize) -> Vec<Vec<Opcode>> {
    let mut codes = opcodes(a, b);
    if codes.is_empty() {
        codes.push(Opcode { tag: Tag::Equal, a0: 0, a1: 1, b0: 0, b1: 1 });
    }
    if let Some(first) = codes.first_mut().filter(|c| c.tag == Tag::Equal) {
        first.a0 = first.a0.max(first.a1.saturating_sub(context));
        first.b0 = first.b0.max(first.b1.saturating_sub(context));
    }
    if let Some(last) = codes.last_mut().filter(|c| c.tag == Tag::Equal) {
        last.a1 = last.a1.min(last.a0 + context);
        last.b1 = last.b1.min(last.b0 + context);
    }
    let mut groups = vec![];
    let mut group: Vec<Opcode> = vec![];
    for mut code in codes {
        if code.tag == Tag::Equal && code.a1 - code.a0 > 2 * context {
            group.push(Opcode { a1: code.a1.min(code.a0 + context), b1: code.b1.min(code.b0 + context), ..code });
            groups.push(std::mem::take(&mut group));
            code.a0 = code.a0.max(code.a1.saturating_sub(context));
            code.b0 = code.b0.max(code.b1.saturating_sub(context));
        }
        group.push(code);
    }
    if !(group.is_empty() || (group.len() == 1 && group[0].tag == Tag::Equal)) {
        groups.push(group);
    }
    groups
}
