//! [`Issuer`]: a table `[[issuer]]` of the file: who makes tokens, and by which keys they are judged. [`IssuerPlan`]: the same,
//! and the same of the flags, for whoever reads the files.

use std::{net::IpAddr, sync::Arc, time::Duration};

use clap::{ArgAction, Args as _, Command, builder::BoolishValueParser};
use fanfare_grants::{Algorithm, Issuer as Known, IssuerConfig, KeySet, KeySpec, Tokens};
use url::{Host, Url};

use super::value::duration;

/// Longest difference of clocks.
pub(super) const LEEWAY_MAX: Duration = Duration::from_secs(300);
/// Sets of keys with an address that one issuer may have.
const SETS_MAX: usize = 8;

/// A table `[[issuer]]` of the file.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Issuers")]
pub(super) struct Issuer {
    /// The issuer has this name in the log, and in front of the holders of its tokens.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// These keys check the signatures of its tokens.
    ///
    /// The forms are those of --token-key.
    #[arg(long = "keys", value_name = "KEY", hide_env_values = true, action = ArgAction::Append)]
    keys: Vec<String>,

    /// Its tokens must have this `iss` [default: they may have any or none].
    #[arg(long, value_name = "ISS")]
    iss: Option<String>,

    /// Its tokens must be for one of these audiences (`aud`) [default: they must have none].
    #[arg(long = "aud", value_name = "AUD", action = ArgAction::Append)]
    aud: Vec<String>,

    /// The keys of a JWK set are used with these algorithms only [default: all but HS256, HS384 and HS512].
    ///
    /// All other keys must have one of them too.
    #[arg(long = "algorithms", value_name = "ALGORITHM", action = ArgAction::Append, value_parser = algorithm)]
    algorithms: Vec<Algorithm>,

    /// Its clock may differ by this time.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration(Duration::ZERO, LEEWAY_MAX))]
    leeway: Duration,

    /// Its tokens must have an end (`exp`).
    #[arg(long, value_name = "BOOL", default_value = "true", hide_possible_values = true, action = ArgAction::Set, value_parser = BoolishValueParser::new())]
    exp_required: bool,
}

/// The definition of the keys of a table.
pub(super) fn definition() -> Command {
    Issuer::augment_args(Command::new("issuer").no_binary_name(true))
}

fn algorithm(text: &str) -> Result<Algorithm, String> {
    let names = || Algorithm::ALL.map(Algorithm::name).join(", ");
    Algorithm::named(text).ok_or_else(|| format!("no algorithm; there are {}", names()))
}

/// An issuer, and where its keys are.
#[derive(Clone, Debug)]
pub(crate) struct IssuerPlan {
    /// The setting that its keys are from.
    pub(crate) setting: String,
    /// Everything but the keys.
    pub(crate) config: IssuerConfig,
    pub(crate) keys: Vec<KeySpec>,
    /// The algorithms of its JWK sets.
    pub(crate) algorithms: Vec<Algorithm>,
}

impl IssuerPlan {
    /// `keys` are spelled as in the settings. `algorithms`: those that the issuer may use, if they are given.
    ///
    /// # Errors
    /// A sentence without a secret.
    pub(super) fn new(
        setting: String,
        config: IssuerConfig,
        keys: &[String],
        algorithms: Option<&[Algorithm]>,
    ) -> Result<Self, String> {
        let specs = keys.iter().zip(1_usize..).map(|(text, place)| {
            let at = |reason: String| if keys.len() > 1 { format!("key {place}: {reason}") } else { reason };
            let spec = KeySpec::parse(text).map_err(|error| at(error.to_string()))?;
            check_spec(&spec, algorithms).map_err(at)?;
            Ok(spec)
        });
        let keys = specs.collect::<Result<Vec<_>, String>>()?;
        if keys.iter().filter(|spec| matches!(spec, KeySpec::JwksUrl(_))).count() > SETS_MAX {
            return Err(format!("an issuer has at most {SETS_MAX} JWK sets with an address"));
        }
        let algorithms = algorithms.unwrap_or(&Algorithm::ASYMMETRIC).to_vec();
        Ok(Self { setting, config, keys, algorithms })
    }

    /// A sentence for each secret that is so short that it can be guessed sooner than its hash (RFC 7518 3.2).
    pub(crate) fn weak_secrets(&self) -> impl Iterator<Item = String> {
        self.keys.iter().filter_map(|spec| {
            let KeySpec::Secret { algorithm, secret } = spec else { return None };
            let bytes_min = secret_bytes_min(*algorithm)?;
            let (setting, name, bytes) = (&self.setting, algorithm.name(), secret.len());
            (bytes < bytes_min).then(|| {
                format!(
                    "{setting}: the secret for {name} has {bytes} bytes and can be guessed: give it at least {bytes_min}, such \
                     as those of `openssl rand -base64 {bytes_min}`"
                )
            })
        })
    }
}

/// The bytes of the hash of an algorithm with a secret.
fn secret_bytes_min(algorithm: Algorithm) -> Option<usize> {
    match algorithm {
        Algorithm::Hs256 => Some(32),
        Algorithm::Hs384 => Some(48),
        Algorithm::Hs512 => Some(64),
        _ => None,
    }
}

fn check_spec(spec: &KeySpec, algorithms: Option<&[Algorithm]>) -> Result<(), String> {
    match spec {
        KeySpec::Secret { algorithm, .. } | KeySpec::Pem { algorithm, .. } => {
            let is_one = algorithms.is_none_or(|all| all.contains(algorithm));
            is_one.then_some(()).ok_or_else(|| format!("{} is none of the algorithms of the issuer", algorithm.name()))
        }
        KeySpec::JwksUrl(url) => check_address(url),
        KeySpec::JwksFile(_) => Ok(()),
    }
}

/// Checks the address of a JWK set. Whoever can change the keys on their way can sign every token, so plain HTTP is for this
/// machine alone.
fn check_address(text: &str) -> Result<(), String> {
    let url = Url::parse(text).map_err(|error| format!("the address of the JWK set is no URL: {error}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the address of the JWK set has a user name or a password, which is not supported".to_owned());
    }
    if url.scheme() == "http" && !is_of_this_machine(&url) {
        return Err("the keys would come over plain http://, where anybody on the way can change them: write https://"
            .to_owned());
    }
    Ok(())
}

/// Whether the host of a URL is this machine, whoever answers for names.
pub(crate) fn is_of_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(ip)) => IpAddr::from(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::from(ip).to_canonical().is_loopback(),
        None => false,
    }
}

/// Checks that issuers go together.
///
/// # Errors
/// A sentence that says what to do.
pub(super) fn check_together(plans: &[IssuerPlan]) -> Result<(), String> {
    if plans.len() > Tokens::ISSUERS_MAX {
        return Err(format!("[[issuer]]: there are {} issuers, and {} are allowed", plans.len(), Tokens::ISSUERS_MAX));
    }
    for (at, plan) in plans.iter().enumerate() {
        if plans[..at].iter().any(|other| other.config.name == plan.config.name) {
            let name = &plan.config.name;
            return Err(format!("[[issuer]]: two issuers have the name `{name}` (that of --token-key is `default`)"));
        }
    }
    Ok(())
}

impl Issuer {
    /// The name, for errors.
    pub(super) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    /// What the table asks for.
    ///
    /// # Errors
    /// A sentence without a secret.
    pub(super) fn plan(&self) -> Result<IssuerPlan, String> {
        if self.name().is_empty() {
            return Err("an issuer needs a name, for the log: name = \"...\"".to_owned());
        }
        if self.keys.is_empty() {
            return Err("an issuer needs a key: keys = [\"RS256:key.pem\"]".to_owned());
        }
        let config = IssuerConfig {
            iss: self.iss.clone(),
            aud: self.aud.clone(),
            leeway_s: self.leeway.as_secs(),
            requires_exp: self.exp_required,
            ..IssuerConfig::new(self.name())
        };
        // The rules of the configuration, with a set that stands for the keys.
        let set = Arc::new(KeySet::new(Vec::new(), KeySet::PAUSE_MS));
        let probe = IssuerConfig { sets: vec![set], ..config.clone() };
        Known::new(probe).map_err(|error| error.to_string())?;
        let algorithms = Some(self.algorithms.as_slice()).filter(|all| !all.is_empty());
        IssuerPlan::new(format!("[[issuer]] {}", self.name()), config, &self.keys, algorithms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_is_shorter_than_its_hash_is_weak() {
        let weak = |algorithm: Algorithm, bytes: usize| {
            let keys = vec![KeySpec::Secret { algorithm, secret: vec![b'x'; bytes] }];
            let config = IssuerConfig::new("default");
            let plan = IssuerPlan { setting: "--token-key".to_owned(), config, keys, algorithms: Vec::new() };
            plan.weak_secrets().collect::<Vec<_>>().join(" ")
        };
        for (algorithm, bytes) in [(Algorithm::Hs256, 32), (Algorithm::Hs384, 48), (Algorithm::Hs512, 64)] {
            assert_eq!(weak(algorithm, bytes), "");
            let told = weak(algorithm, bytes - 1);
            let name = algorithm.name();
            assert!(told.starts_with(&format!("--token-key: the secret for {name} has {} bytes", bytes - 1)), "{told}");
            assert!(told.contains(&format!("openssl rand -base64 {bytes}")) && !told.contains("xx"), "{told}");
        }
    }
}
