//! Holds a value against a JSON schema: as much of 2020-12 as openapi.yaml uses. A keyword that is not known here fails,
//! so that nothing stands there unchecked.

use fanfare_core::{Channel, Event, EventId, Pattern, Target};
use serde_json::Value;

use super::description::{Description, members};

/// Fails unless `value` obeys `schema`.
#[track_caller]
pub(crate) fn check(description: &Description, schema: &Value, value: &Value, at: &str) {
    if let Err(fault) = faults(description, schema, value) {
        panic!("{at}: {fault}, in {value}");
    }
}

fn faults(description: &Description, schema: &Value, value: &Value) -> Result<(), String> {
    if schema == &Value::Bool(true) {
        return Ok(());
    }
    for (keyword, rule) in members(schema) {
        if !obeys(description, keyword, rule, schema, value)? {
            return Err(format!("{keyword}: {rule} is broken by {value}"));
        }
    }
    Ok(())
}

/// Whether `value` keeps one rule of `schema`. `Err` says which part of it does not.
fn obeys(
    description: &Description,
    keyword: &str,
    rule: &Value,
    schema: &Value,
    value: &Value,
) -> Result<bool, String> {
    let holds = |schema: &Value| faults(description, schema, value);
    let parts = || rule.as_array().unwrap().iter();
    let has = |name: &Value| value.get(name.as_str().unwrap()).is_some();
    let at_most = |count: Option<usize>| count.is_none_or(|count| count as u64 <= rule.as_u64().unwrap());
    let at_least = |count: Option<usize>| count.is_none_or(|count| count as u64 >= rule.as_u64().unwrap());
    let characters = value.as_str().map(|text| text.chars().count());
    let items = value.as_array().map(Vec::len);
    Ok(match keyword {
        "description" | "default" => true,
        "$ref" => return holds(description.resolve(schema)).map(|()| true),
        "type" => is_of_type(rule.as_str().unwrap(), value),
        "const" => value == rule,
        "enum" => parts().any(|one| one == value),
        "oneOf" => parts().filter(|one| holds(one).is_ok()).count() == 1,
        "allOf" => return parts().try_for_each(holds).map(|()| true),
        "required" => !value.is_object() || parts().all(has),
        "dependentRequired" => {
            members(rule).all(|(name, needed)| value.get(name).is_none() || needed.as_array().unwrap().iter().all(has))
        }
        "properties" => {
            for (name, schema) in members(rule) {
                value.get(name).map_or(Ok(()), |member| faults(description, schema, member))?;
            }
            true
        }
        "additionalProperties" => {
            assert_eq!(rule, &Value::Bool(false));
            members(value).all(|(name, _)| schema["properties"].get(name).is_some())
        }
        "items" => {
            for item in value.as_array().into_iter().flatten() {
                faults(description, rule, item)?;
            }
            true
        }
        "minItems" => at_least(items),
        "maxItems" => at_most(items),
        "minLength" => at_least(characters),
        "maxLength" => at_most(characters),
        "minimum" => value.as_i64().is_none_or(|number| number >= rule.as_i64().unwrap()),
        "maximum" => value.as_i64().is_none_or(|number| number <= rule.as_i64().unwrap()),
        "pattern" => value.as_str().is_none_or(|text| matches(rule.as_str().unwrap(), text)),
        _ => panic!("the keyword {keyword} is not known"),
    })
}

fn is_of_type(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "null" => value.is_null(),
        _ => panic!("the type {name} is not known"),
    }
}

/// The patterns that there are, each by the rule that it stands for.
fn matches(pattern: &str, text: &str) -> bool {
    let event = || Event::new(Target::All, "");
    match pattern {
        "^[0-9]+-[0-9]+$" => EventId::looks_like(text),
        r"^[^\u0000-\u001f\u007f-\u009f]+$" => Channel::new(text).is_ok(),
        r"^[^{}\u0000-\u001f\u007f-\u009f]+$" => Pattern::subscribed(text).is_ok(),
        r"^(?! *fanfare\.)[^\u0000-\u001f\u007f-\u009f]+$" => event().with_kind(text).is_ok(),
        r"^(?! )(?![0-9]+-[0-9]+$)(?!.* $)[^\u0000-\u001f\u007f-\u009f]+$" => event().with_own_id(text).is_ok(),
        _ => panic!("the pattern {pattern} is not known"),
    }
}
