//! [`Console`]: what every request can reach.

use std::{rc::Rc, sync::Arc};

use fanfare_http::Handle;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, SemaphorePermit, watch};

use crate::{
    answer::problem::Problem,
    config::Admin,
    control::{Control, ReloadError, Reloaded},
    operate::Operate,
    sampler::Sampler,
};

/// The server behind the listener, and the places that requests share.
pub(crate) struct Console<O, C> {
    pub(crate) admin: Admin,
    pub(crate) handle: Handle,
    pub(crate) operator: O,
    pub(crate) control: C,
    reloading: Mutex<()>,
    streams: Arc<Semaphore>,
    questions: Semaphore,
    stopping: watch::Receiver<bool>,
    /// Lines about tokens that are wrong.
    pub(crate) wrong_tokens: Sampler,
}

/// How the server is.
pub(crate) struct State {
    pub(crate) is_ready: bool,
    pub(crate) is_draining: bool,
    pub(crate) failure: Option<String>,
}

impl<O: Operate, C> Console<O, C> {
    pub(crate) fn new(
        admin: Admin,
        handle: Handle,
        operator: O,
        control: C,
        stopping: watch::Receiver<bool>,
    ) -> Rc<Self> {
        let (streams, questions) = (admin.limits.streams_max, admin.limits.questions_max);
        Rc::new(Self {
            admin,
            handle,
            operator,
            control,
            reloading: Mutex::new(()),
            streams: Arc::new(Semaphore::new(streams)),
            questions: Semaphore::new(questions),
            stopping,
            wrong_tokens: Sampler::default(),
        })
    }

    pub(crate) fn state(&self) -> State {
        let Self { handle, .. } = self;
        State { is_ready: handle.is_ready(), is_draining: handle.is_draining(), failure: handle.failure() }
    }

    /// A place for an event stream, until it is dropped.
    ///
    /// # Errors
    /// [`Problem`]: all are taken.
    pub(crate) fn stream(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.streams).try_acquire_owned().map_err(|_| {
            Problem::full(format!("{} event streams are open, which is the limit", self.admin.limits.streams_max))
        })
    }

    /// Waits for a place to ask the shards. Nobody closes the semaphore, so there always comes one.
    pub(crate) async fn question(&self) -> Option<SemaphorePermit<'_>> {
        self.questions.acquire().await.ok()
    }

    /// Tells streams when the listener ends.
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.clone()
    }
}

impl<O, C: Control> Console<O, C> {
    /// Reloads, one at a time.
    pub(crate) async fn reload(&self) -> Result<Reloaded, ReloadError> {
        let _one_at_a_time = self.reloading.lock().await;
        self.control.reload().await
    }
}
