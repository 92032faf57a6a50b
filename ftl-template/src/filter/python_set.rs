//! The order in which Python's sets give their members back.
//!
//! For numbers that order is fixed, and playbooks print it; it is found here by filling a table as CPython does. Text has
//! no fixed order in Python (its hashes are salted), so sets with anything but whole numbers keep the order of insertion.

use ftl_core::Value;
use rustc_hash::FxHashMap;

pub(super) struct PythonSet {
    table: Vec<Option<Value>>,
    /// In order of insertion; the table holds nothing when a member is no whole number.
    members: Vec<Value>,
    positions: FxHashMap<Value, usize>,
    numbers_only: bool,
}

const SMALLEST: usize = 8;
const LINEAR_PROBES: usize = 9;

/// `hash(int)`
fn hash_of(value: &Value) -> Option<u64> {
    const PRIME: i64 = (1 << 61) - 1;
    let number = value.as_int()?;
    let hash = match number.unsigned_abs() % PRIME as u64 {
        rest if number < 0 => -(rest as i64),
        rest => rest as i64,
    };
    Some(if hash == -1 { -2i64 as u64 } else { hash as u64 })
}

impl PythonSet {
    fn empty() -> PythonSet {
        PythonSet { table: vec![None; SMALLEST], members: vec![], positions: FxHashMap::default(), numbers_only: true }
    }

    pub(super) fn from_items(items: &[Value]) -> PythonSet {
        let mut set = PythonSet::empty();
        items.iter().for_each(|item| set.add(item));
        set
    }

    fn contains(&self, value: &Value) -> bool {
        self.positions.contains_key(value)
    }

    fn add(&mut self, value: &Value) {
        if self.contains(value) {
            return;
        }
        self.positions.insert(value.clone(), self.members.len());
        self.members.push(value.clone());
        match hash_of(value) {
            Some(hash) if self.numbers_only => {
                place(&mut self.table, hash, value.clone());
                let mask = self.table.len() - 1;
                if self.members.len() * 5 >= mask * 3 {
                    let used = self.members.len();
                    self.resize(if used > 50_000 { used * 2 } else { used * 4 });
                }
            }
            _ => self.numbers_only = false,
        }
    }

    fn resize(&mut self, least: usize) {
        let mut size = SMALLEST;
        while size <= least {
            size <<= 1;
        }
        let old = std::mem::replace(&mut self.table, vec![None; size]);
        for value in old.into_iter().flatten() {
            if let Some(hash) = hash_of(&value) {
                place(&mut self.table, hash, value);
            }
        }
    }

    pub(super) fn into_items(self) -> Vec<Value> {
        if self.numbers_only { self.table.into_iter().flatten().collect() } else { self.members }
    }

    /// The members in the order Python iterates.
    fn ordered(&self) -> Vec<&Value> {
        if self.numbers_only { self.table.iter().flatten().collect() } else { self.members.iter().collect() }
    }

    fn copy(&self) -> PythonSet {
        let mut out = PythonSet::empty();
        out.take_all(self);
        out
    }

    /// `set.update(other)`, which makes room first.
    fn take_all(&mut self, other: &PythonSet) {
        let mask = self.table.len() - 1;
        if self.numbers_only && other.numbers_only {
            if (self.members.len() + other.members.len()) * 5 >= mask * 3 {
                self.resize((self.members.len() + other.members.len()) * 2);
            }
            // Tables of one size are copied as they are.
            if self.members.is_empty() && self.table.len() == other.table.len() {
                self.table = other.table.clone();
                self.members = other.members.clone();
                self.positions = other.positions.clone();
                return;
            }
        }
        for value in other.ordered() {
            self.add(value);
        }
    }

    pub(super) fn intersection(&self, other: &PythonSet) -> PythonSet {
        let (walked, asked) = if other.members.len() > self.members.len() { (self, other) } else { (other, self) };
        // Without an order of Python's own, that of the left operand is the least surprising.
        let (walked, asked) = if walked.numbers_only { (walked, asked) } else { (self, other) };
        let mut out = PythonSet::empty();
        walked.ordered().into_iter().filter(|v| asked.contains(v)).for_each(|v| out.add(v));
        out
    }

    pub(super) fn difference(&self, other: &PythonSet) -> PythonSet {
        if self.members.len() >> 2 > other.members.len() && self.numbers_only {
            // Python copies and discards: the places stay.
            let mut out = self.copy();
            for value in other.ordered() {
                if let Some(slot) = out.table.iter_mut().find(|slot| slot.as_ref() == Some(value)) {
                    *slot = None;
                }
            }
            return out;
        }
        let mut out = PythonSet::empty();
        self.ordered().into_iter().filter(|v| !other.contains(v)).for_each(|v| out.add(v));
        out
    }

    pub(super) fn union(&self, other: &PythonSet) -> PythonSet {
        let mut out = self.copy();
        out.take_all(other);
        out
    }

    pub(super) fn symmetric_difference(&self, other: &PythonSet) -> PythonSet {
        // Python starts from a copy of the right operand and toggles the members of the left one.
        let mut out = PythonSet::empty();
        if self.numbers_only && other.numbers_only {
            out.take_all(other);
            for value in self.ordered() {
                if other.contains(value) {
                    if let Some(slot) = out.table.iter_mut().find(|slot| slot.as_ref() == Some(value)) {
                        *slot = None;
                    }
                } else {
                    out.add(value);
                }
            }
            return out;
        }
        self.members.iter().filter(|v| !other.contains(v)).for_each(|v| out.add(v));
        other.members.iter().filter(|v| !self.contains(v)).for_each(|v| out.add(v));
        out
    }
}

/// CPython's probing: a few neighbours, then a jump.
fn place(table: &mut [Option<Value>], hash: u64, value: Value) {
    let mask = table.len() - 1;
    let mut at = hash as usize & mask;
    let mut perturb = hash;
    loop {
        let probes = if at + LINEAR_PROBES <= mask { LINEAR_PROBES } else { 0 };
        if let Some(free) = (at..=at + probes).find(|slot| table[*slot].is_none()) {
            table[free] = Some(value);
            return;
        }
        perturb >>= 5;
        at = (at.wrapping_mul(5).wrapping_add(1).wrapping_add(perturb as usize)) & mask;
    }
}
