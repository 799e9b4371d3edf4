//! The servers that are compared: found before the first run, started afresh for each, and ended after it.
//!
//! Each kind has a file. A new kind that is started here is a variant of [`BuiltIn`] and of `Kind`.

pub(crate) mod built_in;
pub(crate) mod error;
mod fanfare;
mod floor;
pub(crate) mod given;
pub(crate) mod listening;
mod nchan;
mod starter;

use crate::args::compare::CompareArgs;
use crate::compare::cores::Cores;
use crate::compare::extra::Extra;
use crate::compare::peer::built_in::{BuiltIn, FANFARE, FLOOR};
use crate::compare::peer::error::PeerError;
use crate::compare::peer::fanfare::Fanfare;
use crate::compare::peer::floor::Floor;
use crate::compare::peer::given::Given;
use crate::compare::peer::listening::Listening;
use crate::compare::peer::nchan::{NCHAN, Nchan};
use crate::compare::peer::starter::{Running, Starter};
use crate::interrupt::Interrupt;
use crate::wire::transport::Transport;

/// One server of the comparison.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) name: String,
    /// The version that it prints, or its address.
    pub(crate) version: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Floor(Floor),
    Fanfare(Fanfare),
    Nchan(Nchan),
    Given(Given),
}

impl Peer {
    /// All servers of a comparison, in the order of their names on the command line.
    pub(crate) fn find(args: &CompareArgs) -> Result<Vec<Self>, PeerError> {
        let mut peers: Vec<Self> = Vec::new();
        for built_in in &args.peers {
            peers.push(match built_in {
                BuiltIn::Floor => Self::new(FLOOR, floor::version(), Kind::Floor(Floor::find()?)),
                BuiltIn::Fanfare => {
                    let fanfare = Fanfare::find(args.fanfare.as_deref(), &args.fanfare_args)?;
                    Self::new(FANFARE, fanfare.version(), Kind::Fanfare(fanfare))
                }
                BuiltIn::Nchan => {
                    let nchan = Nchan::find(args.nginx.as_deref(), args.nchan_module.as_deref())?;
                    Self::new(NCHAN, nchan.version(), Kind::Nchan(nchan))
                }
            });
        }
        let given = args.peer.iter().cloned();
        peers.extend(given.map(|given| Self::new(given.name(), given.version(), Kind::Given(given.clone()))));
        for (index, peer) in peers.iter().enumerate() {
            if peers[..index].iter().any(|other| other.name == peer.name) {
                return Err(PeerError::TwoOfOneName(peer.name.clone()));
            }
        }
        Ok(peers)
    }

    fn new(name: &str, version: String, kind: Kind) -> Self {
        Self { name: name.to_owned(), version, kind }
    }

    /// Its configuration beyond its command.
    pub(crate) fn configuration(&self) -> Option<String> {
        match &self.kind {
            Kind::Nchan(nchan) => Some(nchan.configuration()),
            Kind::Floor(_) | Kind::Fanfare(_) | Kind::Given(_) => None,
        }
    }

    /// Whether it takes part in a run that goes over this. A server that was given speaks what it was given for.
    pub(crate) fn speaks(&self, transport: &Transport) -> bool {
        match &self.kind {
            Kind::Floor(_) | Kind::Fanfare(_) | Kind::Nchan(_) => true,
            Kind::Given(given) => given.speaks(transport),
        }
    }

    /// Whether it can be started with this. Only Fanfare is asked to.
    pub(crate) fn knows(&self, extra: Extra) -> bool {
        extra == Extra::Nothing || matches!(&self.kind, Kind::Fanfare(fanfare) if fanfare.knows(extra))
    }

    /// Starts it, if it does not run already.
    pub(crate) fn start(
        &self,
        listening: &Listening,
        cores: &Cores,
        interrupt: &Interrupt,
    ) -> Result<Running, PeerError> {
        let starter = Starter { peer: &self.name, listening, cores, interrupt };
        match &self.kind {
            Kind::Floor(floor) => floor.start(&starter),
            Kind::Fanfare(fanfare) => fanfare.start(&starter),
            Kind::Nchan(nchan) => nchan.start(&starter),
            Kind::Given(given) => Ok(given.running()),
        }
    }
}
