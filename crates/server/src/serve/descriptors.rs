//! The limit on open descriptors. Each stream needs one.

use tracing::{info, warn};

use crate::settings::Serve;

/// A lower limit was probably set by a person, or forgotten.
const FEW: u64 = 1024;

/// Raises the limit as far as the system allows, because many shells allow only 1,024. Returns it.
pub(crate) fn raise_limit() -> u64 {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => limit,
        Err(error) => {
            warn!(%error, "cannot raise the limit of open descriptors");
            rlimit::getrlimit(rlimit::Resource::NOFILE).map_or(0, |(soft, _)| soft)
        }
    }
}

/// Logs the limit, and what is too little for the settings.
pub(super) fn tell_limit(settings: &Serve, descriptors: u64) {
    if descriptors >= FEW {
        info!("the system allows {descriptors} open files");
    } else {
        let streams = settings.h1_streams_max(descriptors);
        warn!("the system allows {descriptors} open files: so only {streams} streams can be open; raise `ulimit -n`");
    }
    tell_lack(settings, descriptors);
}

/// Logs what the settings allow and the limit does not.
pub(crate) fn tell_lack(settings: &Serve, descriptors: u64) {
    if let Some(wanted) = settings.connections_wanted() {
        let streams = settings.h1_streams_max(descriptors);
        if wanted > streams {
            warn!(
                "connections-max is {wanted}, and with {descriptors} open files only {streams} streams over HTTP/1.1 can be open; \
                 raise `ulimit -n`"
            );
        }
    }
    let sockets = settings.sockets_max(descriptors);
    if u64::try_from(sockets).is_ok_and(|max| max >= descriptors) {
        warn!(sockets, descriptors, "more sockets allowed than the system lets open");
    }
}
