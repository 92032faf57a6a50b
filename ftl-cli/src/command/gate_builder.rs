//! `ftl-gate-builder`: builds the pack of Python files that gates need, as the first run would.

use ftl_core::call::ModuleSearch;
use ftl_module::ansible::core::AnsibleCore;
use ftl_module::ansible::package::build_pack;

use crate::exit::{self, Failure};
use crate::program::Context;

pub fn run(context: &Context<'_>) -> Result<u8, Failure> {
    let parts = context.parts();
    let settings = parts.module_settings(&[]);
    let core = AnsibleCore::find(&settings).ok_or_else(|| {
        Failure::general(
            "No ansible-core was found: put its programs in PATH, or its site-packages in FTL_ANSIBLE_CORE.",
        )
    })?;
    let names = context.arguments.texts("module");
    if !names.is_empty() {
        let tokio = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::general(format!("The runtime could not be started: {error}")))?;
        let _guard = tokio.enter();
        let modules = parts.modules(&[]).runtime;
        let search = ModuleSearch { library: parts.module_path(), ..ModuleSearch::default() };
        for name in names.iter().flat_map(|names| names.split(',')) {
            let found = modules.find(name, &search).map_err(Failure::general)?;
            let place = found.path.as_ref().map_or("native".to_string(), |path| path.display().to_string());
            context.display.verbose(1, &format!("{name}: {} ({place})", found.fqcn));
        }
    }
    let pack = build_pack(&core, &settings.cache_dir).map_err(|error| Failure::general(error.to_string()))?;
    context.print(&format!("{} {}\n", pack.zip.display(), pack.digest))?;
    Ok(exit::OK)
}
