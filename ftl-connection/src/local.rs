//! The local machine: every command in its own session below `/bin/sh`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ftl_core::call::{ConnectionOptions, ExecOutput, ExecRequest};
use ftl_core::port::{BoxFuture, ByteStream, Connection};
use ftl_core::result::HostError;

use crate::connector::OUTPUT_CAP;
use crate::process::{self, Launch, Running};
use crate::settings::ConnectorSettings;

/// Commands on this machine, in the directory of the playbook.
pub(crate) struct LocalConnection {
    settings: Arc<ConnectorSettings>,
    directory: Option<PathBuf>,
}

impl LocalConnection {
    pub(crate) fn new(settings: Arc<ConnectorSettings>, options: &ConnectionOptions) -> LocalConnection {
        LocalConnection { settings, directory: options.local_cwd.clone() }
    }

    /// The playbook's directory; where that is gone, the home directory or the root.
    fn working_directory(&self) -> Option<PathBuf> {
        let wanted = self.directory.as_ref()?;
        let candidates = [wanted.as_path(), &self.settings.home, Path::new("/")];
        candidates.into_iter().find(|path| path.is_dir()).map(Path::to_path_buf)
    }

    fn start(&self, shell: &str, command: &str, environment: &[(String, String)]) -> Result<Running, HostError> {
        let launch = Launch {
            program: PathBuf::from(shell),
            arguments: vec!["-c".into(), command.into()],
            directory: self.working_directory(),
            environment: environment.to_vec(),
        };
        process::start(&self.settings, launch)
            .map_err(|error| HostError::failed(format!("the command could not be started: {error}")))
    }
}

impl Connection for LocalConnection {
    fn exec<'a>(&'a self, request: &'a ExecRequest) -> BoxFuture<'a, Result<ExecOutput, HostError>> {
        Box::pin(async move {
            let shell = request.executable.as_deref().unwrap_or("/bin/sh");
            let running = self.start(shell, &request.command, &request.environment)?;
            let control = running.control.clone();
            let collect = process::collect(running, &request.stdin, OUTPUT_CAP);
            let collected = match request.timeout {
                None => collect.await?,
                Some(limit) => match tokio::time::timeout(limit, collect).await {
                    Ok(collected) => collected?,
                    Err(_) => {
                        control.stop();
                        return Err(HostError::TimedOut { seconds: limit.as_secs() });
                    }
                },
            };
            Ok(ExecOutput { rc: collected.code, stdout: collected.stdout, stderr: collected.stderr })
        })
    }

    fn open<'a>(&'a self, command: &'a str) -> BoxFuture<'a, Result<ByteStream, HostError>> {
        Box::pin(async move { Ok(process::into_stream(self.start("/bin/sh", command, &[])?)) })
    }

    fn is_open(&self) -> bool {
        true
    }

    fn describe(&self) -> String {
        "local".into()
    }
}
