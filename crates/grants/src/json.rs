//! JSON as tokens, JWK sets and callbacks must have it: no member of an object is there twice.
//!
//! serde_json keeps the last of two members, and another reader the first. A signer and a reader that disagree about what a token
//! says are an attack (RFC 7519 4, RFC 7515 5.2).

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The value that `bytes` are, or `None`: they are no JSON in UTF-8, nest deeper than 127 levels, or have a member twice.
pub(crate) fn parse(bytes: &[u8]) -> Option<Value> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Strict.deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(value)
}

/// The object that `bytes` are. `None` as for [`parse`], or they are another value.
pub(crate) fn parse_object(bytes: &[u8]) -> Option<Map<String, Value>> {
    match parse(bytes)? {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without a member that is there twice")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("no number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Self)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom("a member is there twice"));
            }
            let value = members.next_value_seed(Self)?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_what_serde_json_reads() {
        for text in ["null", "[1,-1,1.5,true,\"a\\n\"]", r#"{"a":{"b":[]},"c":18446744073709551615}"#, " {} \n"] {
            assert_eq!(parse(text.as_bytes()), serde_json::from_str(text).ok(), "{text}");
        }
    }

    #[test]
    fn a_member_that_is_there_twice_is_no_json_at_any_depth() {
        for text in [r#"{"a":1,"a":1}"#, r#"[{"b":{"a":1,"\u0061":2}}]"#] {
            assert!(parse(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn what_is_no_json_gives_nothing() {
        for bytes in [&b""[..], b"{", b"{} {}", b"\"\xff\"", b"\"\\ud800\"", b"1e999", b"NaN", b"{a:1}"] {
            assert!(parse(bytes).is_none(), "{bytes:?}");
        }
        assert!(parse(&[b"[".repeat(127), b"]".repeat(127)].concat()).is_some());
        assert!(parse(&[b"[".repeat(128), b"]".repeat(128)].concat()).is_none());
        assert!(parse(&b"[".repeat(10_000)).is_none());
        assert!(parse_object(b"[]").is_none() && parse_object(b"{}").is_some());
    }
}
