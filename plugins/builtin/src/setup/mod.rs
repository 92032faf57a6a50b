//! `setup`: the facts of this machine. Only machines and subsets that are known to come out as Ansible's are covered.

mod devices;
mod distribution;
mod filter;
mod hardware;
mod identity;
mod module;
mod mounts;
mod network;
mod packages;
mod platform;
mod read;
mod storage;
mod subsets;
mod system;
mod virtualization;

pub(crate) use module::MODULE;
