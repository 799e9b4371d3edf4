//! [`Access`]: the settings of who may do what. [`Plan`]: what they ask for, for whoever reads the files.

use std::{path::PathBuf, time::Duration};

use clap::{ArgAction, builder::BoolishValueParser};
use fanfare_core::Pattern;
use fanfare_grants::IssuerConfig;

use super::{
    application::{Application, ApplicationPlan},
    issuer::{self, Issuer, IssuerPlan, LEEWAY_MAX},
    limits::Limits,
    value::{duration, pattern},
};

/// The name of the issuer whose keys are given by flags.
const ISSUER: &str = "default";
/// The value for no cookie.
const OFF: &str = "off";

/// All that decides who may do what.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) issuers: Vec<IssuerPlan>,
    /// The file with the keys of publishers.
    pub(crate) api_keys: Option<PathBuf>,
    pub(crate) public: Vec<Pattern>,
    pub(crate) public_publish: Vec<Pattern>,
    pub(crate) cookie: Option<String>,
    pub(crate) application: Option<ApplicationPlan>,
}

/// Settings of `fanfare serve` on who may do what.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Access {
    /// Tokens (JWT) that this key has signed say who may do what, as in `RS256:key.pem`.
    ///
    /// The forms are `HS256:secret`, `HS256:base64:...`, `RS256:key.pem`, and `JWKS:` with a file or an https URL. The
    /// algorithms are HS256, HS384, HS512, RS256, PS256, ES256, ES384 and EdDSA. With a key, channels are private unless
    /// --public says otherwise. FANFARE_TOKEN_KEY and the file are better places for a secret than the flag, because other
    /// users of the machine can read flags. Changed files are read again within seconds, and at SIGHUP. The setting may be
    /// given several times. Commas separate the keys in the environment, so write a secret that has a comma in base64.
    #[arg(long = "token-key", env = "FANFARE_TOKEN_KEY", value_name = "KEY", value_delimiter = ',', hide_env_values = true, action = ArgAction::Append, help_heading = "Who may do what")]
    token_keys: Vec<String>,

    /// Tokens of --token-key must have this issuer (`iss`) [default: they may have any or none].
    #[arg(long, env = "FANFARE_TOKEN_ISSUER", value_name = "ISS", help_heading = "Who may do what")]
    token_issuer: Option<String>,

    /// Tokens of --token-key must be for this audience (`aud`), or for another that is given [default: they must have
    /// none].
    ///
    /// The setting may be given several times. Commas separate the audiences in the environment.
    #[arg(long = "token-audience", env = "FANFARE_TOKEN_AUDIENCE", value_name = "AUD", value_delimiter = ',', action = ArgAction::Append, help_heading = "Who may do what")]
    token_audiences: Vec<String>,

    /// The clock of whoever makes the tokens of --token-key may differ by this time.
    #[arg(long, env = "FANFARE_TOKEN_LEEWAY", value_name = "DURATION", default_value = "5s", value_parser = duration(Duration::ZERO, LEEWAY_MAX), help_heading = "Who may do what")]
    token_leeway: Duration,

    /// Tokens of --token-key may be without an end (`exp`).
    #[arg(long, env = "FANFARE_TOKEN_WITHOUT_EXP", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_default_value = true, hide_possible_values = true, action = ArgAction::Set, value_parser = BoolishValueParser::new(), help_heading = "Who may do what")]
    token_without_exp: bool,

    /// A token may also come in the cookie of this name.
    ///
    /// With `off` no cookie counts.
    #[arg(long, env = "FANFARE_TOKEN_COOKIE", value_name = "NAME", default_value = "fanfare_token", value_parser = cookie, help_heading = "Who may do what")]
    token_cookie: String,

    /// This TOML file has the keys of publishers, each with what it allows.
    ///
    /// `fanfare token key` makes them. The file has only their hashes. A changed file is read again within seconds, and at
    /// SIGHUP.
    #[arg(long, env = "FANFARE_API_KEYS", value_name = "FILE", help_heading = "Who may do what")]
    api_keys: Option<PathBuf>,

    /// Everybody may follow and read channels that match this pattern.
    ///
    /// `*` is any run of characters. Without --token-key and --authorize-url all channels are public anyway. The setting
    /// may be given several times. Commas separate the patterns in the environment.
    #[arg(long = "public", env = "FANFARE_PUBLIC", value_name = "PATTERN", value_delimiter = ',', action = ArgAction::Append, value_parser = pattern, help_heading = "Who may do what")]
    public: Vec<Pattern>,

    /// Everybody may publish to channels that match this pattern.
    ///
    /// The setting may be given several times. Commas separate the patterns in the environment.
    #[arg(long = "public-publish", env = "FANFARE_PUBLIC_PUBLISH", value_name = "PATTERN", value_delimiter = ',', action = ArgAction::Append, value_parser = pattern, help_heading = "Who may do what")]
    public_publish: Vec<Pattern>,

    #[command(flatten)]
    application: Application,
}

/// Parses the name of a cookie (RFC 6265 4.1.1: a token of HTTP).
fn cookie(text: &str) -> Result<String, String> {
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let is_name = !text.is_empty() && text.bytes().all(is_legal);
    is_name.then(|| text.to_owned()).ok_or_else(|| "not the name of a cookie; write it as in fanfare_token".to_owned())
}

impl Access {
    /// Whether somebody needs a key or a token to publish.
    pub(super) fn guards_publishing(&self, issuers: &[Issuer]) -> bool {
        let has_keys = !self.token_keys.is_empty() || !issuers.is_empty() || self.api_keys.is_some();
        has_keys || self.application.is_asked_to_publish()
    }

    /// What the settings ask for, if they ask for anything. `issuers` are the tables of the file.
    ///
    /// # Errors
    /// A sentence that says what to do, without a secret.
    pub(super) fn plan(&self, issuers: &[Issuer], limits: &Limits) -> Result<Plan, String> {
        let mut plans = Vec::new();
        if self.token_keys.is_empty() {
            if let Some(flag) = self.flag_of_tokens() {
                return Err(format!("{flag} needs --token-key, the key of these tokens"));
            }
        } else {
            plans.push(self.issuer().map_err(|reason| format!("--token-key (FANFARE_TOKEN_KEY): {reason}"))?);
        }
        for issuer in issuers {
            plans.push(issuer.plan().map_err(|reason| format!("[[issuer]] {}: {reason}", issuer.name()))?);
        }
        issuer::check_together(&plans)?;
        Ok(Plan {
            issuers: plans,
            api_keys: self.api_keys.clone(),
            public: self.public.clone(),
            public_publish: self.public_publish.clone(),
            cookie: Some(self.token_cookie.clone()).filter(|name| name != OFF),
            application: self.application.plan(limits)?,
        })
    }

    /// The issuer of the flags.
    fn issuer(&self) -> Result<IssuerPlan, String> {
        let config = IssuerConfig {
            iss: self.token_issuer.clone(),
            aud: self.token_audiences.clone(),
            leeway_s: self.token_leeway.as_secs(),
            requires_exp: !self.token_without_exp,
            ..IssuerConfig::new(ISSUER)
        };
        IssuerPlan::new("--token-key".to_owned(), config, &self.token_keys, None)
    }

    /// A setting of tokens that was given, besides their keys.
    fn flag_of_tokens(&self) -> Option<&'static str> {
        let given = [
            ("--token-issuer", self.token_issuer.is_some()),
            ("--token-audience", !self.token_audiences.is_empty()),
            ("--token-without-exp", self.token_without_exp),
        ];
        given.iter().find(|(_, is_given)| *is_given).map(|(flag, _)| *flag)
    }
}

#[cfg(test)]
mod tests {
    use fanfare_grants::{Algorithm, KeySpec};

    use super::*;
    use crate::settings::samples::{issuer, serve};

    const SECRET: &str = "s3cr3t-word-s3cr3t-word-s3cr3t-word-s3cr3t-word-s3cr3t-word-s3cr3t";

    #[test]
    fn every_setting_reaches_the_plan() {
        let hs256 = format!("--token-key=HS256:{SECRET}");
        let given = [
            &hs256,
            "--token-key=RS256:a.pem,JWKS:keys.json",
            "--token-key=JWKS:https://a.example/keys",
            "--token-issuer=i",
            "--token-audience=a,b",
            "--token-leeway=7s",
            "--token-without-exp",
            "--token-cookie=c",
            "--api-keys=/keys.toml",
            "--public=a.*,b",
            "--public-publish=c",
            "--authorize-url=http://127.0.0.1:8080/may",
            "--authorize-publish",
            "--authorize-header=X-B,x-a,X-a",
            "--authorize-timeout=8s",
        ];
        let mut serve = serve(&given, &["--authorize-under-way=9", "--authorize-cache=10"]);
        let mut keys = vec!["--name=login", "--iss=j", "--aud=d", "--aud=e", "--leeway=11s", "--exp-required=false"];
        keys.extend(["--algorithms=ES256", "--algorithms=EdDSA", "--keys=ES256:b,c.pem", "--keys=JWKS:k.json"]);
        serve.issuers = vec![issuer(&keys)];
        let Plan { issuers, api_keys, public, public_publish, cookie, application } = serve.access().unwrap();
        let [flags, table] = &issuers[..] else { panic!("{issuers:?}") };
        let config = &flags.config;
        assert_eq!((config.name.as_str(), config.iss.as_deref(), config.leeway_s), ("default", Some("i"), 7));
        assert_eq!((config.aud.join(" ").as_str(), config.requires_exp), ("a b", false));
        assert_eq!(flags.algorithms, Algorithm::ASYMMETRIC);
        assert_eq!(
            flags.keys,
            [
                KeySpec::Secret { algorithm: Algorithm::Hs256, secret: SECRET.into() },
                KeySpec::Pem { algorithm: Algorithm::Rs256, path: "a.pem".into() },
                KeySpec::JwksFile("keys.json".into()),
                KeySpec::JwksUrl("https://a.example/keys".to_owned()),
            ]
        );
        let config = &table.config;
        assert_eq!((config.name.as_str(), config.iss.as_deref(), config.leeway_s), ("login", Some("j"), 11));
        assert_eq!((config.aud.join(" ").as_str(), config.requires_exp), ("d e", false));
        assert_eq!(table.algorithms, [Algorithm::Es256, Algorithm::EdDsa]);
        assert_eq!(table.keys[0], KeySpec::Pem { algorithm: Algorithm::Es256, path: "b,c.pem".into() });
        assert_eq!((api_keys, cookie.as_deref()), (Some("/keys.toml".into()), Some("c")));
        let texts = |patterns: &[Pattern]| patterns.iter().map(Pattern::as_str).collect::<Vec<_>>().join(" ");
        assert_eq!((texts(&public).as_str(), texts(&public_publish).as_str()), ("a.* b", "c"));
        let expected = ApplicationPlan {
            url: "http://127.0.0.1:8080/may".parse().unwrap(),
            publish: true,
            headers: ["x-a", "x-b"].map(|name| name.parse().unwrap()).to_vec(),
            timeout: Duration::from_secs(8),
            under_way_max: 9,
            answers_max: 10,
        };
        assert_eq!(application, Some(expected));
    }

    #[test]
    fn nothing_is_private_by_default() {
        let plan = serve(&[], &[]).access().unwrap();
        assert!(plan.issuers.is_empty() && plan.api_keys.is_none() && plan.application.is_none(), "{plan:?}");
        assert_eq!(plan.cookie.as_deref(), Some("fanfare_token"));
        assert_eq!(serve(&["--token-cookie=off"], &[]).access().unwrap().cookie, None);
        let application = serve(&["--authorize-url=https://a"], &[]).access().unwrap().application.unwrap();
        assert_eq!(application.headers, ["authorization", "cookie", "origin"]);
    }

    #[test]
    fn what_makes_no_issuer_is_told_without_the_secret() {
        let flag = |value: &str| serve(&[&format!("--token-key={value}")], &[]).access().unwrap_err();
        for (value, said) in [
            ("s3cr3t", "a key begins with its algorithm"),
            ("none:s3cr3t", "a key begins with its algorithm"),
            ("hs256:s3cr3t", "a key begins with its algorithm"),
            ("HS256:", "nothing behind the algorithm"),
            ("HS256:base64:s3cr3t!", "no base64"),
            (&format!("HS256:{SECRET},s3cr3t"), "key 2: a key begins with its algorithm"),
            ("JWKS:http://a.example/s3cr3t", "write https://"),
            ("JWKS:http://127.0.0.1.example/s3cr3t", "write https://"),
            ("JWKS:https://u:s3cr3t@a.example/", "user name or a password"),
            ("JWKS:https://", "no URL"),
        ] {
            let error = flag(value);
            let is_named = error.starts_with("--token-key (FANFARE_TOKEN_KEY): ") && error.contains(said);
            assert!(is_named && !error.contains("s3cr3t"), "{value}: {error}");
        }
        for address in ["http://127.0.0.1:1/k", "http://[::1]/k", "http://localhost/k", "https://a.example/k"] {
            assert!(serve(&[&format!("--token-key=JWKS:{address}")], &[]).access().is_ok(), "{address}");
        }
        for alone in ["--token-issuer=i", "--token-audience=a", "--token-without-exp"] {
            let error = serve(&[alone], &[]).access().unwrap_err();
            assert!(error.contains("needs --token-key"), "{error}");
        }
        for alone in ["--authorize-publish", "--authorize-header=x-a"] {
            let error = serve(&[alone], &[]).access().unwrap_err();
            assert!(error.contains("needs --authorize-url"), "{error}");
        }
    }

    #[test]
    fn what_makes_no_table_is_told_with_its_name() {
        let table = |tables: &[&[&str]]| {
            let mut serve = serve(&["--token-key=RS256:a.pem"], &[]);
            serve.issuers = tables.iter().map(|keys| issuer(keys)).collect();
            serve.access().map(drop).unwrap_err()
        };
        let (name, key) = ("--name=login", "--keys=RS256:a.pem");
        for (tables, said) in [
            (&[&[key][..]][..], "needs a name"),
            (&[&[name]], "[[issuer]] login: an issuer needs a key"),
            (&[&["--name=a b", key]], "letters, digits"),
            (&[&[name, key, "--algorithms=ES256"]], "[[issuer]] login: RS256 is none of the algorithms of the issuer"),
            (&[&[name, key], &[name, key]], "two issuers have the name `login`"),
            (&[&["--name=default", key]], "two issuers have the name `default`"),
        ] {
            let error = table(tables);
            assert!(error.contains(said), "{tables:?}: {error}");
        }
        let names: Vec<_> = (0..16).map(|number| format!("--name=a{number}")).collect();
        let tables: Vec<_> = names.iter().map(|name| vec![name.as_str(), key]).collect();
        let tables: Vec<_> = tables.iter().map(Vec::as_slice).collect();
        let most = {
            let mut serve = serve(&[], &[]);
            serve.issuers = tables.iter().map(|keys| issuer(keys)).collect();
            serve.access().unwrap()
        };
        assert_eq!(most.issuers.len(), 16);
        assert!(table(&tables).contains("there are 17 issuers, and 16 are allowed"));
    }

    #[test]
    fn the_name_of_a_cookie_is_a_token_of_http() {
        for name in ["fanfare_token", "__Host-token", "off", "a"] {
            assert_eq!(cookie(name).as_deref(), Ok(name));
        }
        for bad in ["", "a b", "a=b", "a;b", "a,b", "\"a\"", "\u{fc}", "a/b"] {
            assert!(cookie(bad).unwrap_err().contains("fanfare_token"), "{bad}");
        }
    }
}
