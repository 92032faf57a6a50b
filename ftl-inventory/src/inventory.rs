//! The inventory as a plain value: hosts, groups, who belongs to whom, and the variables written in the sources.

use std::sync::{Arc, LazyLock, OnceLock, RwLock};

use ftl_core::id::HostId;
use ftl_core::{Map, Value};
use rustc_hash::FxHashMap;

/// Names that mean the controller when the inventory has no host of that name.
pub const LOCALHOST: [&str; 3] = ["127.0.0.1", "localhost", "::1"];

/// A group of the inventory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct GroupId(pub u32);

impl GroupId {
    pub const ALL: GroupId = GroupId(0);
    pub const UNGROUPED: GroupId = GroupId(1);

    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// All hosts and groups. Cloning takes a snapshot for the price of a pointer; changing a snapshot leaves others alone.
#[derive(Clone)]
pub struct Inventory(pub(crate) Arc<Data>);

#[derive(Clone)]
pub(crate) struct Data {
    pub(crate) hosts: Vec<Arc<Host>>,
    pub(crate) host_ids: FxHashMap<Arc<str>, HostId>,
    pub(crate) groups: Vec<Arc<Group>>,
    pub(crate) group_ids: FxHashMap<Arc<str>, GroupId>,
    /// The first host of the sources that is called like the controller.
    pub(crate) localhost: Option<HostId>,
    /// Grows with every change, and differs between inventories: what was computed for another number is stale.
    pub(crate) version: u64,
    pub(crate) cache: Cache,
}

/// A host, whether of a source, added by a task, or the implicit `localhost`.
#[derive(Clone, Debug)]
pub struct Host {
    pub name: Arc<str>,
    /// Variables of the source, in the order written; `host:port` is `ansible_port` here.
    pub vars: Arc<Map>,
    /// The groups that name the host themselves.
    pub groups: Vec<GroupId>,
    /// The source in which the host was first met.
    pub source: Option<Arc<SourceFile>>,
    /// The controller as a host nobody wrote down: in no group, not part of `all`.
    pub implicit: bool,
}

/// What `inventory_file` and `inventory_dir` say, as variables.
#[derive(Debug)]
pub struct SourceFile {
    pub file: Option<Arc<str>>,
    pub directory: Option<Arc<str>>,
    pub vars: Arc<Map>,
}

/// A group, with what it holds directly.
#[derive(Clone, Debug)]
pub struct Group {
    pub name: Arc<str>,
    pub vars: Arc<Map>,
    pub hosts: Vec<HostId>,
    pub children: Vec<GroupId>,
    pub parents: Vec<GroupId>,
    /// The longest way from `all`.
    pub depth: u32,
    /// `ansible_group_priority`
    pub priority: i64,
}

/// The groups of a host, with all their ancestors.
#[derive(Debug)]
pub struct GroupSet {
    /// Without `all`; later ones win.
    pub by_precedence: Vec<GroupId>,
    /// `group_names`: sorted, without `all`.
    pub names: Vec<Arc<str>>,
    pub(crate) direct: Box<[GroupId]>,
}

/// What is computed from the data when first asked for; a copy starts anew.
#[derive(Default)]
pub(crate) struct Cache {
    groups: OnceLock<Value>,
    group_hosts: RwLock<FxHashMap<GroupId, Arc<[HostId]>>>,
    group_sets: RwLock<FxHashMap<Box<[GroupId]>, Arc<GroupSet>>>,
}

impl Clone for Cache {
    fn clone(&self) -> Cache {
        Cache::default()
    }
}

/// The map all hosts and groups without variables share.
pub(crate) fn no_vars() -> Arc<Map> {
    static EMPTY: LazyLock<Arc<Map>> = LazyLock::new(Arc::default);
    EMPTY.clone()
}

impl Inventory {
    /// Only `all`, `ungrouped` and the implicit localhost.
    pub fn empty(controller_python: &str) -> Inventory {
        Inventory(Arc::new(Data::new(controller_python)))
    }

    pub(crate) fn edit(&mut self) -> &mut Data {
        let data = Arc::make_mut(&mut self.0);
        data.cache = Cache::default();
        data.version = next_version();
        data
    }

    /// Hosts and groups as they are now; a later change gives another number.
    pub fn version(&self) -> u64 {
        self.0.version
    }

    /// The hosts of `groups['all']`'s universe in inventory order: all but implicit ones.
    pub fn hosts(&self) -> impl Iterator<Item = HostId> + '_ {
        self.0.hosts.iter().enumerate().filter(|(_, host)| !host.implicit).map(|(i, _)| HostId(i as u32))
    }

    pub fn host_count(&self) -> usize {
        self.0.host_ids.len()
    }

    /// One more than the largest [`HostId`] in use, for tables by host.
    pub fn host_id_bound(&self) -> usize {
        self.0.hosts.len()
    }

    pub fn host(&self, id: HostId) -> &Host {
        &self.0.hosts[id.index()]
    }

    pub fn host_name(&self, id: HostId) -> &Arc<str> {
        &self.host(id).name
    }

    /// A host of the inventory by its exact name.
    pub fn find_explicit(&self, name: &str) -> Option<HostId> {
        self.0.host_ids.get(name).copied()
    }

    /// A host by its exact name; names of the controller are found even when no source has them.
    pub fn find_host(&self, name: &str) -> Option<HostId> {
        self.find_explicit(name).or_else(|| {
            let place = LOCALHOST.iter().position(|local| *local == name)?;
            Some(self.0.localhost.unwrap_or(HostId(place as u32)))
        })
    }

    pub fn groups(&self) -> impl Iterator<Item = GroupId> + '_ {
        (0..self.0.groups.len() as u32).map(GroupId)
    }

    pub fn group(&self, id: GroupId) -> &Group {
        &self.0.groups[id.index()]
    }

    pub fn find_group(&self, name: &str) -> Option<GroupId> {
        self.0.group_ids.get(name).copied()
    }

    /// The hosts of a group and of all groups below it, in Ansible's order.
    pub fn hosts_of(&self, group: GroupId) -> Arc<[HostId]> {
        if let Some(known) = read(&self.0.cache.group_hosts).get(&group) {
            return known.clone();
        }
        let hosts: Arc<[HostId]> = self.0.hosts_below(group).into();
        write(&self.0.cache.group_hosts).insert(group, hosts.clone());
        hosts
    }

    /// The groups of a host and their ancestors; hosts with the same groups share one.
    pub fn group_set(&self, host: HostId) -> Arc<GroupSet> {
        let mut direct = self.host(host).groups.clone();
        direct.sort_unstable();
        if let Some(known) = read(&self.0.cache.group_sets).get(direct.as_slice()) {
            return known.clone();
        }
        let set = Arc::new(self.0.group_set(direct.into_boxed_slice()));
        write(&self.0.cache.group_sets).insert(set.direct.clone(), set.clone());
        set
    }

    /// `group_names` of a host.
    pub fn group_names(&self, host: HostId) -> Value {
        self.group_set(host).names.iter().map(|name| Value::str(name.clone())).collect()
    }

    /// The magic variable `groups`: names of groups to lists of host names. Built once per version.
    pub fn groups_value(&self) -> Value {
        let build = || {
            let lists = self.groups().map(|id| {
                let names = self.hosts_of(id).iter().map(|host| Value::str(self.host_name(*host).clone())).collect();
                (Value::str(self.group(id).name.clone()), names)
            });
            Value::dict(lists.collect())
        };
        self.0.cache.groups.get_or_init(build).clone()
    }
}

impl Host {
    /// `inventory_hostname_short`: up to the first dot, but addresses whole.
    pub fn short_name(&self) -> &str {
        if crate::address::is_ip_pattern(&self.name) {
            return &self.name;
        }
        self.name.split('.').next().unwrap_or(&self.name)
    }
}

impl Data {
    fn new(controller_python: &str) -> Data {
        let mut data = Data {
            hosts: vec![],
            host_ids: FxHashMap::default(),
            groups: vec![],
            group_ids: FxHashMap::default(),
            localhost: None,
            version: next_version(),
            cache: Cache::default(),
        };
        // The places of LOCALHOST: `find_host` relies on them.
        for name in LOCALHOST {
            let mut vars = Map::new();
            vars.insert("ansible_python_interpreter", controller_python);
            vars.insert("ansible_connection", "local");
            data.hosts.push(Arc::new(Host {
                name: name.into(),
                vars: Arc::new(vars),
                groups: vec![],
                source: None,
                implicit: true,
            }));
        }
        data.push_group("all".into());
        data.push_group("ungrouped".into());
        data.link(GroupId::ALL, GroupId::UNGROUPED);
        data
    }

    pub(crate) fn push_group(&mut self, name: Arc<str>) -> GroupId {
        let id = GroupId(self.groups.len() as u32);
        self.group_ids.insert(name.clone(), id);
        self.groups.push(Arc::new(Group {
            name,
            vars: no_vars(),
            hosts: vec![],
            children: vec![],
            parents: vec![],
            depth: 0,
            priority: 1,
        }));
        id
    }

    pub(crate) fn host_mut(&mut self, id: HostId) -> &mut Host {
        Arc::make_mut(&mut self.hosts[id.index()])
    }

    pub(crate) fn group_mut(&mut self, id: GroupId) -> &mut Group {
        Arc::make_mut(&mut self.groups[id.index()])
    }
}

fn next_version() -> u64 {
    static VERSIONS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    VERSIONS.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

pub(crate) fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(|poisoned| poisoned.into_inner())
}

pub(crate) fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(|poisoned| poisoned.into_inner())
}
