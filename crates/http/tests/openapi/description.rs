//! [`Description`]: openapi.yaml as JSON with its references followed.

use serde_json::{Map, Number, Value};
use yaml_rust2::{Yaml, YamlLoader};

/// The methods that a path of an OpenAPI description may have.
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

#[derive(Debug)]
pub(crate) struct Description(Value);

/// One method of one path.
#[derive(Debug)]
pub(crate) struct Operation {
    /// The path as it stands there, with names in braces.
    pub(crate) path: String,
    /// The method in capitals.
    pub(crate) method: String,
    /// The parameters of the path come first.
    pub(crate) parameters: Vec<Value>,
    pub(crate) body: Option<Value>,
    pub(crate) responses: Vec<(u16, Value)>,
    /// Whether it may need the publish key.
    pub(crate) is_secured: bool,
}

impl Description {
    pub(crate) fn load() -> Self {
        let documents = YamlLoader::load_from_str(include_str!("../../openapi.yaml")).unwrap();
        assert_eq!(documents.len(), 1);
        Self(json(&documents[0]))
    }

    /// `node`, or the target of its reference.
    #[track_caller]
    pub(crate) fn resolve<'a>(&'a self, node: &'a Value) -> &'a Value {
        let Some(reference) = node.get("$ref") else { return node };
        let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
        self.resolve(self.0.pointer(pointer).unwrap_or_else(|| panic!("{reference} refers to nothing")))
    }

    pub(crate) fn operations(&self) -> Vec<Operation> {
        let mut operations = Vec::new();
        for (path, item) in members(&self.0["paths"]) {
            for (method, operation) in members(item).filter(|(method, _)| METHODS.contains(&method.as_str())) {
                let listed = [&item["parameters"], &operation["parameters"]];
                let listed = listed.into_iter().filter_map(Value::as_array).flatten();
                operations.push(Operation {
                    path: path.clone(),
                    method: method.to_ascii_uppercase(),
                    parameters: listed.map(|parameter| self.resolve(parameter).clone()).collect(),
                    body: operation.get("requestBody").map(|body| self.resolve(body).clone()),
                    responses: members(&operation["responses"])
                        .map(|(status, response)| (status.parse().unwrap(), self.resolve(response).clone()))
                        .collect(),
                    is_secured: operation.get("security").is_some(),
                });
            }
        }
        operations
    }

    /// Every pair of a schema and an example of it, with the name of the place.
    pub(crate) fn examples(&self) -> Vec<(String, &Value, &Value)> {
        let mut found = Vec::new();
        collect_examples(&self.0, "#", &mut found);
        found
    }
}

impl Operation {
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub(crate) fn response(&self, status: u16) -> Option<&Value> {
        self.responses.iter().find(|(one, _)| *one == status).map(|(_, response)| response)
    }

    /// The status of success.
    pub(crate) fn success(&self) -> u16 {
        self.responses.iter().map(|(status, _)| *status).min().unwrap()
    }
}

/// The members of an object, none if it is not there.
pub(crate) fn members(node: &Value) -> impl Iterator<Item = (&String, &Value)> {
    node.as_object().into_iter().flatten()
}

/// The values of `examples`.
pub(crate) fn examples(node: &Value) -> Vec<&Value> {
    members(&node["examples"]).map(|(_, example)| &example["value"]).collect()
}

fn collect_examples<'a>(node: &'a Value, at: &str, found: &mut Vec<(String, &'a Value, &'a Value)>) {
    if let Some(schema) = node.get("schema") {
        found.extend(examples(node).into_iter().map(|example| (at.to_owned(), schema, example)));
    }
    for (name, member) in members(node) {
        collect_examples(member, &format!("{at}/{name}"), found);
    }
}

fn json(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::Null => Value::Null,
        Yaml::Boolean(is) => (*is).into(),
        Yaml::Integer(number) => (*number).into(),
        Yaml::Real(text) => Value::Number(Number::from_f64(text.parse().unwrap()).unwrap()),
        Yaml::String(text) => text.clone().into(),
        Yaml::Array(items) => items.iter().map(json).collect(),
        Yaml::Hash(members) => {
            let key = |key: &Yaml| key.as_str().unwrap_or_else(|| panic!("a key that is no text: {key:?}")).to_owned();
            Value::Object(members.iter().map(|(name, value)| (key(name), json(value))).collect::<Map<_, _>>())
        }
        Yaml::Alias(_) | Yaml::BadValue => panic!("{yaml:?}"),
    }
}
