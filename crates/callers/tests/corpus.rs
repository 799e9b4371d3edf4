//! The corpus of the fuzz targets as plain tests: the properties of every input hold for each file in fuzz/corpus.

#[path = "../../../fuzz/every_input.rs"]
mod every_input;
#[path = "support/properties.rs"]
mod properties;

use every_input::every_input;

#[test]
fn proxy_headers() {
    every_input("proxy_headers", 24, properties::proxy_headers);
}

#[test]
fn forwarded() {
    every_input("forwarded", 24, properties::forwarded);
}
