//! The corpus of the fuzz targets as plain tests: the properties of every input hold for each file in fuzz/corpus.

#[path = "../../../fuzz/every_input.rs"]
mod every_input;
#[path = "support/properties.rs"]
mod properties;

use every_input::every_input;

#[test]
fn tokens() {
    every_input("tokens", 24, properties::tokens);
}

#[test]
fn jwks() {
    every_input("jwks", 24, properties::jwks);
}

#[test]
fn patterns() {
    every_input("patterns", 24, properties::patterns);
}

#[test]
fn api_keys() {
    every_input("api_keys", 24, properties::api_keys);
}
