//! The pool: one connection per set of options, shared by all who ask for it and opened again after it went.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use ftl_core::call::ConnectionOptions;
use ftl_core::port::{BoxFuture, Connection, Connector};
use ftl_core::result::HostError;

use crate::local::LocalConnection;
use crate::settings::ConnectorSettings;
use crate::ssh::SshBackend;

/// More output of one command than this ends it with an error.
pub(crate) const OUTPUT_CAP: usize = 64 << 20;

/// Opens connections of kind `local` and `ssh`.
pub fn connector(settings: ConnectorSettings) -> Arc<dyn Connector> {
    let settings = Arc::new(settings);
    Arc::new(Pool { ssh: Arc::new(SshBackend::new(settings.clone())), settings, slots: Mutex::default() })
}

struct Pool {
    settings: Arc<ConnectorSettings>,
    ssh: Arc<SshBackend>,
    slots: Mutex<HashMap<ConnectionOptions, Arc<tokio::sync::Mutex<Slot>>>>,
}

#[derive(Default)]
struct Slot {
    open: Option<std::sync::Weak<dyn Connection>>,
    /// Shared with those who asked while the attempt was under way: a dead host is waited for once.
    failed: Option<(Instant, HostError)>,
}

impl Pool {
    fn slot(&self, options: &ConnectionOptions) -> Arc<tokio::sync::Mutex<Slot>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.entry(options.clone()).or_default().clone()
    }

    async fn shared(&self, host: &str, options: &ConnectionOptions) -> Result<Arc<dyn Connection>, HostError> {
        let mut key = options.clone();
        if key.address.is_empty() {
            key.address = host.to_string();
        }
        let asked = Instant::now();
        let slot = self.slot(&key);
        let mut slot = slot.lock().await;
        if let Some(connection) = slot.open.as_ref().and_then(std::sync::Weak::upgrade).filter(|open| open.is_open()) {
            return Ok(connection);
        }
        if let Some((when, error)) = &slot.failed
            && *when >= asked
        {
            return Err(error.clone());
        }
        match self.ssh.connect(host, &key).await {
            Ok(connection) => {
                *slot = Slot { open: Some(Arc::downgrade(&connection)), failed: None };
                Ok(connection)
            }
            Err(error) => {
                *slot = Slot { open: None, failed: Some((Instant::now(), error.clone())) };
                Err(error)
            }
        }
    }
}

impl Connector for Pool {
    fn connect<'a>(
        &'a self,
        host: &'a str,
        options: &'a ConnectionOptions,
    ) -> BoxFuture<'a, Result<Arc<dyn Connection>, HostError>> {
        Box::pin(async move {
            match options.kind.as_str() {
                "local" | "ansible.builtin.local" => {
                    Ok(Arc::new(LocalConnection::new(self.settings.clone(), options)) as Arc<dyn Connection>)
                }
                "ssh" | "ansible.builtin.ssh" | "smart" | "" => self.shared(host, options).await,
                other => Err(HostError::failed(format!("The connection type '{other}' is not supported yet."))),
            }
        })
    }
}
