//! Small integers that stand for hosts, plays, blocks, tasks and roles while a run lasts.

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(pub u32);

        impl $name {
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

id!(
    /// A host of the inventory.
    HostId
);
id!(
    /// A task or handler of the graph.
    TaskId
);
id!(
    /// A block of the graph (a play section, a written block, an included file).
    BlockId
);
id!(
    /// A role as it was applied: the same role with other parameters is another.
    RoleId
);
