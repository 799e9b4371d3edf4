//! [`Room`]: the memory that this process may use: that of the machine, or the lowest limit of its cgroups. Only Linux
//! tells these in files. On other systems nothing is known.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

const MACHINE: &str = "/proc/meminfo";
const CGROUPS: &str = "/proc/self/cgroup";
/// Mounts of version 2: alone, or beside version 1.
const V2_MOUNTS: [&str; 2] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];
/// Files with limits. Above `memory.high` the kernel slows a process down until it uses less.
const V2_LIMITS: [&str; 2] = ["memory.max", "memory.high"];
const V1_MOUNT: &str = "/sys/fs/cgroup/memory";
const V1_LIMIT: &str = "memory.limit_in_bytes";

/// A number of bytes, and its origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    Machine(u64),
    Cgroup(u64),
}

/// The memory of this process, if the system tells.
pub(super) fn room() -> Option<Room> {
    told(|path| fs::read_to_string(path).ok())
}

/// The same, from these files.
fn told(file: impl Fn(&Path) -> Option<String>) -> Option<Room> {
    let machine = file(Path::new(MACHINE)).and_then(|text| total(&text));
    let cgroups = file(Path::new(CGROUPS)).unwrap_or_default();
    let limits = cgroups.lines().flat_map(limits_of).filter_map(|path| file(&path)?.trim().parse::<u64>().ok());
    match (machine, limits.min()) {
        // Without a limit, version 1 has a number without meaning.
        (Some(machine), Some(limit)) if limit < machine => Some(Room::Cgroup(limit)),
        (machine, _) => machine.map(Room::Machine),
    }
}

/// Reads the bytes of `MemTotal:       24684084 kB`.
fn total(meminfo: &str) -> Option<u64> {
    let kib = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?.trim().strip_suffix("kB")?;
    kib.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The files that may hold a limit for one line of the process's cgroups: `0::/a/b` of version 2, or `4:memory:/a/b` of
/// version 1. A group gets no more than the groups above it. In a container the path may be that of the host; then only
/// the mount itself exists.
fn limits_of(line: &str) -> Vec<PathBuf> {
    let mut fields = line.splitn(3, ':').skip(1);
    let (Some(controllers), Some(group)) = (fields.next(), fields.next()) else { return Vec::new() };
    let (mounts, names) = match controllers {
        "" => (&V2_MOUNTS[..], &V2_LIMITS[..]),
        _ if controllers.split(',').any(|controller| controller == "memory") => (&[V1_MOUNT][..], &[V1_LIMIT][..]),
        _ => return Vec::new(),
    };
    // The path of a group outside the container begins with `..`.
    let group: PathBuf = Path::new(group).components().filter(|part| matches!(part, Component::Normal(_))).collect();
    let of_mount = |mount: &&str| group.ancestors().map(|above| Path::new(*mount).join(above)).collect::<Vec<_>>();
    let groups = mounts.iter().flat_map(of_mount);
    groups.flat_map(|group| names.iter().map(move |name| group.join(name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: u64 = 1 << 10;
    const MIB: u64 = 1 << 20;
    const MEMINFO: (&str, &str) = (MACHINE, "MemTotal:        8388608 kB\nMemFree:          112940 kB\n");
    const EIGHT_GIB: u64 = 8 << 30;

    fn room_of(files: &[(&str, &str)]) -> Option<Room> {
        told(|path| {
            let found = files.iter().find(|(name, _)| Path::new(name) == path);
            found.map(|(_, text)| (*text).to_owned())
        })
    }

    #[test]
    fn without_a_limit_it_is_the_machine() {
        assert_eq!(room_of(&[MEMINFO]), Some(Room::Machine(EIGHT_GIB)));
        let v2 = [MEMINFO, (CGROUPS, "0::/a\n"), ("/sys/fs/cgroup/a/memory.max", "max\n")];
        assert_eq!(room_of(&v2), Some(Room::Machine(EIGHT_GIB)));
        let v1 = (CGROUPS, "4:memory:/a\n1:cpu:/a\n");
        let limit = ("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "9223372036854771712\n");
        assert_eq!(room_of(&[MEMINFO, v1, limit]), Some(Room::Machine(EIGHT_GIB)));
    }

    #[test]
    fn the_lowest_limit_up_the_hierarchy_counts() {
        let groups = (CGROUPS, "0::/system.slice/fanfare.service\n");
        let own = ("/sys/fs/cgroup/system.slice/fanfare.service/memory.max", "1073741824\n");
        let above = ("/sys/fs/cgroup/system.slice/memory.max", "536870912\n");
        assert_eq!(room_of(&[MEMINFO, groups, own]), Some(Room::Cgroup(1 << 30)));
        assert_eq!(room_of(&[MEMINFO, groups, own, above]), Some(Room::Cgroup(512 * MIB)));
        let high = ("/sys/fs/cgroup/system.slice/fanfare.service/memory.high", "268435456\n");
        assert_eq!(room_of(&[MEMINFO, groups, own, above, high]), Some(Room::Cgroup(256 * MIB)));
        // A limit above the machine's memory is no limit.
        let wide = ("/sys/fs/cgroup/system.slice/memory.max", "17179869184\n");
        assert_eq!(room_of(&[MEMINFO, groups, wide]), Some(Room::Machine(EIGHT_GIB)));
    }

    #[test]
    fn both_versions_may_be_there_at_once() {
        let groups = (CGROUPS, "9:name=systemd:/x\n4:cpu,memory:/docker/0123\n3:cpuset:/y\n0::/unit\n");
        let v1 = ("/sys/fs/cgroup/memory/docker/0123/memory.limit_in_bytes", "268435456\n");
        let v2 = ("/sys/fs/cgroup/unified/unit/memory.max", "134217728\n");
        assert_eq!(room_of(&[MEMINFO, groups, v1]), Some(Room::Cgroup(256 * MIB)));
        assert_eq!(room_of(&[MEMINFO, groups, v1, v2]), Some(Room::Cgroup(128 * MIB)));
        let others = ("/sys/fs/cgroup/memory/x/memory.limit_in_bytes", "1\n");
        assert_eq!(room_of(&[MEMINFO, groups, others]), Some(Room::Machine(EIGHT_GIB)));
    }

    #[test]
    fn in_a_container_the_mount_is_its_own_group() {
        // Version 2 with a namespace, without one, and version 1 with the host's path.
        for (groups, limit) in [
            ("0::/\n", "/sys/fs/cgroup/memory.max"),
            ("0::/../../kubepods/pod1\n", "/sys/fs/cgroup/memory.max"),
            ("4:memory:/docker/0123\n", "/sys/fs/cgroup/memory/memory.limit_in_bytes"),
        ] {
            let files = [MEMINFO, (CGROUPS, groups), (limit, "268435456\n")];
            assert_eq!(room_of(&files), Some(Room::Cgroup(256 * MIB)), "{groups}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_guessed() {
        assert_eq!(room_of(&[]), None);
        assert_eq!(room_of(&[(CGROUPS, "0::/\n"), ("/sys/fs/cgroup/memory.max", "268435456\n")]), None);
        for text in ["", "MemTotal: many kB", "MemTotal: 1", "MemTotal: 18446744073709551615 kB"] {
            assert_eq!(room_of(&[(MACHINE, text)]), None, "{text}");
        }
        for text in ["", "max", "-1", "0::"] {
            let files = [MEMINFO, (CGROUPS, "x\n0::/\n"), ("/sys/fs/cgroup/memory.max", text)];
            assert_eq!(room_of(&files), Some(Room::Machine(8 * MIB * KIB)), "{text}");
        }
    }
}
