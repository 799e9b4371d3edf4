//! [`Listener`]: an admin listener in front of a real engine, with figures that are made up.

use std::{
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use fanfare_admin::{Admin, AdminToken, Control, Limits, Operate, ReloadError, Reloaded, Serving, serve};
use fanfare_http::{Config, Fanfare, Handle};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::{
    client::{Answer, Client, Stream},
    made_up::MadeUp,
};

/// The operator of the engine itself.
pub(crate) type Real = fanfare_http::Operator;

pub(crate) struct Listener<O = MadeUp> {
    pub(crate) serving: Option<Serving>,
    pub(crate) made_up: O,
    pub(crate) fanfare: Option<Fanfare>,
    pub(crate) handle: Handle,
    pub(crate) program: Program,
    runtime: Runtime,
}

/// Reloads what a test wants: the text "broken" is a file that is wrong. Notes a drain, and does not begin it.
#[derive(Clone)]
pub(crate) struct Program {
    pub(crate) file: &'static str,
    is_drained: Arc<AtomicBool>,
    /// Reloads in progress, and the most that there were.
    reloads: Arc<AtomicUsize>,
    pub(crate) reloads_max: Arc<AtomicUsize>,
}

impl Program {
    pub(crate) fn with(file: &'static str) -> Self {
        Self { file, is_drained: Arc::default(), reloads: Arc::default(), reloads_max: Arc::default() }
    }

    pub(crate) fn is_drained(&self) -> bool {
        self.is_drained.load(Ordering::SeqCst)
    }
}

impl Control for Program {
    fn drain(&self) {
        self.is_drained.store(true, Ordering::SeqCst);
    }

    async fn reload(&self) -> Result<Reloaded, ReloadError> {
        let reloads = self.reloads.fetch_add(1, Ordering::SeqCst) + 1;
        self.reloads_max.fetch_max(reloads, Ordering::SeqCst);
        // Others have their turn, and may come in.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        self.reloads.fetch_sub(1, Ordering::SeqCst);
        match self.file {
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
        Self::with_program(admin, Program::with("keys"))
    }

    pub(crate) fn with_program(admin: Admin, program: Program) -> Self {
        Self::start(admin, program, Config::default(), |_| MadeUp::new())
    }

    pub(crate) fn with_engine(config: Config) -> Self {
        Self::start(Admin::default(), Program::with("keys"), config, |_| MadeUp::new())
    }
}

impl Listener<Real> {
    /// With the figures of the engine.
    pub(crate) fn real(config: Config) -> Self {
        Self::start(Admin::default(), Program::with("keys"), config, Handle::operator)
    }
}

impl<O: Operate + Clone> Listener<O> {
    fn start(admin: Admin, program: Program, config: Config, operator: impl FnOnce(&Handle) -> O) -> Self {
        let runtime = Runtime::new().unwrap();
        let inside = runtime.enter();
        let fanfare = Fanfare::start(config).unwrap();
        drop(inside);
        let handle = fanfare.handle();
        let made_up = operator(&handle);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let serving = serve(listener, admin, handle.clone(), made_up.clone(), program.clone()).unwrap();
        Self { serving: Some(serving), made_up, fanfare: Some(fanfare), handle, program, runtime }
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
