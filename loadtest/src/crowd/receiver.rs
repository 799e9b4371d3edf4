//! A receiving thread: a runtime of its own for its share of the subscribers, and their ledgers at the end.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;

use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{Semaphore, watch};

use crate::crowd::live::Live;
use crate::crowd::notice::Notice;
use crate::crowd::plan::{Order, Part, Plan};
use crate::crowd::shared::{Desk, Shared};
use crate::crowd::subscriber::Subscriber;
use crate::failure::Failure;
use crate::link::carriers::Carriers;
use crate::link::tls::Tls;
use crate::measure::ledger::{Seat, received_ns};
use crate::measure::sum::Sum;

/// Some of a process's threads. They end at `Order::End`, or when nobody can give it any more.
#[derive(Debug)]
pub(crate) struct Receivers {
    threads: Vec<JoinHandle<io::Result<Vec<Sum>>>>,
    pub(crate) lives: Vec<Arc<Live>>,
}

impl Receivers {
    pub(crate) fn start(
        plan: &Plan,
        parts: impl Iterator<Item = Part>,
        orders: &watch::Receiver<Order>,
        notices: &Sender<Notice>,
    ) -> Result<Self, Failure> {
        let gate = Arc::new(Semaphore::new(plan.connecting_max as usize));
        let gate_back = Arc::new(Semaphore::new(plan.returning_max as usize));
        let tls = Tls::new(&plan.transport)?;
        let mut receivers = Self { threads: Vec::new(), lives: Vec::new() };
        for part in parts {
            let (plan, orders, notices) = (plan.clone(), orders.clone(), notices.clone());
            let (gate, gate_back) = (Arc::clone(&gate), Arc::clone(&gate_back));
            let (live, tls) = (Arc::new(Live::default()), tls.clone());
            receivers.lives.push(Arc::clone(&live));
            let thread = std::thread::Builder::new().name(format!("receive-{}", part.number));
            let spawned = thread.spawn(move || {
                let desk = Desk::new(&plan).into();
                let carriers = Carriers::new(plan.transport.streams_per_connection);
                let speaker = notices.clone();
                // Told at once: nobody joins the thread before the run is over.
                receive(part, Shared { plan, desk, tls, carriers, gate, gate_back, notices, live, orders })
                    .inspect_err(|cause| drop(speaker.send(Notice::NoReceiver(cause.to_string()))))
            });
            receivers.threads.push(spawned.map_err(Failure::Thread)?);
        }
        Ok(receivers)
    }

    /// The sums of the groups, once the order to end has been given.
    pub(crate) fn join(self) -> Result<Vec<Sum>, Failure> {
        let sums = self.threads.into_iter().map(|thread| match thread.join() {
            Ok(sums) => sums.map_err(Failure::Thread),
            Err(_panic) => Err(Failure::Bug),
        });
        let sums = sums.collect::<Result<Vec<_>, _>>()?;
        Ok(sums.into_iter().reduce(merged).unwrap_or_default())
    }
}

/// Group by group.
pub(crate) fn merged(mut all: Vec<Sum>, more: Vec<Sum>) -> Vec<Sum> {
    all.iter_mut().zip(more).for_each(|(sum, more)| sum.merge(more));
    all
}

/// Tells the ledgers of the phases of a storm or a rush, each once it has begun.
async fn follow_tide(shared: Rc<Shared>) {
    let mut orders = shared.orders.clone();
    while orders.changed().await.is_ok() {
        if let Some(tide) = orders.borrow_and_update().tide() {
            shared.desk.borrow_mut().ledgers.iter_mut().for_each(|ledger| ledger.tide = tide);
        }
    }
}

fn receive(part: Part, shared: Shared) -> io::Result<Vec<Sum>> {
    let runtime = Builder::new_current_thread().enable_io().enable_time().build_local(LocalOptions::default())?;
    let mut orders = shared.orders.clone();
    let shared = Rc::new(shared);
    for (connection, group) in shared.plan.part(part) {
        let seat = shared.desk.borrow_mut().ledgers[group].seat(shared.plan.addressee(connection));
        let seat = Seat { node: shared.plan.terms.node_of_stream(connection), ..seat };
        let subscriber = Subscriber { connection, group, seat, shared: Rc::clone(&shared) };
        runtime.spawn_local(subscriber.run());
    }
    if shared.plan.has_phases {
        runtime.spawn_local(follow_tide(Rc::clone(&shared)));
    }
    let ended = runtime.block_on(orders.wait_for(|order| matches!(order, Order::End(_)))).map(|order| order.clone());
    drop(runtime);
    let Ok(Order::End(published)) = ended else { return Ok(Vec::new()) };
    let shared = Rc::into_inner(shared).expect("the tasks that shared it went with the runtime");
    let ledgers = shared.desk.into_inner().ledgers;
    let received_ns = received_ns(&ledgers);
    Ok(ledgers.into_iter().map(|ledger| ledger.close(&published, &received_ns)).collect())
}
