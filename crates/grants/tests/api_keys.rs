//! API keys: the file, and who is found.

use fanfare_core::{Channel, NameError, Target};
use fanfare_grants::{ApiKeyFault, ApiKeys, ClaimFault, Excerpt, NewApiKey, Rule};

fn hash(n: u8) -> String {
    NewApiKey::of([n; 32]).hash
}

/// A table of the file.
fn key(n: u8, more: &str) -> String {
    format!("[[key]]\nname = \"k{n}\"\nhash = \"{}\"\n{more}\n", hash(n))
}

#[track_caller]
fn fault(text: &str) -> (usize, ApiKeyFault) {
    let error = ApiKeys::parse(text).unwrap_err();
    (error.line, error.fault)
}

#[test]
fn a_key_is_256_bits_and_its_hash_is_of_its_text() {
    let key = NewApiKey::of([0; 32]);
    assert_eq!(key.text, format!("ffk_{}", "A".repeat(43)));
    let hashed = ring::digest::digest(&ring::digest::SHA256, key.text.as_bytes());
    let hex: String = hashed.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(key.hash, format!("sha256:{hex}"));
}

#[test]
fn a_shown_key_is_found_by_its_hash() {
    let file = key(1, "publish = [\"orders.*\"]\nlimits = { channels = 3 }") + &key(2, "all = true\nclients = [\"*\"]");
    let keys = ApiKeys::parse(&file).unwrap();
    let one = keys.find(NewApiKey::of([1; 32]).text.as_bytes(), 0).unwrap();
    assert!(one.may_publish_to(&Target::Channel(Channel::new("orders.42").unwrap())) && !one.all);
    assert_eq!((one.holder.as_str(), one.limits.channels), ("k1", Some(3)));
    assert!(keys.find(NewApiKey::of([2; 32]).text.as_bytes(), 0).unwrap().all);
    let one = NewApiKey::of([1; 32]);
    let long = "x".repeat(1 << 20);
    for shown in ["", "ffk_", &one.hash, &one.text[..46], &format!("{} ", one.text), &one.text.to_lowercase(), &long] {
        assert_eq!(keys.find(shown.as_bytes(), 0).unwrap_err().rule, Rule::UnknownApiKey, "{shown}");
    }
    assert_eq!(ApiKeys::default().find(b"", 0).unwrap_err().rule, Rule::UnknownApiKey);
    let names: Vec<_> = keys.grants().map(|grant| grant.holder.as_str()).collect();
    assert_eq!(names, ["k1", "k2"]);
}

#[test]
fn a_key_ends_at_its_end() {
    for expires in
        ["2027-01-31T12:00:00Z", "\"2027-01-31T12:00:00Z\"", "2027-01-31 12:00:00z", "1801396800", "1_801_396_800"]
    {
        let keys = ApiKeys::parse(&key(1, &format!("expires = {expires}"))).unwrap();
        let find = |unix_ms| keys.find(NewApiKey::of([1; 32]).text.as_bytes(), unix_ms);
        assert_eq!(find(1_801_396_799_999).unwrap().expires, Some(1_801_396_800), "{expires}");
        assert_eq!(find(1_801_396_800_000).unwrap_err().rule, Rule::ApiKeyExpired, "{expires}");
    }
    let ages =
        ["2027-01-31", "12:00:00", "2027-01-31T12:00:00", "2027-01-31T12:00:00+01:00", "-1", "1.5", "true", "\"soon\""];
    for expires in ages {
        assert_eq!(fault(&key(1, &format!("expires = {expires}"))), (1, ApiKeyFault::Expires), "{expires}");
    }
}

#[test]
fn a_table_that_is_wrong_is_named_by_its_line() {
    let good = key(1, "");
    let lines = good.lines().count() + 1;
    for (more, expected) in [
        ("publsh = []", ApiKeyFault::Unknown(Excerpt::new("publsh"))),
        ("client = \"42\"", ApiKeyFault::Client),
        ("publish = \"*\"", ApiKeyFault::Grant(ClaimFault::NotAList("publish"))),
        ("publish = [\"\"]", ApiKeyFault::Grant(ClaimFault::Name("publish", NameError::Empty))),
        ("limits = { streems = 3 }", ApiKeyFault::Grant(ClaimFault::UnknownLimit(Excerpt::new("streems")))),
        ("limits.streams = 1.0", ApiKeyFault::Grant(ClaimFault::Limit("streams", u32::MAX.into()))),
        (
            "limits.bytes_per_second = 99999999999999999999",
            ApiKeyFault::Grant(ClaimFault::Limit("bytes_per_second", u64::MAX)),
        ),
        ("limits.streams = -1", ApiKeyFault::Grant(ClaimFault::Limit("streams", u32::MAX.into()))),
    ] {
        assert_eq!(fault(&(good.clone() + "\n" + &key(2, more))), (lines + 1, expected), "{more}");
    }
    assert_eq!(fault("\n[[key]]\nhash = \"\""), (2, ApiKeyFault::Name));
    assert_eq!(fault(&key(1, "").replace("k1", "a b")), (1, ApiKeyFault::Name));
    for bad in [
        "",
        "sha256:",
        "ffk_s3cr3t",
        &hash(1)[..70],
        &format!("{}0", hash(1)),
        &hash(1).replace("sha256", "md5"),
        &format!("sha256:{}", "g".repeat(64)),
    ] {
        let error = ApiKeys::parse(&format!("[[key]]\nname = \"a\"\nhash = \"{bad}\"")).unwrap_err();
        assert_eq!(error.fault, ApiKeyFault::Hash, "{bad}");
        assert!(!error.to_string().contains("s3cr3t"));
    }
    assert_eq!(fault("[[key]]\nname = \"a\"\nhash = 5"), (1, ApiKeyFault::Hash));
    assert_eq!(fault("x = 1"), (1, ApiKeyFault::NotAKey));
    assert_eq!(fault("[key]\nname = \"a\""), (1, ApiKeyFault::NotAKey));
    assert_eq!(fault("key = [1]"), (1, ApiKeyFault::NotAKey));
    assert_eq!(fault("\n\n[[key]\n"), (3, ApiKeyFault::NotToml));
    assert_eq!(fault(&key(1, "name = \"b\"")).1, ApiKeyFault::NotToml);
}

#[test]
fn names_and_keys_are_there_once() {
    assert_eq!(fault(&(key(1, "") + &key(2, "").replace("k2", "k1"))).1, ApiKeyFault::SameName);
    assert_eq!(
        fault(&(key(1, "") + &key(2, "").replace(&hash(2), &hash(1).to_uppercase().replace("SHA", "sha")))).1,
        ApiKeyFault::SameHash
    );
}

#[test]
fn a_file_has_1024_keys_at_most() {
    let file = |count: u32| -> String {
        (0..count).map(|n| format!("[[key]]\nname = \"k{n}\"\nhash = \"sha256:{n:064x}\"\n")).collect()
    };
    assert_eq!(ApiKeys::parse(&file(1_024)).unwrap().grants().len(), 1_024);
    assert_eq!(fault(&file(1_025)), (1_024 * 3 + 1, ApiKeyFault::TooMany));
}

#[test]
fn one_key_to_everything_may_stand_beside_the_file() {
    let keys = ApiKeys::parse(&key(1, "")).unwrap().with_key_to_everything("publish-key", "s3cr3t").unwrap();
    let grant = keys.find(b"s3cr3t", 0).unwrap();
    assert!(grant.may_publish_everything() && grant.may_follow(&Channel::new("x").unwrap()));
    assert_eq!(grant.holder, "publish-key");
    assert_eq!(format!("{keys:?}"), r#"["k1", "publish-key"]"#);
    let again = |name: &str, text: &str| keys.clone().with_key_to_everything(name, text).unwrap_err();
    assert_eq!(again("publish-key", "x"), ApiKeyFault::SameName);
    assert_eq!(again("other", "s3cr3t"), ApiKeyFault::SameHash);
    assert_eq!(again("other", ""), ApiKeyFault::Length);
    assert!(keys.clone().with_key_to_everything("other", &"x".repeat(8_192)).is_ok());
    assert_eq!(again("other", &"x".repeat(8_193)), ApiKeyFault::Length);
}
