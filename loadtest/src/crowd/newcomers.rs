//! Newcomers: clients that connect all at once, each with a full TLS handshake, and then only stay.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::crowd::outsiders::Outsiders;
use crate::crowd::plan::Plan;
use crate::failure::Failure;
use crate::link::error::LinkError;
use crate::link::pipe::Pipe;
use crate::link::tls::Tls;
use crate::measure::latency::Latency;
use crate::wire::target::CONNECT_TIMEOUT;

/// The end of their handshakes.
#[derive(Debug)]
pub(crate) struct Arrived {
    /// From the order to connect to the end of a client's handshake.
    pub(crate) handshake: Latency,
    /// The reason why the first that could not connect could not.
    pub(crate) refused_first: Option<String>,
    /// The time at which the last had connected or given up, by the run's clock.
    pub(crate) ended_ns: u64,
}

/// The reason why a newcomer is not there.
#[derive(Debug, thiserror::Error)]
enum NewcomerError {
    #[error("cannot connect: {0}")]
    Connect(#[from] io::Error),
    #[error(transparent)]
    Link(#[from] LinkError),
}

/// Lets so many connect at `begin_ns`, to the nodes in turn.
pub(crate) fn start(plan: &Plan, count: u32, begin_ns: u64) -> Result<Outsiders<Arrived>, Failure> {
    let (plan, tls) = (plan.clone(), Tls::new(&plan.transport)?);
    Outsiders::start("newcomers", move || connect_all(plan, tls, count, begin_ns))
}

async fn connect_all(plan: Plan, tls: Option<Tls>, count: u32, begin_ns: u64) -> (Arrived, Vec<Pipe>) {
    let wait_ns = begin_ns.saturating_sub(plan.clock.now_ns());
    tokio::time::sleep(Duration::from_nanos(wait_ns)).await;
    let (plan, tls) = (Rc::new(plan), Rc::new(tls));
    let connecting = (0..count).map(|number| {
        let (plan, tls) = (Rc::clone(&plan), Rc::clone(&tls));
        tokio::task::spawn_local(async move {
            let pipe = connect(&plan, tls.as_ref().as_ref(), number).await?;
            Ok::<_, NewcomerError>((pipe, plan.clock.now_ns()))
        })
    });
    let connecting: Vec<_> = connecting.collect();
    let mut arrived = Arrived { handshake: Latency::new(), refused_first: None, ended_ns: 0 };
    let mut pipes = Vec::new();
    for one in connecting {
        match one.await.map_err(|_| io::Error::other("its task died")).map_err(Into::into).flatten() {
            Ok((pipe, at_ns)) => {
                arrived.handshake.record_ns(at_ns.saturating_sub(begin_ns));
                pipes.push(pipe);
            }
            Err(cause) => drop(arrived.refused_first.get_or_insert(cause.to_string())),
        }
    }
    arrived.ended_ns = plan.clock.now_ns();
    (arrived, pipes)
}

async fn connect(plan: &Plan, tls: Option<&Tls>, number: u32) -> Result<Pipe, NewcomerError> {
    let target = plan.target(number % plan.terms.nodes);
    let connecting = timeout(CONNECT_TIMEOUT.min(plan.deadline.left()), TcpStream::connect(target.address));
    let stream = connecting.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
    Ok(Pipe::over(stream, tls, &target.host).await?)
}
