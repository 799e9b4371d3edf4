//! Programs that only the chores of a release need: [`DEB`], [`STATIC`] and [`SBOM`]. CI installs none of them.

use crate::parts::{Package, Part};

/// What `cargo xtask deb` needs.
pub(crate) const DEB: &[Part] = &[
    Part {
        name: "cargo-deb",
        seen_by: &["cargo", "deb", "--version"],
        seen_by_output: "3.8.0",
        package: Package::Cargo("cargo-deb@3.8.0"),
        why: "it makes the Debian package",
    },
    Part {
        name: "dpkg",
        seen_by: &["dpkg-deb", "--version"],
        seen_by_output: "dpkg-deb",
        package: Package::Debian("dpkg"),
        why: "it unpacks and installs the package",
    },
    Part {
        // cargo-deb asks it which libraries the program needs.
        name: "dpkg-shlibdeps",
        seen_by: &["dpkg-shlibdeps", "--version"],
        seen_by_output: "dpkg-shlibdeps",
        package: Package::Debian("dpkg-dev"),
        why: "the package names the libraries that the program needs",
    },
    Part {
        name: "lintian",
        seen_by: &["lintian", "--version"],
        seen_by_output: "Lintian",
        package: Package::Debian("lintian"),
        why: "Debian's own check of packages",
    },
    Part {
        name: "systemd-analyze",
        seen_by: &["systemd-analyze", "--version"],
        seen_by_output: "systemd",
        package: Package::Debian("systemd"),
        why: "it checks the unit where the package puts it",
    },
    CURL,
];

/// What `cargo xtask static` needs.
pub(crate) const STATIC: &[Part] = &[
    Part {
        // Its C compiler has the headers of musl for every processor.
        name: "zig",
        seen_by: &["{target}/parts/python/bin/python", "-m", "ziglang", "version"],
        seen_by_output: "0.15.1",
        package: Package::Pip("ziglang==0.15.1"),
        why: "it compiles the C code of dependencies for musl, and links",
    },
    Part {
        name: "cargo-zigbuild",
        seen_by: &["{target}/parts/python/bin/cargo-zigbuild", "--version"],
        seen_by_output: "0.24.0",
        package: Package::Pip("cargo-zigbuild==0.24.0"),
        why: "it has cargo use zig",
    },
    Part {
        name: "readelf",
        seen_by: &["readelf", "--version"],
        seen_by_output: "GNU readelf",
        package: Package::Debian("binutils"),
        why: "it shows that the program needs no library",
    },
    Part {
        name: "qemu-aarch64-static",
        seen_by: &["qemu-aarch64-static", "--version"],
        seen_by_output: "qemu-aarch64",
        package: Package::Debian("qemu-user-static"),
        why: "the program for arm64 runs in it",
    },
    CURL,
];

/// What `cargo xtask sbom` needs.
pub(crate) const SBOM: &[Part] = &[Part {
    name: "cargo-cyclonedx",
    seen_by: &["cargo", "cyclonedx", "--version"],
    seen_by_output: "0.5.9",
    package: Package::Cargo("cargo-cyclonedx@0.5.9"),
    why: "it writes the list of all parts",
}];

const CURL: Part = Part {
    name: "curl",
    seen_by: &["curl", "--version"],
    seen_by_output: "curl",
    package: Package::Debian("curl"),
    why: "it asks the program that was built",
};

/// Every row, for the tests of this tool.
#[cfg(test)]
pub(crate) fn all() -> impl Iterator<Item = &'static Part> {
    DEB.iter().chain(STATIC).chain(SBOM)
}
