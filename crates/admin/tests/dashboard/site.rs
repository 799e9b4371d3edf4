//! [`Site`]: a listener whose page a test looks at.

use std::net::{SocketAddr, TcpListener};

use fanfare_admin::{Admin, AdminToken, Serving, serve};
use fanfare_http::{Config, Event, Fanfare, Handle, Target, Wait};
use tokio::runtime::Runtime;

use crate::{
    script::Script,
    support::{
        client::Client,
        listener::Program,
        made_up::{MadeUp, channel},
    },
    watched::{Deeds, Watched, WatchedProgram},
};

pub(crate) struct Site {
    pub(crate) made_up: MadeUp,
    pub(crate) deeds: Deeds,
    address: SocketAddr,
    serving: Option<Serving>,
    admin: Admin,
    file: &'static str,
    handle: Handle,
    _fanfare: Fanfare,
    runtime: Runtime,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::with(Admin::default(), "keys")
    }

    pub(crate) fn with_token(token: &str) -> Self {
        Self::with(Admin { token: Some(AdminToken::new(token).unwrap()), ..Admin::default() }, "keys")
    }

    /// What a reload finds: see [`Program`].
    pub(crate) fn with(admin: Admin, file: &'static str) -> Self {
        let runtime = Runtime::new().unwrap();
        let inside = runtime.enter();
        let fanfare = Fanfare::start(Config::default()).unwrap();
        drop(inside);
        let mut site = Self {
            made_up: MadeUp::new(),
            deeds: Deeds::default(),
            address: "127.0.0.1:0".parse().unwrap(),
            serving: None,
            admin,
            file,
            handle: fanfare.handle(),
            _fanfare: fanfare,
            runtime,
        };
        site.serve();
        site
    }

    /// Opens the listener, at the address that it had before.
    pub(crate) fn serve(&mut self) {
        let listener = TcpListener::bind(self.address).unwrap();
        let operator = Watched { made_up: self.made_up.clone(), deeds: self.deeds.clone() };
        let program = WatchedProgram { program: Program::with(self.file), deeds: self.deeds.clone() };
        let serving = serve(listener, self.admin.clone(), self.handle.clone(), operator, program).unwrap();
        self.address = serving.address();
        self.serving = Some(serving);
    }

    /// Closes the listener.
    pub(crate) fn end(&mut self) {
        self.serving.take().unwrap().end();
    }

    /// Opens the page, and begins the scenario of this name.
    pub(crate) fn script(&self, scenario: &str) -> Script {
        Script::start(scenario, &format!("http://{}", self.address))
    }

    /// A client beside the browser.
    pub(crate) fn client(&self) -> Client {
        Client::open(self.address)
    }

    /// Publishes on a channel. Returns the id.
    pub(crate) fn publish(&self, name: &str, data: &str) -> String {
        let event = Event::for_targets(vec![Target::Channel(channel(name))], data.to_owned()).unwrap();
        self.runtime.block_on(self.handle.publish(event, Wait::Journal)).unwrap().id.to_string()
    }

    /// Streams of the engine itself: the tails.
    pub(crate) fn tails(&self) -> usize {
        self.handle.connections()
    }
}
