//! The scripts. Each says on top what it does; [`crate::config::Keys`] has their keys. Scripts are sent whole each
//! time: a server may forget them at any moment.

pub(crate) const APPEND: &str = include_str!("scripts/append.lua");
pub(crate) const ATTACH: &str = include_str!("scripts/attach.lua");
pub(crate) const END: &str = include_str!("scripts/end.lua");
pub(crate) const LEASE: &str = include_str!("scripts/lease.lua");
pub(crate) const RELEASE: &str = include_str!("scripts/release.lua");
pub(crate) const TRIM: &str = include_str!("scripts/trim.lua");
