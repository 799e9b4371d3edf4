//! The cores of the server and of the load generator, so that neither is measured with the other's work.
//!
//! A child inherits the cores of the thread that starts it: no code of ours has to run in the child.

use std::io;
use std::process::{Child, Command};
use std::str::FromStr;

/// A core's number is below this.
const CORES_MAX: usize = 1024;

/// At least one core, by number, in order, none twice.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub(crate) struct CoreList(Vec<usize>);

impl FromStr for CoreList {
    type Err = String;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        let number = |text: &str| text.parse::<usize>().ok().filter(|core| *core < CORES_MAX);
        let mut cores = Vec::new();
        for part in typed.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            match (number(first), number(last)) {
                (Some(first), Some(last)) if first <= last => cores.extend(first..=last),
                _ => return Err("cores are numbers and ranges of them, as in 1,3-5".to_owned()),
            }
        }
        cores.sort_unstable();
        cores.dedup();
        Ok(Self(cores))
    }
}

impl std::fmt::Display for CoreList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let cores: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&cores.join(","))
    }
}

/// The cores of both programs.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Cores {
    /// Server and generator are kept apart.
    Apart { server: CoreList, generator: CoreList },
    /// There is one core, or the system cannot bind a process to one.
    Shared,
}

/// Cores that cannot be had.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(crate) enum CoresError {
    #[error("core {core} is not there: this program may use {allowed:?}")]
    NotThere { core: usize, allowed: Vec<usize> },
    #[error("core {0} is to be both the server's and the load generator's")]
    Both(usize),
}

impl Cores {
    /// Takes the cores that were asked for. By default the server has the first core, and the generator all others.
    pub(crate) fn choose(server: Option<usize>, generator: Option<&CoreList>) -> Result<Self, CoresError> {
        Self::choose_from(&allowed(), server, generator)
    }

    fn choose_from(allowed: &[usize], server: Option<usize>, generator: Option<&CoreList>) -> Result<Self, CoresError> {
        let asked = server.iter().chain(generator.into_iter().flat_map(|list| &list.0));
        if let Some(core) = asked.copied().find(|core| !allowed.contains(core)) {
            return Err(CoresError::NotThere { core, allowed: allowed.to_vec() });
        }
        let is_free = |core: &&usize| generator.is_none_or(|list| !list.0.contains(core));
        let Some(server) = server.or_else(|| allowed.iter().find(is_free).copied()) else { return Ok(Self::Shared) };
        let others = || CoreList(allowed.iter().copied().filter(|core| *core != server).collect());
        let generator = generator.cloned().unwrap_or_else(others);
        match generator.0.as_slice() {
            [] => Ok(Self::Shared),
            cores if cores.contains(&server) => Err(CoresError::Both(server)),
            _ => Ok(Self::Apart { server: CoreList(vec![server]), generator }),
        }
    }

    /// Starts a server.
    pub(crate) fn start_server(&self, command: &mut Command) -> io::Result<Child> {
        match self {
            Self::Apart { server, .. } => spawn_on(server, command),
            Self::Shared => command.spawn(),
        }
    }

    /// Moves the calling thread to where load generators run.
    pub(crate) fn move_to_generator(&self) -> io::Result<()> {
        match self {
            Self::Apart { generator, .. } => move_to(generator),
            Self::Shared => Ok(()),
        }
    }

    /// Starts a load generator.
    pub(crate) fn start_generator(&self, command: &mut Command) -> io::Result<Child> {
        match self {
            Self::Apart { generator, .. } => spawn_on(generator, command),
            Self::Shared => command.spawn(),
        }
    }
}

#[cfg(target_os = "linux")]
fn move_to(cores: &CoreList) -> io::Result<()> {
    let mut set = rustix::thread::CpuSet::new();
    cores.0.iter().for_each(|core| set.set(*core));
    Ok(rustix::thread::sched_setaffinity(None, &set)?)
}

#[cfg(not(target_os = "linux"))]
fn move_to(_: &CoreList) -> io::Result<()> {
    Ok(())
}

/// The cores that this process may use. Empty if the system does not say.
#[cfg(target_os = "linux")]
fn allowed() -> Vec<usize> {
    let set = rustix::thread::sched_getaffinity(None);
    set.map_or_else(|_| Vec::new(), |set| (0..CORES_MAX).filter(|core| set.is_set(*core)).collect())
}

#[cfg(target_os = "linux")]
fn spawn_on(cores: &CoreList, command: &mut Command) -> io::Result<Child> {
    // On a thread of its own, which ends at once: this one stays where it is.
    let spawned = std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            move_to(cores)?;
            command.spawn()
        });
        thread.join()
    });
    spawned.unwrap_or_else(|_| Err(io::Error::other("the thread that starts it died")))
}

#[cfg(not(target_os = "linux"))]
fn allowed() -> Vec<usize> {
    Vec::new()
}

#[cfg(not(target_os = "linux"))]
fn spawn_on(_: &CoreList, command: &mut Command) -> io::Result<Child> {
    command.spawn()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(typed: &str) -> CoreList {
        typed.parse().unwrap()
    }

    #[test]
    fn a_list_of_cores_has_numbers_and_ranges() {
        assert_eq!(list("3,1,5-7,6").0, [1, 3, 5, 6, 7]);
        for wrong in ["", "a", "1,", "3-1", "-1", "1024"] {
            assert!(wrong.parse::<CoreList>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_server_has_a_core_of_its_own_or_none() {
        let choose = |allowed: &[usize], server, generator: Option<&str>| {
            Cores::choose_from(allowed, server, generator.map(list).as_ref())
        };
        let apart =
            |server: &str, generator: &str| Ok(Cores::Apart { server: list(server), generator: list(generator) });
        assert_eq!(choose(&[0, 1], None, None), apart("0", "1"));
        assert_eq!(choose(&[2, 4, 6], None, None), apart("2", "4,6"));
        assert_eq!(choose(&[0, 1, 2], Some(2), None), apart("2", "0,1"));
        assert_eq!(choose(&[0, 1, 2], None, Some("0")), apart("1", "0"));
        assert_eq!(choose(&[0, 1, 2, 3], Some(1), Some("2-3")), apart("1", "2,3"));
        assert_eq!(choose(&[0], None, None), Ok(Cores::Shared));
        assert_eq!(choose(&[], None, None), Ok(Cores::Shared));
        assert_eq!(choose(&[0, 1], Some(1), Some("1")), Err(CoresError::Both(1)));
        assert_eq!(choose(&[0, 1], Some(2), None), Err(CoresError::NotThere { core: 2, allowed: vec![0, 1] }));
    }
}
