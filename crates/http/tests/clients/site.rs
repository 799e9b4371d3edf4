//! [`Site`]: a server that can be restarted on its port.

use std::{
    net::SocketAddr,
    thread::{self, JoinHandle},
    time::Instant,
};

use fanfare_http::{Config, Ended, bind, run};
use tokio::sync::oneshot;

use crate::support::client::{Answer, Client};

/// A listener that lives until it is dropped.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    running: Option<(oneshot::Sender<()>, JoinHandle<Ended>)>,
}

impl Site {
    pub(crate) fn start(config: Config) -> Self {
        let mut site = Self { address: "127.0.0.1:0".parse().unwrap(), running: None };
        site.run(config);
        site
    }

    fn run(&mut self, config: Config) {
        let listener = bind(self.address).unwrap();
        self.address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let serve = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let shutdown = async { drop(stopped.await) };
            runtime.block_on(run(listener, config, shutdown)).unwrap()
        };
        self.running = Some((stop, thread::spawn(serve)));
    }

    /// Drains it, and has another in its place at once. Gives the moment before.
    pub(crate) fn restart(&mut self, config: Config) -> Instant {
        let start = Instant::now();
        self.stop();
        self.run(config);
        start
    }

    fn stop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            let _ = stop.send(());
            let _ = thread.join();
        }
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Publishes and gives the id. Fails unless the publish is accepted.
    #[track_caller]
    pub(crate) fn publish(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> String {
        let answer: Answer = Client::open(self.address).request("POST", path, headers, body);
        assert_eq!(answer.status, 202, "{path}: {answer:?}");
        answer.json()["id"].as_str().unwrap().to_owned()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.stop();
    }
}
