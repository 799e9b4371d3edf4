//! The manifests of packaging/kubernetes: Kubernetes' own schemas take them, their parts fit each other, and fanfare serves with
//! their settings.

use std::{collections::HashMap, fs, time::Duration};

use serde_json::Value;

use crate::{
    desk::{Desk, need_programs_of},
    network,
    site::run,
    support::{PATIENCE, Process, curl_once, until},
    tree::root,
};

const ONE_NODE: &str = "packaging/kubernetes/one-node.yaml";
const SEVERAL_NODES: &str = "packaging/kubernetes/several-nodes.yaml";
/// Where the manifests have the settings file.
const SETTINGS: &str = "/etc/fanfare/fanfare.toml";
const TO_JSON: &str = "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))";
const MISSING: &str = "`pip install kubernetes-validate` brings it, and so does `cargo xtask test`";

/// All documents of a manifest.
fn documents(desk: &Desk, path: &str) -> Vec<Value> {
    let (code, output) = run(desk, &mut desk.program("python3", &["-c", TO_JSON, path]), PATIENCE).unwrap();
    assert_eq!(code, 0, "PyYAML is missing: {MISSING}:\n{output}");
    serde_json::from_str(&output).unwrap()
}

#[track_caller]
fn of_kind<'a>(documents: &'a [Value], kind: &str) -> &'a Value {
    documents.iter().find(|document| document["kind"] == kind).unwrap_or_else(|| panic!("there is no {kind}"))
}

fn workload(documents: &[Value]) -> &Value {
    documents.iter().find(|document| document["spec"]["template"].is_object()).expect("something has pods")
}

fn container(documents: &[Value]) -> &Value {
    &workload(documents)["spec"]["template"]["spec"]["containers"][0]
}

/// The environment of the container, with these values of the Secret. The settings file is at another place here.
fn environment(desk: &Desk, documents: &[Value], secrets: &[(&str, &str)]) -> HashMap<String, String> {
    let file = desk.path("fanfare.toml");
    fs::write(&file, of_kind(documents, "ConfigMap")["data"]["fanfare.toml"].as_str().unwrap()).unwrap();
    let value = |variable: &Value| match variable["value"].as_str() {
        Some(SETTINGS) => file.to_str().unwrap().to_owned(),
        Some(value) => value.to_owned(),
        None => {
            let key = variable["valueFrom"]["secretKeyRef"]["key"].as_str().unwrap();
            secrets.iter().find(|(name, _)| *name == key).expect("the Secret has it").1.to_owned()
        }
    };
    let variables = container(documents)["env"].as_array().unwrap().iter();
    variables.map(|variable| (variable["name"].as_str().unwrap().to_owned(), value(variable))).collect()
}

fn words(container: &Value) -> Vec<&str> {
    container["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect()
}

/// The value of a setting in the output of `--check`.
#[track_caller]
fn setting<'a>(checked: &'a str, name: &str) -> &'a str {
    let line = checked.lines().find_map(|line| line.strip_prefix(&format!("{name} = \"")));
    line.and_then(|rest| rest.split('"').next()).unwrap_or_else(|| panic!("{name} is not set:\n{checked}"))
}

#[test]
fn the_schemas_of_kubernetes_take_the_manifests() {
    need_programs_of("python3");
    let desk = Desk::new();
    for path in [ONE_NODE, SEVERAL_NODES] {
        let words = ["-m", "kubernetes_validate", "--strict", path];
        let (code, output) = run(&desk, &mut desk.program("python3", &words), PATIENCE).unwrap();
        assert_eq!(code, 0, "{path} is refused, or kubernetes-validate is missing: {MISSING}:\n{output}");
        assert!(output.contains("passed for resource configmap/fanfare"), "{output}");
    }
    // The check finds what it has to find.
    let wrong =
        fs::read_to_string(root().join(ONE_NODE)).unwrap().replace("failureThreshold: 1", "failureThresholds: 1");
    let path = desk.path("wrong.yaml").display().to_string();
    fs::write(&path, wrong).unwrap();
    let words = ["-m", "kubernetes_validate", "--strict", &path];
    let (code, output) = run(&desk, &mut desk.program("python3", &words), PATIENCE).unwrap();
    assert!(code != 0 && output.contains("failureThresholds"), "{output}");
}

/// Checks that names, ports, places and times of a manifest fit each other and the server.
#[track_caller]
fn assert_fits(path: &str, secrets: &[(&str, &str)]) {
    let desk = Desk::new();
    let documents = documents(&desk, path);
    let (workload, container) = (workload(&documents), container(&documents));
    let pod = &workload["spec"]["template"]["spec"];
    let labels = &workload["spec"]["template"]["metadata"]["labels"];
    assert_eq!(&workload["spec"]["selector"]["matchLabels"], labels);
    assert_eq!(&of_kind(&documents, "Service")["spec"]["selector"], labels);
    if workload["spec"]["replicas"] != 1 {
        assert_eq!(&of_kind(&documents, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"], labels);
    }

    let mut check = desk.program("fanfare", &words(container));
    check.arg("--check").envs(environment(&desk, &documents, secrets));
    let (code, checked) = run(&desk, &mut check, PATIENCE).unwrap();
    assert!(code == 0 && !checked.contains("is no setting"), "{checked}");
    let port = &container["ports"][0];
    assert_eq!(setting(&checked, "listen"), format!("0.0.0.0:{}", port["containerPort"]));
    assert_eq!(of_kind(&documents, "Service")["spec"]["ports"][0]["targetPort"], port["name"]);

    let seconds = |name: &str| humantime::parse_duration(setting(&checked, name)).unwrap();
    let grace = Duration::from_secs(pod["terminationGracePeriodSeconds"].as_u64().unwrap());
    assert!(seconds("drain-delay") + seconds("drain-timeout") < grace, "a drain is cut: {checked}");
    let ready = &container["readinessProbe"];
    let number = |name: &str| ready[name].as_u64().unwrap();
    let notices = number("periodSeconds") * number("failureThreshold") + number("timeoutSeconds");
    assert!(Duration::from_secs(notices) < seconds("drain-delay"), "new streams come after the end of the delay");

    // What the server writes is in a volume, because nothing else can be written to.
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    if let Some(journal) = checked.lines().find_map(|line| line.strip_prefix("journal = \"")) {
        let mounts = container["volumeMounts"].as_array().unwrap();
        let is_below = |mount: &Value| journal.starts_with(mount["mountPath"].as_str().unwrap());
        assert!(mounts.iter().any(is_below), "{journal}");
    }
    let dockerfile = fs::read_to_string(root().join("Dockerfile")).unwrap();
    let context = &pod["securityContext"];
    assert!(dockerfile.contains(&format!("\nUSER {}:{}\n", context["runAsUser"], context["runAsGroup"])), "{context}");
    assert_eq!(container["image"], format!("fanfare:{}", env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_parts_of_one_node_fit_each_other() {
    assert_fits(ONE_NODE, &[("publish-key", "secret")]);
}

#[test]
fn the_parts_of_several_nodes_fit_each_other() {
    assert_fits(SEVERAL_NODES, &[("publish-key", "secret"), ("redis", "redis://:secret@redis:6379")]);
}

/// Serves with the settings of a manifest, as its probes see it, and drains.
#[track_caller]
fn assert_serves(path: &str, secrets: &[(&str, &str)]) {
    let desk = Desk::new();
    let documents = documents(&desk, path);
    let container = container(&documents);
    let mut server = desk.program("fanfare", &words(container));
    let mut server = Process::start(server.envs(environment(&desk, &documents, secrets)));
    server.url();
    let status = |probe: &str| {
        let asked = &container[probe]["httpGet"];
        assert_eq!(asked["port"], container["ports"][0]["name"]);
        let url =
            format!("http://127.0.0.1:{}{}", container["ports"][0]["containerPort"], asked["path"].as_str().unwrap());
        curl_once(&["-o", "/dev/null", "-w", "%{http_code}", &url])
    };
    until("the readiness probe passes", || status("readinessProbe") == "200");
    assert_eq!(status("livenessProbe"), "200");
    server.signal("TERM");
    until("the readiness probe fails", || status("readinessProbe") == "503");
    assert_eq!(status("livenessProbe"), "200", "it is alive while it drains");
    assert_eq!(server.exit().code(), Some(0));
}

#[test]
fn one_node_serves_with_the_settings_of_its_manifest() {
    network::alone("kubernetes::one_node_serves_with_the_settings_of_its_manifest", || {
        assert_serves(ONE_NODE, &[("publish-key", "secret")]);
    });
}

#[test]
fn one_of_several_nodes_serves_with_the_settings_of_its_manifest() {
    network::alone("kubernetes::one_of_several_nodes_serves_with_the_settings_of_its_manifest", || {
        let desk = Desk::new();
        let words = "redis-server --save '' --requirepass secret --maxmemory-policy noeviction";
        let mut redis = Process::start(&mut desk.shell(&format!("exec {words}")));
        redis.line_with("Ready to accept connections");
        assert_serves(SEVERAL_NODES, &[("publish-key", "secret"), ("redis", "redis://:secret@127.0.0.1:6379")]);
    });
}
