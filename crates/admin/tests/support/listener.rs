//! [`Listener`]: an admin listener in front of a real engine, with figures that are made up.

use std::net::TcpListener;

use fanfare_admin::{Admin, AdminToken, Limits, Reload, ReloadError, Reloaded, Serving, serve};
use fanfare_http::{Config, Fanfare, Handle};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::{
    client::{Answer, Client, Stream},
    made_up::MadeUp,
};

pub(crate) struct Listener {
    pub(crate) serving: Option<Serving>,
    pub(crate) made_up: MadeUp,
    pub(crate) fanfare: Option<Fanfare>,
    pub(crate) handle: Handle,
    runtime: Runtime,
}

/// Reloads what a test wants: the text "broken" is a file that is wrong.
pub(crate) struct Files(pub(crate) &'static str);

impl Reload for Files {
    async fn reload(&self) -> Result<Reloaded, ReloadError> {
        match self.0 {
            "broken" => Err(ReloadError("keys.toml: line 3: expected `=`".to_owned())),
            applied => Ok(Reloaded { applied: vec![applied.to_owned()], ..Reloaded::default() }),
        }
    }
}

impl Listener {
    pub(crate) fn new() -> Self {
        Self::with(Admin::default())
    }

    pub(crate) fn with_limits(limits: Limits) -> Self {
        Self::with(Admin { limits, ..Admin::default() })
    }

    pub(crate) fn with_token(token: &str) -> Self {
        Self::with(Admin { token: Some(AdminToken::new(token).unwrap()), ..Admin::default() })
    }

    pub(crate) fn with(admin: Admin) -> Self {
        Self::with_files(admin, Files("keys"))
    }

    pub(crate) fn with_files(admin: Admin, files: Files) -> Self {
        Self::start(admin, files, Config::default())
    }

    pub(crate) fn with_engine(config: Config) -> Self {
        Self::start(Admin::default(), Files("keys"), config)
    }

    fn start(admin: Admin, files: Files, config: Config) -> Self {
        let runtime = Runtime::new().unwrap();
        let inside = runtime.enter();
        let fanfare = Fanfare::start(config).unwrap();
        drop(inside);
        let (handle, made_up) = (fanfare.handle(), MadeUp::new());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let serving = serve(listener, admin, handle.clone(), made_up.clone(), files).unwrap();
        Self { serving: Some(serving), made_up, fanfare: Some(fanfare), handle, runtime }
    }

    pub(crate) fn client(&self) -> Client {
        Client::open(self.serving.as_ref().unwrap().address())
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.serving.as_ref().unwrap().address())
    }

    #[track_caller]
    pub(crate) fn request(&self, method: &str, target: &str) -> Answer {
        self.client().request(method, target, &[], b"")
    }

    #[track_caller]
    pub(crate) fn get(&self, target: &str) -> Answer {
        self.request("GET", target)
    }

    #[track_caller]
    pub(crate) fn post(&self, target: &str, body: &Value) -> Answer {
        self.client().request("POST", target, &[("content-type", "application/json")], body.to_string().as_bytes())
    }

    #[track_caller]
    pub(crate) fn stream(&self, target: &str) -> Stream {
        self.client().stream(target, &[])
    }

    /// Waits for a future of the engine.
    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Drains the engine. The listener goes on.
    pub(crate) fn drain(&mut self) {
        let fanfare = self.fanfare.take().unwrap();
        self.wait(fanfare.drain()).unwrap();
    }
}
